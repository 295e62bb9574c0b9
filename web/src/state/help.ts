import type { Language } from "../i18n";

/** The pages' help, out of the documentation's own files: docs/help/<page>.<language>.md, each loaded when it is opened. */
const FILES = import.meta.glob<string>("../../../docs/help/*.md", { query: "?raw", import: "default" });

/** The page of an address, by the name of its help: `overview`, `people` for a person too, `account`. */
export function pageOfPath(path: string): string {
  const parts = path
    .replace(/^\/app/, "")
    .split("/")
    .filter(Boolean);
  return (parts[0] === "p" ? parts[2] : parts[0]) ?? "";
}

export const hasHelp = (page: string): boolean => fileOf(page, "en") in FILES;

export async function helpOf(page: string, language: Language): Promise<string> {
  const load = FILES[fileOf(page, language)] ?? FILES[fileOf(page, "en")];
  return load ? load() : "";
}

function fileOf(page: string, language: Language): string {
  return `../../../docs/help/${page}.${language}.md`;
}
