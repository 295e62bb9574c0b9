import type { Preview } from "../api/alerts";
import { type ChartSeries, COLORS, type Row } from "./rows";

/** What a preview is drawn as. */
export interface AlertDrawing {
  rows: Row[];
  series: ChartSeries[];
  /** In which windows it would have fired, by the points between which they lie. */
  fired: { from: string; to: string }[];
}

const MOST_LINES = COLORS.length;

/** A preview as rows: a point in time each, a line for each group (the most there are colours). */
export function drawnPreview(
  { points, incidents }: Preview,
  wall: (moment: string) => string,
  all: string,
): AlertDrawing {
  const groups = [...new Set(points.map(({ group }) => group))].slice(0, MOST_LINES);
  const times = [...new Set(points.map(({ at }) => at))];
  const rows = new Map(times.map((at): [string, Row] => [at, { point: wall(at) }]));
  for (const { at, value, group } of points) {
    const row = rows.get(at);
    const place = groups.indexOf(group);
    if (row && place >= 0) row[`s${place}`] = value;
  }
  const series = groups.map((group, place) => ({
    key: `s${place}`,
    name: group || all,
    color: COLORS[place] as string,
    total: 0,
  }));
  // A window lies before its end: its shade begins at the point before, and ends with the last window that fired.
  const shade = (moment: string | null) => {
    const place = moment === null ? times.length - 1 : times.indexOf(moment) - 1;
    return wall(times[Math.max(place, 0)] as string);
  };
  const fired = times.length ? incidents.map(({ from, to }) => ({ from: shade(from), to: shade(to) })) : [];
  return { rows: [...rows.values()], series, fired };
}
