import { type Asked, isObject, listOf, oneOf, textOf } from "./asked";

/** What is changed in a refused event before it is taken again; docs/replay.md says what each does. */
export const OPS = ["rename", "cast", "set", "drop"] as const;
export const CASTS = ["text", "integer", "number", "boolean"] as const;
export const MOST_EDITS = 50;

export type Edit =
  | { op: "rename"; field: string; to: string }
  | { op: "cast"; field: string; to: (typeof CASTS)[number] }
  | { op: "set"; field: string; value: unknown; only_missing: boolean }
  | { op: "drop"; field: string };

/** A rule as it is typed: `value` is JSON, or a text where it is none. */
export interface Rule {
  op: Edit["op"];
  field: string;
  to: string;
  value: string;
  missing: boolean;
}

export const newRule = (op: Edit["op"] = "rename"): Rule => ({ op, field: "", to: "", value: "", missing: false });

export const isComplete = ({ op, field, to }: Rule) => field.trim() !== "" && (op !== "rename" || to.trim() !== "");

/** A number, true, null, a list or an object where it reads as one, else the text itself. */
export function jsonOf(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    return typed;
  }
}

export function editOf({ op, field, to, value, missing }: Rule): Edit {
  const path = field.trim();
  if (op === "rename") return { op, field: path, to: to.trim() };
  if (op === "cast") return { op, field: path, to: oneOf(CASTS, to, "text") };
  if (op === "set") return { op, field: path, value: jsonOf(value), only_missing: missing };
  return { op, field: path };
}

/** The rule that stands for an edit, to go on with it. */
export function ruleOf(edit: Edit): Rule {
  return {
    ...newRule(edit.op),
    field: edit.field,
    ...("to" in edit && { to: edit.to }),
    ...(edit.op === "set" && {
      value: typeof edit.value === "string" && jsonOf(edit.value) === edit.value ? edit.value : textJson(edit.value),
      missing: edit.only_missing,
    }),
  };
}

const textJson = (value: unknown) => JSON.stringify(value) ?? "";

function rule(value: unknown): Rule | undefined {
  if (!isObject(value)) return undefined;
  return {
    op: oneOf(OPS, value.op, "rename"),
    field: textOf(value.field),
    to: textOf(value.to),
    value: textOf(value.value),
    missing: value.missing === true,
  };
}

export interface ReplayAsked {
  reason: string;
  event: string;
  rules: Rule[];
}

/** What an address asks to be replayed. */
export function replayAsked(asked: Asked): ReplayAsked {
  return {
    reason: textOf(asked.reason),
    event: textOf(asked.event),
    rules: listOf(asked.rules, rule, MOST_EDITS),
  };
}

export const editsOf = (rules: readonly Rule[]): Edit[] => rules.filter(isComplete).map(editOf);

const MOST_PATHS = 200;
const DEEPEST = 4;

/** The paths of fields in some events as they were sent; what is no JSON has none. */
export function pathsOf(raws: readonly string[]): string[] {
  const found = new Set<string>();
  const walk = (value: unknown, path: string, depth: number) => {
    if (Array.isArray(value)) for (const one of value) walk(one, path, depth);
    else if (isObject(value) && depth < DEEPEST)
      for (const [name, inner] of Object.entries(value)) {
        const at = path ? `${path}.${name}` : name;
        if (found.size < MOST_PATHS) found.add(at);
        walk(inner, at, depth + 1);
      }
  };
  for (const raw of raws) {
    const value = jsonOf(raw);
    if (typeof value === "object") walk(value, "", 0);
  }
  return [...found];
}
