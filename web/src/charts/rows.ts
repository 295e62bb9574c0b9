import type { TimeseriesAnswer } from "../api/client";

export interface ChartSeries {
  key: string;
  name: string;
  color: string;
  total: number;
}

/** A bucket: its begin, each series' value under its key, and that of the time before. */
export interface Row {
  point: string;
  before?: number | null;
  [key: string]: number | string | null | undefined;
}

/** What stands behind the key of the part of a series that is drawn dashed. */
export const OPEN = "__open";
export const COLORS = [
  "var(--c1)",
  "var(--c2)",
  "var(--c3)",
  "var(--c4)",
  "var(--c5)",
  "var(--c6)",
  "var(--c7)",
  "var(--c8)",
];
export const OTHER_COLOR = "var(--c-other)";
// Lines differ by more than their colour.
export const DASHES = ["0", "8 3", "2 3", "10 3 2 3"];

export interface Drawing {
  rows: Row[];
  series: ChartSeries[];
  openFrom: number;
}

/**
 * An answer as rows for a chart. The bucket that is still counting is left out of a series' own key and put under
 * the key + OPEN, together with the last full bucket before it, so that a dashed line leads there; bars need no lead.
 */
export function drawingOf(
  answer: Pick<TimeseriesAnswer, "series" | "incomplete_from" | "compare">,
  names: { all: string; other: string; none: string },
  lead: boolean,
): Drawing {
  const points = answer.series[0]?.points.map(([point]) => point) ?? [];
  const from = points.findIndex((point) => answer.incomplete_from !== null && point >= answer.incomplete_from);
  const openFrom = from < 0 ? points.length : from;
  const before = answer.compare?.series[0]?.points ?? [];
  const alone = answer.series.length === 1 && answer.series[0]?.key === null && !answer.series[0].other;
  const series = answer.series.map((one, index) => ({
    key: `s${index}`,
    name: alone ? names.all : one.other ? names.other : (one.key ?? names.none),
    color: one.other ? OTHER_COLOR : (COLORS[index % COLORS.length] as string),
    total: one.total ?? 0,
  }));
  const rows = points.map((point, place): Row => {
    const row: Row = { point };
    if (before.length) row.before = before[place]?.[1] ?? null;
    for (const [index, { points: values }] of answer.series.entries()) {
      const value = values[place]?.[1] ?? null;
      if (place < openFrom) row[`s${index}`] = value;
      if (place >= openFrom || (lead && place === openFrom - 1 && openFrom < points.length))
        row[`s${index}${OPEN}`] = value;
    }
    return row;
  });
  return { rows, series, openFrom };
}

/** The value of a series in a row, whichever way it is drawn. */
export function valueAt(row: Row, key: string): number | null {
  return (row[key] ?? row[key + OPEN] ?? null) as number | null;
}

/** All series of a bucket together. */
export function sumAt(row: Row, series: readonly ChartSeries[]): number {
  return series.reduce((sum, { key }) => sum + (valueAt(row, key) ?? 0), 0);
}
