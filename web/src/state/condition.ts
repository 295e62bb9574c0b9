import type { Condition } from "../api/segments";
import { actOf, conditionOf, isObject, numberOf, oneOf, textOf, valueText } from "./asked";
import { isChosen, windowOf } from "./funnel";

export const KINDS = ["did", "seen", "sequence", "property", "segment", "group"] as const;
export type Kind = (typeof KINDS)[number];
export const FIGURES = ["count", "days", "sum", "avg", "min", "max", "unique"] as const;
export const COMPARISONS = ["gte", "gt", "lte", "lt", "eq", "ne", "top_percent"] as const;
/** What the server takes. */
const DEEPEST = 10;
const MOST_DAYS = 36_500;

export type Group = Extract<Condition, { kind: "and" | "or" }>;

/** A condition of a kind, to be filled in. */
export function fresh(kind: Kind): Condition {
  switch (kind) {
    case "did":
      return { kind, act: {}, measure: "count", op: "gte", value: 1, days: 30 };
    case "seen":
      return { kind, which: "first", act: {}, op: "within", days: 7 };
    case "sequence":
      // biome-ignore lint/suspicious/noThenProperty: it is called so in the API
      return { kind, first: {}, then: {}, within: "1d", happens: true, days: 30 };
    case "property":
      return { kind, property: "", op: "eq", value: "" };
    case "segment":
      return { kind, id: "" };
    case "group":
      return { kind: "or", of: [] };
  }
}

/** A figure of a measure such as `sum:revenue`, and its property. */
export function figureOf(measure: string): { figure: (typeof FIGURES)[number]; property: string } {
  const [name = "", ...rest] = measure.split(":");
  return { figure: oneOf(FIGURES, name, "count"), property: rest.join(":") };
}

const daysOf = (value: unknown) => (value === null || value === undefined ? null : numberOf(value, 30, 1, MOST_DAYS));

/** A condition out of an address; what is none is undefined. */
export function definitionOf(value: unknown, depth = 0): Condition | undefined {
  if (!isObject(value) || depth >= DEEPEST) return undefined;
  const { kind } = value;
  switch (kind) {
    case "and":
    case "or":
      return {
        kind,
        of: Array.isArray(value.of) ? value.of.slice(0, 50).flatMap((one) => definitionOf(one, depth + 1) ?? []) : [],
      };
    case "not": {
      const of = definitionOf(value.of, depth + 1);
      return of && { kind, of };
    }
    case "did":
      return {
        kind,
        act: actOf(value.act),
        measure: textOf(value.measure, "count"),
        op: oneOf(COMPARISONS, value.op, "gte"),
        value: Number.isFinite(Number(value.value)) ? Number(value.value) : 1,
        days: daysOf(value.days),
      };
    case "seen":
      return {
        kind,
        which: oneOf(["first", "last"] as const, value.which, "first"),
        act: actOf(value.act),
        op: oneOf(["within", "before"] as const, value.op, "within"),
        days: numberOf(value.days, 7, 1, MOST_DAYS),
      };
    case "sequence":
      return {
        kind,
        first: actOf(value.first),
        // biome-ignore lint/suspicious/noThenProperty: it is called so in the API
        then: actOf(value.then),
        within: value.within === null || value.within === "" ? null : windowOf(value.within, "1d"),
        happens: value.happens !== false,
        days: daysOf(value.days),
      };
    case "property":
      return { kind, ...(conditionOf(value) ?? { property: "", op: "eq", value: "" }) };
    case "segment":
      return { kind, id: textOf(value.id) };
    default:
      return undefined;
  }
}

/** A definition as the builder shows it: one group on top. */
export function groupOf(definition: Condition | undefined): Group {
  if (!definition) return { kind: "and", of: [] };
  return definition.kind === "and" || definition.kind === "or" ? definition : { kind: "and", of: [definition] };
}

/** A definition as it is saved: a group of one is that one. */
export function simplest(group: Group): Condition {
  const [only, ...rest] = group.of;
  return only && rest.length === 0 ? only : group;
}

/** Whether anything is left to fill in. */
export function isComplete(condition: Condition): boolean {
  switch (condition.kind) {
    case "and":
    case "or":
      return condition.of.length > 0 && condition.of.every(isComplete);
    case "not":
      return isComplete(condition.of);
    case "did":
      return !condition.measure.endsWith(":");
    case "sequence":
      return isChosen(condition.first) && isChosen(condition.then);
    case "property":
      return (
        conditionOf(condition) !== undefined && (condition.value === undefined || valueText(condition.value) !== "")
      );
    case "segment":
      return condition.id !== "";
    case "seen":
      return true;
  }
}
