import { addDays, localNow, type Span } from "./range";

const DAYS = { d: 1, w: 7, m: 30, y: 365 } as const;
const HOUR_MS = 3_600_000;

/** The range a saved query has now: whole days of the project, or hours, up to now; as the server takes `last`. */
export function lastSpan(last: string, timezone: string, now: Date): Span {
  const [, count = "30", unit = "d"] = /^(\d+)([hdwmy])$/.exec(last) ?? [];
  if (unit === "h") {
    const hour = Math.floor((now.getTime() - Number(count) * HOUR_MS) / HOUR_MS) * HOUR_MS;
    return { from: new Date(hour).toISOString(), to: now.toISOString() };
  }
  const { date } = localNow(timezone, now);
  return { from: addDays(date, 1 - Number(count) * DAYS[unit as "d"]), to: date };
}
