import { expect, test } from "vitest";
import { comparedSpan, intervalsFor, spanOf } from "../src/state/range";
import { parseView } from "../src/state/search";

const now = new Date("2026-11-21T23:30:00Z"); // already the 22nd in Berlin

test("a preset's days are days of the project's time zone, today is the last one", () => {
  expect(spanOf("7d", "UTC", now)).toEqual({ from: "2026-11-15", to: "2026-11-21" });
  expect(spanOf("7d", "Europe/Berlin", now)).toEqual({ from: "2026-11-16", to: "2026-11-22" });
  expect(spanOf("24h", "UTC", now)).toEqual({ from: "2026-11-21T00:00:00.000Z", to: "2026-11-22T00:00:00.000Z" });
});

test("a range under way is compared with the same part of the one before", () => {
  const span = spanOf("7d", "UTC", now);
  expect(comparedSpan(span, "previous_period", "UTC", now)).toEqual({ from: "2026-11-08", to: "2026-11-14T23:30:00" });
});

test("a range that is over is compared with all of the one before, a year back with the same weekdays", () => {
  const span = { from: "2026-11-01", to: "2026-11-10" };
  expect(comparedSpan(span, "previous_period", "UTC", now)).toEqual({ from: "2026-10-22", to: "2026-10-31" });
  expect(comparedSpan(span, "previous_year", "UTC", now)).toEqual({ from: "2025-11-02", to: "2025-11-11" });
});

test.each([
  [{ from: "2026-11-21", to: "2026-11-21" }, "hour"],
  [{ from: "2026-11-15", to: "2026-11-21" }, "day"],
  [{ from: "2026-06-01", to: "2026-11-21" }, "week"],
  [{ from: "2025-11-22", to: "2026-11-21" }, "month"],
])("%o is shown in intervals of a %s", (span, interval) => {
  expect(intervalsFor(span)[0]).toBe(interval);
});

test("an address anybody may have written is read as far as it makes sense", () => {
  const view = parseView({
    range: "forever",
    interval: "day",
    from: "2026-11-10",
    to: "2026-11-01",
    tz: "Mars/Base",
    filters: [{ property: "path", op: "in", value: ["/a", 5] }, { property: "path", op: "drop table" }, 7],
    bots: true,
    else: "x",
  });
  expect(view).toEqual({ interval: "day", bots: true, filters: [{ property: "path", op: "in", value: ["/a", 5] }] });
});
