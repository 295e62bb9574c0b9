import { expect, test } from "vitest";
import type { TimeseriesAnswer } from "../src/api/client";
import { drawingOf, OPEN, sumAt, valueAt } from "../src/charts/rows";
import { toCsv } from "../src/charts/table";
import { formatAgo, formatPercent, formatPoint } from "../src/i18n/format";

const names = { all: "Events", other: "Other", none: "(none)" };
const point = (day: number, value: number | null): [string, number | null] => [`2026-11-${day}T00:00:00+01:00`, value];
const answer = {
  interval: "day",
  incomplete_from: "2026-11-21T00:00:00+01:00",
  series: [
    { key: "a", other: false, total: 6, points: [point(19, 1), point(20, 2), point(21, 3)] },
    { key: null, other: true, total: 15, points: [point(19, 4), point(20, 5), point(21, 6)] },
  ],
  compare: null,
} as unknown as TimeseriesAnswer;

test("the bucket still counting is drawn under a key of its own, led to from the last full one", () => {
  const { rows, series, openFrom } = drawingOf(answer, names, true);
  expect(openFrom).toBe(2);
  expect(rows[1]).toMatchObject({ s0: 2, [`s0${OPEN}`]: 2 });
  expect(rows[2]).not.toHaveProperty("s0");
  expect(rows.map((row) => valueAt(row, "s0"))).toEqual([1, 2, 3]);
  expect(rows.map((row) => sumAt(row, series))).toEqual([5, 7, 9]);
  expect(series.map(({ name }) => name)).toEqual(["a", "Other"]);
});

test("a CSV cell can neither break out of its column nor be a formula", () => {
  const csv = toCsv({
    name: "x",
    columns: ["name", "n"],
    rows: [
      ['a "b", c\nd', 1.5],
      ["=HYPERLINK(1)", -2],
      [null, null],
    ],
  });
  expect(csv).toBe('name,n\r\n"a ""b"", c\nd",1.5\r\n\'=HYPERLINK(1),-2\r\n,\r\n');
});

test("points are shown on the project's clock, numbers in the reader's language", () => {
  expect(formatPoint("2026-11-20T00:00:00+14:00", "day", "en")).toBe("Fri, November 20, 2026");
  expect(formatPoint("2026-11-20T00:00:00+14:00", "day", "ru")).toBe("пт, 20 ноября 2026 г.");
  expect(formatPercent(0.051, "ru").replace(/\s/, " ")).toBe("5,1 %");
  expect(formatAgo("2026-11-20T00:00:00Z", Date.parse("2026-11-20T00:02:10Z"), "ru")).toBe("2 мин. назад");
});
