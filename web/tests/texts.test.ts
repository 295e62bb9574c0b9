import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { SHORTCUTS } from "../src/keyboard/map";
import { NAV } from "../src/ui/navigation";

const SRC = join(import.meta.dirname, "../src");

/** Keys as `t` is called with them: a counted text under its name alone. */
function keysOf(texts: object, path = ""): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [path + key.replace(/_(one|other)$/, "")] : keysOf(value, `${path}${key}.`),
  );
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const path = join(folder, one.name);
    if (one.isDirectory()) return one.name === "i18n" ? [] : sources(path);
    return /\.tsx?$/.test(one.name) && !one.name.endsWith(".d.ts") ? [readFileSync(path, "utf8")] : [];
  });
}

const known = new Set(keysOf(en));
const all = sources(SRC).join("\n");

test("every text a page asks for exists", () => {
  const asked = [...all.matchAll(/\bt\("([\w.]+)"/g)].map(([, key]) => key as string);
  const named = [...NAV, ...SHORTCUTS].map(({ text }) => text);
  expect([...asked, ...named].filter((key) => !known.has(key))).toEqual([]);
});

test("no text is kept that no page asks for", () => {
  const begins = [...all.matchAll(/`([\w.]+\.)\$\{/g)].map(([, begin]) => begin as string);
  const unused = [...known].filter(
    (key) => !all.includes(`"${key}"`) && !begins.some((begin) => key.startsWith(begin)),
  );
  expect(unused).toEqual([]);
});
