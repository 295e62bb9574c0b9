/**
 * `<script src="https://…/sluice.js" data-key="slp_…" defer></script>` makes `window.sluice`. The server is the one the
 * script came from. `data-autocapture`, `data-persistence="memory"`, `data-consent="pending"`, `data-page-views="off"`
 * and `data-ignore-do-not-track` set the options. Calls made before it was loaded, kept as
 * `window.sluice = [["track", "name"]]`, are done then.
 */
import { Sluice } from "./client";
import type { Options } from "./types";

type Call = [keyof Sluice, ...unknown[]];

const tag = document.currentScript as HTMLScriptElement | null;
const page = window as unknown as { sluice?: Sluice | Call[] };
const key = tag?.dataset.key;
if (tag && key) {
  const { host, persistence, consent, autocapture, pageViews, ignoreDoNotTrack } = tag.dataset;
  const client = new Sluice(key, {
    host: host ?? new URL(tag.src).origin,
    persistence: persistence === "memory" ? "memory" : "local",
    consent: consent as Options["consent"],
    autocapture: autocapture !== undefined,
    pageViews: pageViews !== "off",
    respectDoNotTrack: ignoreDoNotTrack === undefined,
  });
  const early = page.sluice;
  page.sluice = client;
  if (Array.isArray(early)) {
    for (const [name, ...values] of early) (client[name] as unknown as (...v: unknown[]) => void).apply(client, values);
  }
} else {
  console.warn("sluice.js: the script tag needs data-key");
}
