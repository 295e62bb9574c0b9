import type { components } from "../api/schema";
import { COLORS, type Drawing, OPEN, OTHER_COLOR, type Row } from "./rows";

export type ExploreAnswer = components["schemas"]["ExploreAnswer"];
export type ExploreLine = ExploreAnswer["series"][number];

/** What lines are called: the letter of a series or a formula gets its words from the page. */
export interface LineNames {
  of: (line: ExploreLine) => string;
  other: string;
  none: string;
}

/** The names of lines: what each measures, its group, or both where several series are broken down; no two alike. */
export function namesOf({ series }: Pick<ExploreAnswer, "series">, names: LineNames): string[] {
  const grouped = series.some(({ key, other }) => key !== null || other);
  const alone = series.every(({ name }) => name === series[0]?.name);
  const plain = series.map((line) => {
    if (!grouped) return names.of(line);
    const group = line.other ? names.other : (line.key ?? names.none);
    return alone ? group : `${names.of(line)} · ${group}`;
  });
  return plain.map((name, place) =>
    plain.indexOf(name) === plain.lastIndexOf(name) ? name : `${name} (${series[place]?.name}${place + 1})`,
  );
}

/** Lines as rows for a chart; the time before is drawn where there is one line, and in the table of several. */
export function linesOf(answer: ExploreAnswer, names: LineNames, lead: boolean): Drawing {
  const points = answer.series[0]?.points.map(([point]) => point) ?? [];
  const from = points.findIndex((point) => answer.incomplete_from !== null && point >= answer.incomplete_from);
  const openFrom = from < 0 ? points.length : from;
  const called = namesOf(answer, names);
  const series = answer.series.map((line, index) => ({
    key: `s${index}`,
    name: called[index] as string,
    color: line.other ? OTHER_COLOR : (COLORS[index % COLORS.length] as string),
    total: line.total ?? 0,
  }));
  const before = answer.series.length === 1 ? answer.compare?.series[0]?.points : undefined;
  const rows = points.map((point, place): Row => {
    const row: Row = { point };
    if (before) row.before = before[place]?.[1] ?? null;
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

/** Parts of one whole may stand on each other: the groups of one series that adds up. */
export function stacks(answer: ExploreAnswer): boolean {
  return answer.series.length > 1 && answer.series.every(({ name }) => name === answer.series[0]?.name);
}
