import type { Counted, Part, PlainCondition, Rule, RuleCondition } from "../api/alerts";
import type { Act } from "../api/analysis";
import { ApiError } from "../api/problem";
import { actWith, eventsOf } from "./asked";
import { measureOf, needsProperty } from "./explore";
import { fieldOf } from "./faults";
import { goalOf, isChosen } from "./funnel";

export const PLAIN_TYPES = ["threshold", "change", "rate", "absence", "ratio", "funnel", "anomaly"] as const;
export const TYPES = [...PLAIN_TYPES, "composite"] as const;
export type ConditionType = (typeof TYPES)[number];
export const OPS = ["gt", "gte", "lt", "lte", "eq", "ne"] as const;
export type Op = (typeof OPS)[number];
export const SIGNS: Record<Op, string> = { gt: ">", gte: "≥", lt: "<", lte: "≤", eq: "=", ne: "≠" };
export const DIRECTIONS = ["up", "down", "either"] as const;
export const AGAINST = ["previous", "day", "week"] as const;
export const METHODS = ["mad", "seasonal"] as const;
export const HOLDS = ["0m", "1m", "5m", "10m", "15m", "30m", "1h", "6h", "1d"] as const;
export const TEMPLATES = ["silence", "errors", "signups"] as const;
export type Template = (typeof TEMPLATES)[number];
export const FEWEST_PARTS = 2;
export const MOST_PARTS = 5;

const EVERYTHING: Counted = { events: [], filters: [], measure: "count" };

/** A condition of a type as somebody begins with it. */
export function freshCondition(type: (typeof PLAIN_TYPES)[number]): PlainCondition {
  switch (type) {
    case "threshold":
      return { type, op: "gt", value: 100, recover: null };
    case "change":
      return { type, value: 50, direction: "either", against: "week", recover: null };
    case "rate":
      return { type, op: "gt", value: 100 };
    case "absence":
      return { type };
    case "ratio":
      return { type, of: EVERYTHING, op: "gt", value: 0.05, recover: null };
    case "funnel":
      return {
        type,
        steps: [{}, {}],
        within: "1d",
        op: "lt",
        value: 0.1,
        recover: null,
        order: "sequential",
        ties: "after",
      };
    case "anomaly":
      return { type, method: "mad", sensitivity: 6, weeks: 4, direction: "either" };
  }
}

export const freshPart = (type: (typeof PLAIN_TYPES)[number] = "threshold"): Part => ({
  condition: freshCondition(type),
  query: null,
});

/** Another type of condition; several begin with the one that was there. */
export function conditionAs(type: ConditionType, before: RuleCondition): RuleCondition {
  if (type !== "composite") return freshCondition(type);
  const first: Part = before.type === "composite" ? freshPart() : { condition: before, query: null };
  return { type, match: "all", conditions: [first, freshPart("absence")] };
}

/** A rule that somebody begins with, or one of the templates with the names of events that there are. */
export function freshRule(
  email: string,
  language: "en" | "ru",
  template?: Template,
  known: readonly string[] = [],
): Rule {
  const rule: Rule = {
    name: "",
    query: { ...EVERYTHING, group_by: null, top: 10 },
    window: "1h",
    condition: freshCondition("threshold"),
    for: "0m",
    severity: "warning",
    min_volume: 0,
    policy: null,
    notify: { emails: email ? [email] : [], webhooks: [], language },
  };
  const of = (event: string) => ({ ...rule.query, events: [event] });
  switch (template) {
    case "silence":
      return { ...rule, condition: { type: "absence" }, severity: "error" };
    case "errors":
      return {
        ...rule,
        query: of(known.find((name) => /error|exception|fail/i.test(name)) ?? "error"),
        condition: { type: "change", value: 100, direction: "up", against: "previous", recover: null },
        min_volume: 10,
        severity: "error",
      };
    case "signups":
      return {
        ...rule,
        query: of(known.find((name) => /sign_?up|register/i.test(name)) ?? goalOf(known) ?? "sign_up"),
        condition: freshCondition("anomaly"),
      };
    default:
      return rule;
  }
}

/** What has no groups: a funnel, and what is decomposed into its seasons. */
export function mayGroup(condition: RuleCondition): boolean {
  const all = condition.type === "composite" ? condition.conditions.map((part) => part.condition) : [condition];
  return all.every((one) => one.type !== "funnel" && !(one.type === "anomaly" && one.method === "seasonal"));
}

const isWhole = ({ measure }: Counted) => {
  const { kind, property } = measureOf(measure);
  return !needsProperty(kind) || property !== "";
};

/** Whether all is chosen that has to be, so that the server can be asked. */
export function isReady({ query, condition }: Rule): boolean {
  const ready = (one: PlainCondition) =>
    one.type === "funnel" ? one.steps.filter(isChosen).length >= 2 : one.type !== "ratio" || isWhole(one.of);
  return condition.type === "composite"
    ? isWhole(query) &&
        condition.conditions.every((part) => ready(part.condition) && (!part.query || isWhole(part.query)))
    : isWhole(query) && ready(condition);
}

/** The rule as the API takes it: without what its condition does not go with. */
export function wantedRule(rule: Rule): Rule {
  const { condition, query } = rule;
  const grouped = mayGroup(condition);
  return {
    ...rule,
    name: rule.name.trim() || "–",
    query: {
      ...(condition.type === "funnel" ? { ...query, events: [], measure: "count" } : query),
      group_by: (grouped && query.group_by) || null,
    },
    min_volume: condition.type === "absence" ? 0 : rule.min_volume,
    condition:
      condition.type === "composite"
        ? { ...condition, conditions: condition.conditions.map((part) => wantedPart(part, query)) }
        : wantedCondition(condition),
    notify: rule.policy ? { ...rule.notify, emails: [], webhooks: [] } : rule.notify,
  };
}

const wantedCondition = (one: PlainCondition): PlainCondition =>
  one.type === "funnel" ? { ...one, steps: one.steps.filter(isChosen) } : one;

/** A funnel among several counts nothing but its steps. */
function wantedPart({ condition, query }: Part, ofRule: Counted): Part {
  const filters = (query ?? ofRule).filters;
  return {
    condition: wantedCondition(condition),
    query: condition.type === "funnel" ? { ...EVERYTHING, filters } : query,
  };
}

/** The marks a chart of the rule's number shows: where it fires, and where it is over. */
export function marksOf(condition: RuleCondition): { fires: number[]; over: number[] } {
  switch (condition.type) {
    case "threshold":
    case "ratio":
    case "funnel":
      return { fires: [condition.value], over: condition.recover === null ? [] : [condition.recover] };
    case "rate":
      return { fires: [condition.value], over: [] };
    case "change": {
      const signed = (mark: number) =>
        condition.direction === "either" ? [mark, -mark] : [condition.direction === "up" ? mark : -mark];
      return { fires: signed(condition.value), over: condition.recover === null ? [] : signed(condition.recover) };
    }
    default:
      return { fires: [], over: [] };
  }
}

/** How the rule's number is read: as a share, a change in percent, or as it is. */
export function unitOf(condition: RuleCondition): "share" | "percent" | "number" {
  if (condition.type === "ratio" || condition.type === "funnel") return "share";
  return condition.type === "change" ? "percent" : "number";
}

export const actOfQuery = ({ events, filters }: Counted): Act => actWith(events, filters);
export const withAct = <Query extends Counted>(query: Query, act: Act): Query => ({
  ...query,
  events: eventsOf(act),
  filters: act.filters ?? [],
});

/** Fields of the form that can say what was refused of them. */
const FIELDS = [
  "name",
  "window",
  "for",
  "value",
  "recover",
  "min_volume",
  "group_by",
  "top",
  "within",
  "sensitivity",
  "weeks",
  "emails",
  "policy",
] as const;
export type RuleField = (typeof FIELDS)[number];
const OF_CONDITION: readonly string[] = ["value", "recover", "within", "sensitivity", "weeks"];

export interface RuleFaults {
  of: (field: RuleField) => string | undefined;
  rest: Error | undefined;
}

/** What a refusal says beside the field it names, however deep that stands in the rule; the rest above the button. */
export function ruleFaults(error: Error | undefined, { condition, query }: Rule): RuleFaults {
  const group = error instanceof ApiError && query.group_by && error.detail.startsWith(`'${query.group_by}' `);
  const name = group ? "group_by" : fieldOf(error).split(".").at(-1);
  // Of several conditions nobody knows which one is meant.
  const vague = condition.type === "composite" && OF_CONDITION.includes(name ?? "");
  const known = vague ? undefined : FIELDS.find((one) => one === name);
  return { of: (field) => (field === known ? error?.message : undefined), rest: known ? undefined : error };
}
