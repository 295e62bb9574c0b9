import type { Act } from "../api/analysis";
import { type Asked, actOf, numberOf, oneOf, textOf } from "./asked";
import { COUNT_BY } from "./funnel";
import { daysOf, type Span } from "./range";

export const RETENTION_INTERVALS = ["day", "week", "month"] as const;
export type RetentionInterval = (typeof RETENTION_INTERVALS)[number];
export const COHORTS = ["first_time", "every", "first_seen", "profile"] as const;
export const MODES = ["exact", "on_or_after", "bracket"] as const;
export const MEASURES = ["users", "sum"] as const;
const MOST_GROUPS = 8;
export const SHOWN = ["share", "count"] as const;

export interface RetentionAsked {
  start: Act;
  returning: Act;
  interval: RetentionInterval | "";
  cohorts: (typeof COHORTS)[number];
  /** A property of profiles, `profile.signed_up`, whose date begins a cohort. */
  date: string;
  breakdown: string;
  rolling: boolean;
  mode: (typeof MODES)[number];
  brackets: string;
  periods: number;
  measure: (typeof MEASURES)[number];
  property: string;
  /** Of sums. */
  cumulative: boolean;
  /** Of people: who has come back by then. */
  by_then: boolean;
  count_by: (typeof COUNT_BY)[number];
  /** How people are shown, and how sums are: per person, or of what the start brought. */
  shown: (typeof SHOWN)[number];
  worth: (typeof SHOWN)[number];
}

export function retentionOf(asked: Asked): RetentionAsked {
  return {
    start: actOf(asked.start),
    returning: actOf(asked.returning),
    interval: oneOf(["", ...RETENTION_INTERVALS], asked.interval, ""),
    cohorts: oneOf(COHORTS, asked.cohorts, "first_time"),
    date: textOf(asked.date),
    breakdown: textOf(asked.breakdown),
    rolling: asked.rolling === true,
    mode: oneOf(MODES, asked.mode, "exact"),
    brackets: textOf(asked.brackets, "1-3, 4-7, 8-14"),
    periods: numberOf(asked.periods, 8, 1, 400),
    measure: oneOf(MEASURES, asked.measure, "users"),
    property: textOf(asked.property, "revenue"),
    cumulative: asked.cumulative !== false,
    by_then: asked.by_then === true,
    count_by: oneOf(COUNT_BY, asked.count_by, "users"),
    shown: oneOf(SHOWN, asked.shown, "share"),
    worth: oneOf(SHOWN, asked.worth, "count"),
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

/** Whether an event makes somebody part of a cohort, as opposed to when they came or what their profile says. */
export const byEvent = ({ cohorts }: RetentionAsked): boolean => cohorts === "first_time" || cohorts === "every";

/** Whether nothing is left to choose. */
export const isAsked = ({ cohorts, date }: RetentionAsked): boolean => cohorts !== "profile" || date !== "";

/** What is asked, as the API takes it: options that do not go together are not sent. */
export function asRetention(asked: RetentionAsked, span: Span) {
  const money = asked.measure === "sum";
  const cumulative = money ? asked.cumulative : asked.by_then;
  const mode = money || cumulative ? "exact" : asked.mode;
  return {
    ...(byEvent(asked) && { start: asked.start }),
    returning: asked.returning,
    interval: asked.interval || usualInterval(span),
    cohort_by: byEvent(asked) ? "event" : asked.cohorts === "profile" ? asked.date : "first_seen",
    ...(asked.cohorts === "every" && { first_time: false }),
    ...(asked.rolling && asked.cohorts !== "every" && { rolling: true }),
    mode,
    ...(mode === "bracket" ? { brackets: bracketsOf(asked.brackets) } : { periods: asked.periods }),
    measure: money ? `sum:${asked.property}` : "users",
    ...(cumulative && { cumulative: true }),
    ...(asked.breakdown && { breakdown: asked.breakdown, limit: MOST_GROUPS }),
    count_by: asked.cohorts === "profile" ? "users" : asked.count_by,
  };
}
