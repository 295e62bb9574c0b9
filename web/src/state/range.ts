/** Time ranges as people pick them, and as the API takes them; days are days of the project's time zone. */

export const PRESETS = ["today", "24h", "7d", "30d", "90d", "12m"] as const;
export type Preset = (typeof PRESETS)[number];
export const INTERVALS = ["minute", "hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];
export const COMPARISONS = ["previous_period", "previous_year"] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface Span {
  from: string;
  to: string;
}

const DAYS: Record<Exclude<Preset, "24h">, number> = { today: 1, "7d": 7, "30d": 30, "90d": 90, "12m": 365 };
const DAY_MS = 86_400_000;

/** The calendar day and time of day at `now` on the clocks of `timezone`. */
export function localNow(timezone: string, now: Date): { date: string; time: string } {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
  const [date = "", time = ""] = parts.format(now).split(" ");
  return { date, time };
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export function daysOf({ from, to }: Span): number {
  return (
    Math.round((Date.parse(`${to.slice(0, 10)}T00:00:00Z`) - Date.parse(`${from.slice(0, 10)}T00:00:00Z`)) / DAY_MS) + 1
  );
}

/** A preset's range: whole days with today as the last one, or the last 24 hours. */
export function spanOf(preset: Preset, timezone: string, now: Date): Span {
  if (preset === "24h") {
    const hour = Math.floor(now.getTime() / 3_600_000) * 3_600_000;
    return { from: new Date(hour - 23 * 3_600_000).toISOString(), to: new Date(hour + 3_600_000).toISOString() };
  }
  const { date } = localNow(timezone, now);
  return { from: addDays(date, 1 - DAYS[preset]), to: date };
}

/**
 * What a range is measured against: as many days right before it, or the same days a year before. A range that is
 * still under way is measured against the same part of the other one, or every morning would look like a loss.
 */
export function comparedSpan(span: Span, comparison: Comparison, timezone: string, now: Date): Span {
  if (span.from.includes("T")) {
    const length = comparison === "previous_year" ? 364 * DAY_MS : Date.parse(span.to) - Date.parse(span.from);
    const end = Math.min(Date.parse(span.to), now.getTime());
    return {
      from: new Date(Date.parse(span.from) - length).toISOString(),
      to: new Date(end - length).toISOString(),
    };
  }
  const back = comparison === "previous_year" ? 364 : daysOf(span);
  const { date, time } = localNow(timezone, now);
  const over = span.to < date;
  const to = addDays(over ? span.to : date, -back);
  return { from: addDays(span.from, -back), to: over || time === "00:00:00" ? to : `${to}T${time}` };
}

/** The intervals that make a readable chart of a range, the usual one first. */
export function intervalsFor(span: Span): [Interval, ...Interval[]] {
  const days = span.from.includes("T") ? 1 : daysOf(span);
  if (days <= 1) return ["hour", "minute"];
  if (days <= 3) return ["hour", "day"];
  if (days <= 14) return ["day", "hour"];
  if (days <= 100) return ["day", "week", "month"];
  return days <= 200 ? ["week", "day", "month"] : ["month", "week", "day"];
}
