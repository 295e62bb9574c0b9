import type { Filter } from "../api/client";
import { CONDITION_OPS, conditionsOf } from "./asked";
import { COMPARISONS, type Comparison, INTERVALS, type Interval, PRESETS, type Preset } from "./range";

/** What a page shows stands in its address, so that a link shows the same; only what differs from the usual is there. */
export interface View {
  range?: Preset;
  from?: string;
  to?: string;
  interval?: Interval;
  compare?: Comparison;
  tz?: string;
  chart?: "line" | "bar";
  bots?: true;
  filters?: Filter[];
  events?: string[];
  /** A part of an event's name. */
  search?: string;
  /** What the page itself asks, beyond what all pages share; only that page understands it. */
  ask?: Record<string, unknown>;
}

const DATE = /^\d{4}-\d\d-\d\d$/;
export const FILTER_OPS = CONDITION_OPS;

function oneOf<T extends string>(allowed: readonly T[], value: unknown): T | undefined {
  return allowed.find((one) => one === value);
}

/** A view from an address that anybody may have written: what is not understood is left out. */
export function parseView(search: Record<string, unknown>): View {
  const view: View = {
    range: oneOf(PRESETS, search.range),
    interval: oneOf(INTERVALS, search.interval),
    compare: oneOf(COMPARISONS, search.compare),
    chart: oneOf(["line", "bar"] as const, search.chart),
    bots: search.bots === true || search.bots === 1 ? true : undefined,
    tz: isTimezone(search.tz) ? search.tz : undefined,
    filters: filtersOf(search.filters),
    events: textsOf(search.events),
    search: search.search !== undefined && search.search !== "" ? String(search.search).slice(0, 200) : undefined,
    ask: isObject(search.ask) ? search.ask : undefined,
  };
  const { from, to } = search;
  if (typeof from === "string" && typeof to === "string" && DATE.test(from) && DATE.test(to) && from <= to) {
    view.from = from;
    view.to = to;
  }
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined));
}

/** What another page of the project takes over of a view. */
export function sharedOf({ ask: _, ...shared }: View): View {
  return shared;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isTimezone(value: unknown): value is string {
  if (typeof value !== "string" || !value) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

function textsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.map(String).slice(0, 50);
  return texts.length ? texts : undefined;
}

function filtersOf(value: unknown): Filter[] | undefined {
  const filters = conditionsOf(value);
  return filters.length ? filters : undefined;
}
