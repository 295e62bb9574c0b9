import type { Action as Right } from "../state/may";
import type { Preset } from "../state/range";

/** Where a shortcut leads, by the page's address. */
export const TARGETS = {
  overview: "/p/$project/overview",
  explore: "/p/$project/explore",
  dashboards: "/p/$project/dashboards",
  funnel: "/p/$project/funnel",
  retention: "/p/$project/retention",
  lifecycle: "/p/$project/lifecycle",
  paths: "/p/$project/paths",
  attribution: "/p/$project/attribution",
  people: "/p/$project/people",
  segments: "/p/$project/segments",
  sessions: "/p/$project/sessions",
  events: "/p/$project/events",
  rejected: "/p/$project/rejected",
  playground: "/p/$project/playground",
  install: "/p/$project/install",
  keys: "/p/$project/keys",
  settings: "/p/$project/settings",
  members: "/p/$project/members",
  system: "/p/$project/system",
  projects: "/projects",
  account: "/account",
} as const;
export type Target = keyof typeof TARGETS;
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
  /** Only for who may do this. */
  needs?: Right;
}

const go = (key: string, to: Target, needs?: Right): Shortcut => ({
  keys: ["g", key],
  text: `nav.${to}`,
  group: "go",
  action: { do: "go", to },
  needs,
});

/** The one table of shortcuts: handlers, menu hints and the help dialog read it. */
export const SHORTCUTS: readonly Shortcut[] = [
  go("o", "overview", "events.read"),
  go("x", "explore", "events.read"),
  go("d", "dashboards", "events.read"),
  go("f", "funnel", "events.read"),
  go("t", "retention", "events.read"),
  go("y", "lifecycle", "events.read"),
  go("h", "paths", "events.read"),
  go("b", "attribution", "events.read"),
  go("u", "people", "events.read"),
  go("g", "segments", "events.read"),
  go("n", "sessions", "events.read"),
  go("e", "events", "events.read"),
  go("r", "rejected", "rejected.read"),
  go("p", "playground"),
  go("i", "install"),
  go("k", "keys", "keys.read"),
  go("c", "settings", "project.write"),
  go("m", "members", "members.read"),
  go("s", "system", "events.read"),
  go("l", "projects"),
  go("a", "account"),
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
