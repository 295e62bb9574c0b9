import { createContext, useContext } from "react";
import type { Filter } from "../api/client";
import { type Comparison, comparedSpan, type Interval, intervalsFor, type Span, spanOf } from "./range";
import type { View } from "./search";

/** What every panel of a page asks about: the project, the range and the filters, out of the address. */
export interface AskedScope {
  project: string;
  timezone: string;
  span: Span;
  interval: Interval;
  intervals: readonly Interval[];
  comparison: Comparison;
  compared: Span;
  filters: Filter[];
  bots: boolean;
  events: string[];
}

export const BOT: Filter = { property: "bot", op: "eq", value: "true" };
export const NO_BOT: Filter = { property: "bot", op: "ne", value: "true" };

/** `now` is taken to the minute by the caller, so that the same view asks the same question. */
export function scopeOf(view: View, project: string, projectTimezone: string, now: Date): AskedScope {
  const timezone = view.tz ?? projectTimezone;
  const span = view.from && view.to ? { from: view.from, to: view.to } : spanOf(view.range ?? "30d", timezone, now);
  const intervals = intervalsFor(span);
  const comparison = view.compare ?? "previous_period";
  return {
    project,
    timezone,
    span,
    intervals,
    interval: intervals.find((one) => one === view.interval) ?? intervals[0],
    comparison,
    compared: comparedSpan(span, comparison, timezone, now),
    filters: [...(view.filters ?? []), ...(view.bots ? [] : [NO_BOT])],
    bots: view.bots ?? false,
    events: view.events ?? [],
  };
}

const ScopeContext = createContext<AskedScope | null>(null);
export const ScopeProvider = ScopeContext.Provider;

export function useScope(): AskedScope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error("useScope outside of ScopeProvider");
  return scope;
}
