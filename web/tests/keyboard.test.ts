import { expect, test, vi } from "vitest";
import { keyHandler, SHORTCUTS } from "../src/keyboard/map";

function press(
  handler: (event: KeyboardEvent) => void,
  key: string,
  more: KeyboardEventInit & { on?: HTMLElement } = {},
) {
  const event = new KeyboardEvent("keydown", { key, cancelable: true, ...more });
  Object.defineProperty(event, "target", { value: more.on ?? document.body });
  handler(event);
  return event;
}

test("no shortcut hides another", () => {
  const written = SHORTCUTS.map(({ keys }) => keys.join(" "));
  expect(new Set(written).size).toBe(written.length);
});

test("keys do what the table says, with Ctrl or Cmd where it says so", () => {
  const run = vi.fn();
  const handler = keyHandler(run);
  press(handler, "w");
  press(handler, "k", { metaKey: true });
  press(handler, "?");
  expect(run.mock.calls.flat()).toEqual([{ do: "range", range: "7d" }, { do: "palette" }, { do: "help" }]);
});

test("nothing happens while somebody types, and the browser keeps its own combinations", () => {
  const run = vi.fn();
  const handler = keyHandler(run);
  expect(press(handler, "d", { on: document.createElement("input") }).defaultPrevented).toBe(false);
  expect(press(handler, "r", { ctrlKey: true }).defaultPrevented).toBe(false);
  expect(run).not.toHaveBeenCalled();
});

test("a chord has a second: g r goes to Rejected, a late r refreshes", () => {
  const run = vi.fn();
  let now = 0;
  const handler = keyHandler(run, () => now);
  press(handler, "g");
  press(handler, "r");
  press(handler, "g");
  now = 1500;
  press(handler, "r");
  expect(run.mock.calls.flat()).toEqual([{ do: "go", to: "rejected" }, { do: "refresh" }]);
});
