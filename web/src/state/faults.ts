import { ApiError } from "../api/problem";

/** The field a refusal is about, where it names one: "`url`: …" or "… at `$.types[1]`"; else the empty text. */
export function fieldOf(error: Error | undefined): string {
  if (!(error instanceof ApiError)) return "";
  const [, named] = /^`([\w.]+)`/.exec(error.detail) ?? [];
  const [, placed] = /at `\$\.([\w.]+)/.exec(error.detail) ?? [];
  return named ?? placed ?? "";
}

/** What a form shows beside a field it has, and above it for all others. */
export function faultsOf(error: Error | undefined, fields: readonly string[]) {
  const name = fieldOf(error);
  const known = fields.find((one) => one === name);
  return {
    of: (field: string) => (field === known ? error?.message : undefined),
    rest: known ? undefined : error,
  };
}
