import type { Act } from "../api/analysis";
import { type Asked, actOf, numberOf, oneOf, textOf } from "./asked";
import { COUNT_BY } from "./funnel";
import { daysOf, type Span } from "./range";

export const RETENTION_INTERVALS = ["day", "week", "month"] as const;
export type RetentionInterval = (typeof RETENTION_INTERVALS)[number];
export const COHORTS = ["first_time", "every", "first_seen"] as const;
export const MODES = ["exact", "on_or_after", "bracket"] as const;
export const MEASURES = ["users", "sum"] as const;
export const SHOWN = ["share", "count"] as const;

export interface RetentionAsked {
  start: Act;
  returning: Act;
  interval: RetentionInterval | "";
  cohorts: (typeof COHORTS)[number];
  rolling: boolean;
  mode: (typeof MODES)[number];
  brackets: string;
  periods: number;
  measure: (typeof MEASURES)[number];
  property: string;
  cumulative: boolean;
  count_by: (typeof COUNT_BY)[number];
  shown: (typeof SHOWN)[number];
}

export function retentionOf(asked: Asked): RetentionAsked {
  return {
    start: actOf(asked.start),
    returning: actOf(asked.returning),
    interval: oneOf(["", ...RETENTION_INTERVALS], asked.interval, ""),
    cohorts: oneOf(COHORTS, asked.cohorts, "first_time"),
    rolling: asked.rolling === true,
    mode: oneOf(MODES, asked.mode, "exact"),
    brackets: textOf(asked.brackets, "1-3, 4-7, 8-14"),
    periods: numberOf(asked.periods, 8, 1, 400),
    measure: oneOf(MEASURES, asked.measure, "users"),
    property: textOf(asked.property, "revenue"),
    cumulative: asked.cumulative !== false,
    count_by: oneOf(COUNT_BY, asked.count_by, "users"),
    shown: oneOf(SHOWN, asked.shown, "share"),
  };
}

/** The interval that makes a readable table of a range. */
export function usualInterval(span: Span): RetentionInterval {
  const days = span.from.includes("T") ? 1 : daysOf(span);
  return days <= 21 ? "day" : days <= 120 ? "week" : "month";
}

/** "1-3, 4-7" as pairs; what is none is left out. */
export function bracketsOf(text: string): [number, number][] {
  return text.split(/[,;]/).flatMap((part): [number, number][] => {
    const [, from, to] = /^\s*(\d{1,3})\s*(?:[-–]\s*(\d{1,3}))?\s*$/.exec(part) ?? [];
    return from === undefined ? [] : [[Number(from), Number(to ?? from)]];
  });
}

/** What is asked, as the API takes it: options that do not go together are not sent. */
export function asRetention(asked: RetentionAsked, span: Span) {
  const money = asked.measure === "sum";
  const mode = money ? "exact" : asked.mode;
  return {
    ...(asked.cohorts !== "first_seen" && { start: asked.start }),
    returning: asked.returning,
    interval: asked.interval || usualInterval(span),
    cohort_by: asked.cohorts === "first_seen" ? "first_seen" : "event",
    ...(asked.cohorts === "every" && { first_time: false }),
    ...(asked.rolling && asked.cohorts !== "every" && { rolling: true }),
    mode,
    ...(mode === "bracket" ? { brackets: bracketsOf(asked.brackets) } : { periods: asked.periods }),
    measure: money ? `sum:${asked.property}` : "users",
    ...(money && asked.cumulative && { cumulative: true }),
    count_by: asked.count_by,
  };
}
