import type { SqlValue } from "../api/tools";

// Comments and texts come first, so that what stands in them is no parameter.
const PARTS = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\.|'')*'|\{\s*([A-Za-z_]\w*)\s*:\s*([^{}]+?)\s*\}/g;
const NUMBER = /^(?:Nullable\()?(?:U?Int|Float|Decimal)/;

export interface Parameter {
  name: string;
  type: string;
}

/** The `{name:Type}` of a statement, each once, in order. */
export function parametersOf(sql: string): Parameter[] {
  const found = new Map<string, string>();
  for (const [, name, type] of sql.matchAll(PARTS)) if (name && type && !found.has(name)) found.set(name, type);
  return [...found].map(([name, type]) => ({ name, type }));
}

/** A parameter's value as it is sent: a number where one is meant, else the text. */
export function sentOf({ type }: Parameter, text: string): SqlValue {
  const number = Number(text);
  return NUMBER.test(type) && text.trim() !== "" && Number.isSafeInteger(Math.trunc(number)) ? number : text;
}

/** A statement with a name put in at the caret, and where the caret is then. */
export function withName(sql: string, start: number, end: number, name: string): [sql: string, caret: number] {
  const written = /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``;
  const before = sql.slice(0, start);
  const space = before && !/[\s(,.]$/.test(before) ? " " : "";
  return [`${before}${space}${written}${sql.slice(end)}`, start + space.length + written.length];
}
