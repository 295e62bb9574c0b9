import type { Act, Condition } from "../api/analysis";

/**
 * Reading what a page asks out of an address that anybody may have written: what is not understood is the usual.
 * The server says what is wrong with the rest.
 */
export type Asked = Record<string, unknown>;

const OPS = [
  "eq",
  "ne",
  "contains",
  "not_contains",
  "starts_with",
  "in",
  "not_in",
  "regex",
  "is_set",
  "not_set",
  "gt",
  "gte",
  "lt",
  "lte",
] as const;
export const CONDITION_OPS = OPS;
export type ConditionOp = (typeof OPS)[number];
export const BARE_OPS: readonly string[] = ["is_set", "not_set"];
export const LIST_OPS: readonly string[] = ["in", "not_in"];
const NUMERIC_OPS: readonly string[] = ["gt", "gte", "lt", "lte"];
const MOST_VALUES = 1_000;

export function isObject(value: unknown): value is Asked {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function oneOf<T extends string>(allowed: readonly T[], value: unknown, usual: T): T {
  return allowed.find((one) => one === value) ?? usual;
}

export function textOf(value: unknown, usual = ""): string {
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 500) : usual;
}

export function numberOf(value: unknown, usual: number, least: number, most: number): number {
  const number = Number(value);
  return value === undefined || value === null || !Number.isFinite(number)
    ? usual
    : Math.min(Math.max(Math.round(number), least), most);
}

export function listOf<T>(value: unknown, parse: (one: unknown) => T | undefined, most: number): T[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, most)
    .map(parse)
    .filter((one): one is NonNullable<typeof one> => one !== undefined && one !== null);
}

export const textsOf = (value: unknown, most = 50): string[] => listOf(value, (one) => textOf(one) || undefined, most);

/** A value as the warehouse compares it: a number where a number is meant. */
function comparable(op: string, value: unknown): Condition["value"] {
  if (LIST_OPS.includes(op)) return valuesOf(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  const text = textOf(value);
  return NUMERIC_OPS.includes(op) && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** One of several values: a list as it is, a text cut at its commas. */
function valuesOf(value: unknown): (string | number | boolean)[] {
  const some = Array.isArray(value) ? value : textOf(value).split(",");
  return listOf(
    some,
    (one) => (typeof one === "number" || typeof one === "boolean" ? one : textOf(one).trim() || undefined),
    MOST_VALUES,
  );
}

/** The values of a condition as a field for them shows them. */
export const valueText = (value: Condition["value"]): string =>
  Array.isArray(value) ? value.join(", ") : String(value ?? "");

/** A condition; what has an operator that there is not is none, without one it compares. */
export function conditionOf(value: unknown): Condition | undefined {
  if (!isObject(value) || !textOf(value.property)) return undefined;
  const op = value.op === undefined ? "eq" : OPS.find((one) => one === value.op);
  if (!op) return undefined;
  const property = textOf(value.property);
  return BARE_OPS.includes(op) ? { property, op } : { property, op, value: comparable(op, value.value) };
}

export const conditionsOf = (value: unknown): Condition[] => listOf(value, conditionOf, 20);

/** The events of an act; none are all events. */
export function eventsOf(act: Act): string[] {
  return act.any_of?.length ? act.any_of : act.event ? [act.event] : [];
}

/** An act as short as it can be said. */
export function actWith(events: readonly string[], filters: readonly Condition[] = []): Act {
  return {
    ...(events.length === 1 ? { event: events[0] } : events.length ? { any_of: [...events] } : {}),
    ...(filters.length ? { filters: [...filters] } : {}),
  };
}

export function actOf(value: unknown): Act {
  if (!isObject(value)) return {};
  const several = textsOf(value.any_of, 20);
  const event = textOf(value.event);
  return actWith(several.length ? several : event ? [event] : [], conditionsOf(value.filters));
}
