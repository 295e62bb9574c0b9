import { isObject } from "./asked";

export interface Change {
  field: string;
  before: string;
  after: string;
  changed: boolean;
}

/** What was there before and after something was done, field by field; nested values as JSON. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, next] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].map((field) => {
    const [was, is] = [shown(old[field]), shown(next[field])];
    return { field, before: was, after: is, changed: was !== is };
  });
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  isObject(value) ? value : value === null || value === undefined ? {} : { value };

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || typeof one === "number"))
    return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
