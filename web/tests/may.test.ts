import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALLOWED, may, ROLES } from "../src/state/may";

const DOC = readFileSync(join(import.meta.dirname, "../../docs/authorisation.md"), "utf8");

test("what pages take as allowed is what the server allows", () => {
  for (const [action, roles] of Object.entries(ALLOWED)) {
    const row = DOC.split("\n").find((line) => line.startsWith(`| \`${action}\` |`));
    const marks = row
      ?.split("|")
      .slice(2, 2 + ROLES.length)
      .map((cell) => cell.trim() === "●");
    expect(
      ROLES.filter((_, place) => marks?.[place]),
      action,
    ).toEqual(roles);
  }
});

test("somebody without a role may nothing", () => {
  expect(may(undefined, "events.read")).toBe(false);
  expect(may("guest", "members.read")).toBe(false);
});
