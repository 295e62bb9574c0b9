import type { Act } from "../api/analysis";
import { type Asked, actOf, isObject, listOf, numberOf, oneOf, textOf, textsOf } from "./asked";

export const ORDERS = ["sequential", "strict", "any"] as const;
export const TIES = ["after", "at_or_after"] as const;
export const TOUCHES = ["first", "last"] as const;
export const COUNT_BY = ["users", "sessions"] as const;
export const FEWEST_STEPS = 2;
export const MOST_STEPS = 20;
export const MOST_EXCLUSIONS = 5;
export const MOST_HELD = 3;

export interface Exclusion {
  act: Act;
  from: number;
  to: number;
}

export interface FunnelAsked {
  /** Not set where nobody has chosen any yet. */
  steps: (Act & { label?: string })[] | undefined;
  window: string;
  order: (typeof ORDERS)[number];
  ties: (typeof TIES)[number];
  touch: (typeof TOUCHES)[number];
  count_by: (typeof COUNT_BY)[number];
  breakdown: string;
  hold: string[];
  exclude: Exclusion[];
}

export const windowOf = (value: unknown, usual: string): string =>
  /^[1-9]\d{0,7}[smhdw]$/.test(textOf(value)) ? textOf(value) : usual;

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** A window such as 7d in milliseconds. */
export const millisecondsOf = (window: string): number =>
  Number(window.slice(0, -1)) * (UNITS[window.slice(-1)] ?? 1) * 1000;

/** What an event is called where something is sold, or somebody won; the first that is found is meant. */
const GOALS = [/purchase|order|payment/i, /subscri|checkout/i, /sign_?up|register/i];

/** Which of these events is most likely what people are led to. */
export const goalOf = (events: readonly string[]): string | undefined =>
  GOALS.map((goal) => events.find((name) => goal.test(name))).find((name) => name !== undefined) ?? events.at(-1);

export function funnelOf(asked: Asked): FunnelAsked {
  return {
    steps: Array.isArray(asked.steps) ? listOf(asked.steps, stepOf, MOST_STEPS) : undefined,
    window: windowOf(asked.window, "7d"),
    order: oneOf(ORDERS, asked.order, "sequential"),
    ties: oneOf(TIES, asked.ties, "after"),
    touch: oneOf(TOUCHES, asked.touch, "first"),
    count_by: oneOf(COUNT_BY, asked.count_by, "users"),
    breakdown: textOf(asked.breakdown),
    hold: textsOf(asked.hold, MOST_HELD),
    exclude: listOf(asked.exclude, exclusionOf, MOST_EXCLUSIONS),
  };
}

function stepOf(value: unknown): Act & { label?: string } {
  const label = isObject(value) ? textOf(value.label) : "";
  return { ...actOf(value), ...(label && { label }) };
}

function exclusionOf(value: unknown): Exclusion | undefined {
  if (!isObject(value)) return undefined;
  const from = numberOf(value.from, 1, 1, MOST_STEPS - 1);
  return { act: actOf(value.act), from, to: Math.max(from + 1, numberOf(value.to, from + 1, 2, MOST_STEPS)) };
}

/** An event, or any event that fulfils a condition. */
export const isChosen = (act: Act) => Boolean(act.event || act.any_of?.length || act.filters?.length);

/** What is asked, as the API takes it; what is not chosen yet is left out. */
export function asFunnel(asked: FunnelAsked) {
  const steps = (asked.steps ?? []).filter(isChosen);
  return {
    steps,
    window: asked.window,
    order: asked.order,
    // Only steps one after the other can be at one instant, and only in an order is anything between two of them.
    ...(asked.order === "sequential" && { ties: asked.ties }),
    count_by: asked.count_by,
    ...(asked.breakdown && { breakdown: asked.breakdown, touch: asked.touch }),
    ...(asked.hold.length && { hold: asked.hold }),
    ...(asked.order !== "any" && {
      exclude: asked.exclude
        .filter(({ act, from, to }) => isChosen(act) && from < to && to <= steps.length)
        .map(({ act, from, to }) => ({ ...act, between: [from, to] })),
    }),
  };
}
