import type { Preset } from "../state/range";

export type Target = "overview" | "events" | "rejected" | "playground";
export type Action =
  | { do: "help" | "palette" | "refresh" | "search" | "close_dialog" }
  | { do: "range"; range: Preset }
  | { do: "go"; to: Target };

export interface Shortcut {
  /** Keys in order, as `KeyboardEvent.key`; `mod` is Ctrl or Cmd. */
  keys: readonly string[];
  text: string;
  group: "go" | "period" | "page";
  action: Action;
}

/** The one table of shortcuts: handlers, menu hints and the help dialog read it. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: ["g", "o"], text: "keys.overview", group: "go", action: { do: "go", to: "overview" } },
  { keys: ["g", "e"], text: "keys.events", group: "go", action: { do: "go", to: "events" } },
  { keys: ["g", "r"], text: "keys.rejected", group: "go", action: { do: "go", to: "rejected" } },
  { keys: ["g", "p"], text: "keys.playground", group: "go", action: { do: "go", to: "playground" } },
  { keys: ["d"], text: "keys.today", group: "period", action: { do: "range", range: "today" } },
  { keys: ["w"], text: "keys.week", group: "period", action: { do: "range", range: "7d" } },
  { keys: ["m"], text: "keys.month", group: "period", action: { do: "range", range: "30d" } },
  { keys: ["y"], text: "keys.year", group: "period", action: { do: "range", range: "12m" } },
  { keys: ["mod+k"], text: "keys.palette", group: "page", action: { do: "palette" } },
  { keys: ["r"], text: "keys.refresh", group: "page", action: { do: "refresh" } },
  { keys: ["/"], text: "keys.search", group: "page", action: { do: "search" } },
  { keys: ["?"], text: "keys.help", group: "page", action: { do: "help" } },
  { keys: ["Escape"], text: "keys.close_dialog", group: "page", action: { do: "close_dialog" } },
];

const CHORD_MS = 1000;

/** A handler of key presses; it remembers the first key of a chord for a second. */
export function keyHandler(
  run: (action: Action) => void,
  now: () => number = Date.now,
): (event: KeyboardEvent) => void {
  let first = "";
  let pressedAt = 0;
  return (event) => {
    const modified = event.ctrlKey || event.metaKey;
    if (event.altKey || event.isComposing || (!modified && isTyping(event.target))) return;
    const key = modified ? `mod+${event.key.toLowerCase()}` : event.key;
    const started = now() - pressedAt < CHORD_MS ? first : "";
    const found =
      SHORTCUTS.find(({ keys }) => keys.length === 2 && keys[0] === started && keys[1] === key) ??
      SHORTCUTS.find(({ keys }) => keys.length === 1 && keys[0] === key);
    const begins = !modified && SHORTCUTS.some(({ keys }) => keys.length === 2 && keys[0] === key);
    first = begins ? key : "";
    pressedAt = now();
    // The browser and the open dialog know what Escape does.
    if (!found || found.action.do === "close_dialog") return;
    event.preventDefault();
    run(found.action);
  };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
