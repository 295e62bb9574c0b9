import type { SystemAnswer } from "../api/client";

export type Trouble = "degraded" | "behind" | "gap" | "refused";

/** Refusals worth a word: more than one event in twenty, and not just a few of them. */
const REFUSED_SHARE = 0.05;
const REFUSED_LEAST = 10;

/** What is wrong with the instance or with what the project sends, the worst first. */
export function troublesOf({ state, ledger, freshness }: SystemAnswer): Trouble[] {
  const refused = freshness?.refused ?? 0;
  const sent = refused + (freshness?.stored ?? 0);
  const found: [Trouble, boolean][] = [
    ["gap", (ledger?.gaps ?? 0) > 0],
    ["degraded", state === "degraded"],
    ["behind", state === "behind"],
    ["refused", refused >= REFUSED_LEAST && refused > sent * REFUSED_SHARE],
  ];
  return found.filter(([, holds]) => holds).map(([name]) => name);
}
