import type { Act, Condition } from "../api/analysis";
import type { Filter } from "../api/client";
import {
  type Asked,
  actOf,
  actWith,
  conditionsOf,
  eventsOf,
  isObject,
  listOf,
  numberOf,
  oneOf,
  textOf,
  textsOf,
} from "./asked";
import { COMPARISONS, INTERVALS, type Preset } from "./range";
import { type AskedScope, BOT } from "./scope";
import type { View } from "./search";

export const SIMPLE_MEASURES = ["count", "users", "sessions", "event_types"] as const;
export const PROPERTY_MEASURES = ["unique", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99"] as const;
export const TREATMENTS = ["plain", "cumulative", "average"] as const;
export const CHART_KINDS = ["area", "line", "bar", "pie", "number", "table"] as const;
export const MOST_SERIES = 10;
export const NAMES = "ABCDEFGHIJ";
export type ChartKind = (typeof CHART_KINDS)[number];
export type Treatment = (typeof TREATMENTS)[number];

interface Line {
  label: string;
  treatment: Treatment;
  /** Over how many points a moving average goes. */
  points: number;
}
export interface ExploreSeries extends Line {
  /** As the API takes it: `users`, `sum:price`. */
  measure: string;
  act: Act;
  hidden: boolean;
}
export interface ExploreFormula extends Line {
  formula: string;
}
export interface ExploreAsked {
  series: ExploreSeries[];
  formulas: ExploreFormula[];
  group: string;
  limit: number;
  kind: ChartKind;
  /** The definition it was opened from. */
  saved: string;
}

const DEFAULT_POINTS = 7;
const DEFAULT_GROUPS = 5;

const lineOf = (one: Asked): Line => ({
  label: textOf(one.label).slice(0, 200),
  treatment: oneOf(TREATMENTS, one.treatment, "plain"),
  points: numberOf(one.points, DEFAULT_POINTS, 2, 366),
});

export const newSeries = (): ExploreSeries => ({ ...lineOf({}), measure: "count", act: {}, hidden: false });
export const newFormula = (formula = "A"): ExploreFormula => ({ ...lineOf({}), formula });

export function measureOf(text: string): { kind: string; property: string } {
  const [kind = "count", ...rest] = text.split(":");
  return { kind, property: rest.join(":") };
}

export const needsProperty = (kind: string): boolean => (PROPERTY_MEASURES as readonly string[]).includes(kind);

/** Only what adds up may be cumulative; the server refuses the rest. */
export const addsUp = (measure: string): boolean => ["count", "sum", "min", "max"].includes(measureOf(measure).kind);

const isComplete = ({ measure }: ExploreSeries) => {
  const { kind, property } = measureOf(measure);
  return !needsProperty(kind) || property !== "";
};

function seriesOf(value: unknown): ExploreSeries | undefined {
  if (!isObject(value)) return undefined;
  const { kind, property } = measureOf(textOf(value.measure, "count"));
  const known = needsProperty(kind) || (SIMPLE_MEASURES as readonly string[]).includes(kind);
  return {
    ...lineOf(value),
    measure: known ? (needsProperty(kind) ? `${kind}:${property}` : kind) : "count",
    act: actOf(value.act),
    hidden: value.hidden === true,
  };
}

const formulaOf = (value: unknown): ExploreFormula | undefined =>
  isObject(value) ? { ...lineOf(value), formula: textOf(value.formula).slice(0, 200) } : undefined;

/** What an address asks; one series of all events where it asks nothing. */
export function exploreOf(asked: Asked): ExploreAsked {
  const series = listOf(asked.series, seriesOf, MOST_SERIES);
  return {
    series: series.length ? series : [newSeries()],
    formulas: listOf(asked.formulas, formulaOf, MOST_SERIES),
    group: textOf(asked.group),
    limit: numberOf(asked.limit, DEFAULT_GROUPS, 1, 50),
    kind: oneOf(CHART_KINDS, asked.kind, "line"),
    saved: textOf(asked.saved),
  };
}

const treated = ({ treatment, points }: Line) =>
  treatment === "cumulative" ? { cumulative: true } : treatment === "average" ? { moving_average: points } : {};

/** The same as the API takes it, without its range; undefined while something is not chosen yet. */
export function questionOf(asked: ExploreAsked): Record<string, unknown> | undefined {
  if (!asked.series.every(isComplete) || asked.formulas.some(({ formula }) => !formula.trim())) return undefined;
  if (!asked.formulas.length && asked.series.every(({ hidden }) => hidden)) return undefined;
  return {
    series: asked.series.map(({ measure, act, label, hidden, ...line }) => ({
      measure,
      events: eventsOf(act),
      ...(act.filters?.length && { filters: act.filters }),
      ...(label && { label }),
      ...(hidden && { hidden }),
      ...treated(line as Line),
    })),
    ...(asked.formulas.length && {
      formulas: asked.formulas.map(({ formula, label, ...line }) => ({
        formula: formula.trim(),
        ...(label && { label }),
        ...treated(line as Line),
      })),
    }),
    ...(asked.group && { group_by: asked.group, limit: asked.limit }),
  };
}

const lineBack = (one: Asked): Asked => ({
  ...one,
  treatment: one.cumulative === true ? "cumulative" : one.moving_average ? "average" : "plain",
  points: one.moving_average ?? undefined,
});

/** What a saved query asks, to go on with it. */
export function askedOf(query: Asked, kind?: string): ExploreAsked {
  return exploreOf({
    series: listOf(query.series, (one) => (isObject(one) ? one : undefined), MOST_SERIES).map((one) => ({
      ...lineBack(one),
      act: actWith(textsOf(one.events), conditionsOf(one.filters)),
    })),
    formulas: listOf(query.formulas, (one) => (isObject(one) ? lineBack(one) : undefined), MOST_SERIES),
    group: query.group_by ?? "",
    limit: query.limit,
    kind,
  });
}

const LASTS: Record<Preset, string> = {
  today: "1d",
  "24h": "24h",
  "7d": "7d",
  "30d": "30d",
  "90d": "90d",
  "12m": "365d",
};

/** How long before now a saved query reaches, or the range of its own. */
export function savedRange(view: View): { last: string; range: { from?: string; to?: string } } {
  return view.from && view.to
    ? { last: "", range: { from: view.from, to: view.to } }
    : { last: LASTS[view.range ?? "30d"], range: {} };
}

/** The period and the filters that a saved query is of, as an address says them. */
export function viewOf({ last, query }: { last: string; query: Asked }): Partial<View> {
  const from = textOf(query.from).slice(0, 10);
  const to = textOf(query.to).slice(0, 10);
  const range = (Object.keys(LASTS) as Preset[]).find((one) => LASTS[one] === last);
  const filters = listOf(query.filters, (one) => (isObject(one) ? (one as Filter) : undefined), 20);
  const others = filters.filter(({ property }) => property !== BOT.property);
  return {
    range,
    ...(from && to ? { from, to } : { from: undefined, to: undefined }),
    filters: others.length ? others : undefined,
    bots: others.length === filters.length ? true : undefined,
    interval: INTERVALS.find((one) => one === query.interval),
    compare: COMPARISONS.find((one) => one === query.compare),
  };
}

/** What a saved query holds besides its period: what is asked, the filters of the page, the interval. */
export function savedQuery(question: object, scope: AskedScope, view: View): Record<string, unknown> {
  return {
    ...question,
    interval: scope.interval,
    ...(scope.filters.length && { filters: scope.filters as Condition[] }),
    ...(view.tz && { timezone: view.tz }),
    ...(view.compare && { compare: view.compare }),
    ...savedRange(view).range,
  };
}
