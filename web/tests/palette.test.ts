import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  converter,
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  formatHex,
  parse,
  wcagContrast,
} from "culori";
import { describe, expect, test } from "vitest";

/** Just noticeable is 1 to 2; as thin lines colours have to differ by much more. */
const LEAST_DISTANCE = 12;
const LEAST_CONTRAST = 3;
const TEXT_CONTRAST = 4.5;

const css = readFileSync(join(import.meta.dirname, "../src/ui/tokens.css"), "utf-8");
const tokens = new Map(
  [...css.matchAll(/(--[\w-]+): light-dark\((#\w+), (#\w+)\)/g)].map(([, name, light, dark]) => [
    name ?? "",
    { light: light ?? "", dark: dark ?? "" },
  ]),
);
const series = [...tokens.keys()].filter((name) => /^--c\d$/.test(name));
const rgb = converter("rgb");
const lrgb = converter("lrgb");
const distance = differenceCiede2000();
const known = (color: string) => parse(color) ?? { mode: "rgb" as const, r: 0, g: 0, b: 0 };
type Filter = typeof filterDeficiencyProt;
/** Who applies the published matrices to light and who to its encoding see different colours: both count. */
const encoded = (filter: Filter) => (color: string) => formatHex(filter(1)(known(color)));
const asLight = (filter: Filter) => (color: string) => {
  const { r, g, b } = lrgb(known(color));
  const seen = rgb(filter(1)({ mode: "rgb", r, g, b }));
  return formatHex({ mode: "lrgb", r: seen.r, g: seen.g, b: seen.b });
};
const EYES = {
  "every cone": (color: string) => color,
  protanopia: encoded(filterDeficiencyProt),
  "protanopia, as light": asLight(filterDeficiencyProt),
  deuteranopia: encoded(filterDeficiencyDeuter),
  "deuteranopia, as light": asLight(filterDeficiencyDeuter),
};

describe.each(["light", "dark"] as const)("the colours of charts, %s", (theme) => {
  const colours = series.map((name) => tokens.get(name)?.[theme] ?? "");

  test.each(Object.entries(EYES))("are told apart with %s", (_, seen) => {
    const pairs = colours.flatMap((one, place) =>
      colours.slice(place + 1).map((other, next) => ({
        pair: `${place + 1} and ${place + next + 2}`,
        distance: distance(seen(one), seen(other)),
      })),
    );
    expect(pairs).toHaveLength(28);
    const nearest = pairs.toSorted((a, b) => a.distance - b.distance)[0];
    expect(nearest?.distance, `series ${nearest?.pair}`).toBeGreaterThan(LEAST_DISTANCE);
  });

  test("stand out from the card", () => {
    const card = tokens.get("--card")?.[theme] ?? "";
    for (const colour of colours) expect(wcagContrast(colour, card), colour).toBeGreaterThanOrEqual(LEAST_CONTRAST);
  });

  test("text is readable on what it stands on", () => {
    const at = (name: string) => tokens.get(name)?.[theme] ?? "";
    const pairs = [
      ["--text", "--card"],
      ["--text", "--page"],
      ["--muted", "--card"],
      ["--muted", "--page"],
      ["--muted", "--sunken"],
      ["--muted", "--hover"],
      ["--brand", "--card"],
      ["--brand", "--brand-soft"],
      ["--on-brand", "--brand"],
      ["--up", "--up-soft"],
      ["--down", "--down-soft"],
      ["--on-down", "--down"],
      ["--warn", "--warn-soft"],
    ] as const;
    for (const [text, ground] of pairs)
      expect(wcagContrast(at(text), at(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(TEXT_CONTRAST);
  });
});

test("text has the sizes of the scale, and no other", () => {
  const files = ["base", "pages", "analysis", "explore", "tools", "sql"];
  const other = files.flatMap((name) => {
    const text = readFileSync(join(import.meta.dirname, `../src/ui/${name}.css`), "utf-8");
    return [...text.matchAll(/font-size: (?!var\(--text-)[^;]+/g)].map(([found]) => `${name}.css: ${found}`);
  });
  expect(other).toEqual([]);
});
