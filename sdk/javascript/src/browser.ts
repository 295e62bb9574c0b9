import type { Properties } from "./types";

/** `leave` when the page is hidden or ends, `back` when there is a connection again. */
export function watchLeaving(leave: () => void, back: () => void): () => void {
  const hidden = () => document.visibilityState === "hidden" && leave();
  return listen([
    [document, "visibilitychange", hidden],
    [globalThis, "pagehide", leave],
    [globalThis, "online", back],
  ]);
}

/** `seen` once the calls right after this one are done, and whenever a single-page app shows another address. */
export function watchPages(seen: () => void): () => void {
  let shown = "";
  const look = () => {
    const address = location.origin + location.pathname + location.search;
    if (address === shown) return;
    shown = address;
    seen();
  };
  const { pushState, replaceState } = history;
  const wrapped = (change: typeof pushState): typeof pushState =>
    function (this: History, ...args) {
      change.apply(this, args);
      setTimeout(look); // the app sets the page's title after the address
    };
  history.pushState = wrapped(pushState);
  history.replaceState = wrapped(replaceState);
  const stop = listen([[globalThis, "popstate", () => setTimeout(look)]]);
  const first = setTimeout(look);
  return () => {
    clearTimeout(first);
    history.pushState = pushState;
    history.replaceState = replaceState;
    stop();
  };
}

/** Clicks on links and buttons, and sent forms; nothing that was typed, nothing inside `data-sluice-ignore`. */
export function watchPointer(track: (event: string, properties: Properties) => void): () => void {
  const clicked = (event: Event) => {
    const element = (event.target as Element | null)?.closest?.("a,button,[role=button],input[type=submit]");
    if (!element || element.closest("[data-sluice-ignore]")) return;
    const text = element.getAttribute("aria-label") ?? element.textContent ?? "";
    track("element_clicked", {
      tag: element.tagName.toLowerCase(),
      id: element.id || undefined,
      text: text.trim().slice(0, 80),
      href: (element as HTMLAnchorElement).href || undefined,
    });
  };
  const submitted = (event: Event) => {
    const form = event.target as HTMLFormElement;
    if (form.closest("[data-sluice-ignore]")) return;
    track("form_submitted", {
      id: form.getAttribute("id") ?? undefined,
      name: form.getAttribute("name") ?? undefined,
      action: form.getAttribute("action") ?? undefined,
    });
  };
  return listen([
    [document, "click", clicked],
    [document, "submit", submitted],
  ]);
}

function listen(all: [EventTarget, string, (event: Event) => void][]): () => void {
  for (const [target, name, handler] of all) target.addEventListener(name, handler, true);
  return () => {
    for (const [target, name, handler] of all) target.removeEventListener(name, handler, true);
  };
}
