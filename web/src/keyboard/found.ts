/** What the palette can do: a name, where it belongs, and the deed. */
export interface Entry {
  id: string;
  /** Before the name: "Go to", "Dashboards". */
  group: string;
  name: string;
  /** Other words it is found by. */
  words?: string;
  keys?: readonly string[];
  run: () => void;
}

const MOST = 60;

/** Entries in which every word typed stands; those whose name begins so first, else in their order. */
export function foundIn(entries: readonly Entry[], typed: string): Entry[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return entries.slice(0, MOST);
  const scored = entries.flatMap((entry) => {
    const name = entry.name.toLowerCase();
    const all = `${entry.group} ${name} ${entry.words ?? ""}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) return [];
    const first = words[0] ?? "";
    return [{ entry, score: name.startsWith(first) ? 0 : name.includes(first) ? 1 : 2 }];
  });
  return scored
    .toSorted((a, b) => a.score - b.score)
    .map(({ entry }) => entry)
    .slice(0, MOST);
}
