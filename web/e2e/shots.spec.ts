import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { APIRequestContext, Page } from "@playwright/test";
import { USER_AGENT } from "../playwright.config";
import type { en } from "../src/i18n/en";
import { expect, test } from "./app";

/** Pictures of every page for the documentation, of the demo shop's data: `./task web:screenshots`. */
const FOLDER = join(import.meta.dirname, "../../docs/screenshots");
const PAGES = [
  "overview",
  "sql",
  "funnel",
  "retention",
  "lifecycle",
  "paths",
  "attribution",
  "people",
  "segments",
  "sessions",
  "explore",
  "dashboard",
  "events",
  "rejected",
  "playground",
  "install",
  "keys",
  "settings",
  "members",
  "users",
  "saved",
  "webhooks",
  "channels",
  "audit",
  "replay",
  "system",
  "alerts",
  "incidents",
  "policies",
  "reports",
  "ledger",
  "exports",
  "jobs",
  "privacy",
  "data-retention",
  "backups",
  "quality",
  "plan",
  "dictionary",
];
const OWN = ["account", "projects", "sign-in"];

interface Demo {
  email: string;
  password: string;
}

let demo: Demo;
let project: string;
let key: string;
/** Where pages are that need more than their name. */
const ADDRESSES: Record<string, string> = { replay: "rejected/replay" };

test.beforeAll(async ({ playwright, baseURL }) => {
  test.setTimeout(400_000);
  mkdirSync(FOLDER, { recursive: true });
  const { email, password } = JSON.parse(process.env.SLUICE_DEMO ?? "{}") as Demo;
  demo = { email, password };
  // Where the instance was started for the pictures, it is filled first; twice on a day changes nothing.
  if (process.env.SLUICE_DATA)
    execFileSync(join(import.meta.dirname, "../../.venv/bin/sluice"), ["demo"], { stdio: "ignore", timeout: 380_000 });
  const api = await playwright.request.newContext({ baseURL, userAgent: USER_AGENT });
  const { access_token } = await (await api.post("/api/v1/auth/login", { data: demo })).json();
  const headers = { authorization: `Bearer ${access_token}` };
  const { items } = await (await api.get("/api/v1/projects", { headers })).json();
  project = items.find(({ name }: { name: string }) => name === "Demo shop").id;
  const made = { headers, data: { name: "Shop front", kind: "public" } };
  key = (await (await api.post(`/api/v1/projects/${project}/keys`, made)).json()).key;
  await api.post("/api/v1/events", { headers: { "x-api-key": key }, data: [...FAULTY, { event: "page_view" }] });
  await makeDashboard(api, { ...headers, "x-project-id": project });
  await api.post("/api/v1/auth/logout-all", { headers });
  await api.dispose();
});

const CONVERSION = {
  series: [
    { measure: "users", events: ["purchase"], hidden: true },
    { measure: "users", hidden: true },
  ],
  formulas: [{ formula: "A / B * 100", label: "Conversion, %" }],
};

/** A dashboard with each kind of widget, a note on the charts, and a question for Explore. */
async function makeDashboard(api: APIRequestContext, headers: Record<string, string>): Promise<void> {
  const widget = (id: string, title: string, kind: string, query: object, chart: string) => ({
    id,
    title,
    chart,
    inline: { kind, query, last: "30d" },
  });
  const before = { compare: "previous_period" };
  const steps = ["page_view", "product_view", "add_to_cart", "purchase"].map((event) => ({ event }));
  const widgets = [
    widget("users", "Users", "explore", { series: [{ measure: "users" }], ...before }, "number"),
    widget("revenue", "Revenue, €", "explore", { series: [{ measure: "sum:revenue" }], ...before }, "number"),
    widget("rate", "Conversion, %", "explore", { ...CONVERSION, ...before }, "number"),
    { id: "words", title: "Mondays, ten", text: "What changed since last week, and why?" },
    widget("events", "Events", "explore", { series: [{ measure: "count" }], group_by: "event" }, "area"),
    widget("places", "Countries", "breakdown", { by: "country", measure: "users", limit: 6 }, "bar"),
    widget("funnel", "From view to purchase", "funnel", { steps, window: "7d" }, ""),
    widget("back", "Who comes back", "retention", { interval: "week" }, ""),
    widget("devices", "Devices", "breakdown", { by: "device", measure: "users" }, "pie"),
    widget("pages", "Pages", "breakdown", { by: "path", limit: 6 }, "table"),
  ];
  const at = (i: string, x: number, y: number, w: number, h: number) => ({ i, x, y, w, h });
  const items = [
    at("users", 0, 0, 3, 2),
    at("revenue", 3, 0, 3, 2),
    at("rate", 6, 0, 3, 2),
    at("words", 9, 0, 3, 2),
    at("events", 0, 2, 8, 5),
    at("places", 8, 2, 4, 5),
    at("funnel", 0, 7, 5, 4),
    at("back", 5, 7, 7, 4),
    at("devices", 0, 11, 5, 4),
    at("pages", 5, 11, 7, 4),
  ];
  const known = (await (await api.get("/api/v1/dashboards", { headers })).json()).items;
  let id = known.find(({ name }: { name: string }) => name === "Shop at a glance")?.id;
  if (!id) {
    const data = { name: "Shop at a glance", description: "What we look at on Mondays.", widgets, layout: { items } };
    id = (await (await api.post("/api/v1/dashboards", { headers, data })).json()).id;
    const day = new Date(Date.now() - 9 * 86_400_000).toISOString();
    await api.post("/api/v1/annotations", { headers, data: { at: day, text: "Autumn campaign" } });
  }
  ADDRESSES.dashboard = `dashboards/${id}`;
  const series = [
    { measure: "users", act: { event: "product_view" } },
    { measure: "users", act: { event: "purchase" } },
  ];
  const asked = { series, formulas: [{ formula: "B / A * 100", label: "%" }], kind: "line" };
  ADDRESSES.explore = `explore?ask=${encodeURIComponent(JSON.stringify(asked))}`;
}

/** For the page that shows what was refused. */
const FAULTY = [
  { event: "checkout", timestamp: "yesterday", user_id: "customer-7", properties: { total: 59.9 } },
  { event: "", user_id: "customer-7" },
  { event: "purchase", timestamp: "31.12.2026", properties: { total: "12,50" } },
  { user_id: "customer-9", properties: { page: "/cart" } },
];

async function shop(page: Page, texts: typeof en): Promise<void> {
  const mug = texts.playground.products.mug;
  await page.getByRole("button", { name: texts.playground.view.replace("{{product}}", mug) }).click();
  await page.getByRole("button", { name: `${texts.playground.add}: ${mug}` }).click();
  await page.getByRole("tab", { name: texts.playground.tabs.reviews }).click();
  await page.waitForTimeout(4_000); // until all of it is stored and counted
  await page.evaluate(() => scrollTo(0, 0));
}

for (const name of [...OWN, ...PAGES])
  test(`picture: ${name}`, async ({ page, texts }, { project: { name: kind } }) => {
    const { email, password } = demo;
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.addInitScript(
      ([id = "", text = ""]) => {
        if (location.protocol === "about:") return; // has no storage
        localStorage.setItem("sluice_project", id);
        sessionStorage.setItem(`sluice_key_${id}`, text);
      },
      [project, key],
    );
    if (name !== "sign-in")
      await page.request.post("/api/v1/auth/login", { data: { email, password, client: "browser" } });
    await page.goto(PAGES.includes(name) ? `/app/p/${project}/${ADDRESSES[name] ?? name}` : `/app/${name}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".skeleton")).toHaveCount(0);
    if (name === "playground") await shop(page, texts);
    await page.waitForTimeout(1_500); // drawing of the charts
    const png = await page.screenshot({ animations: "disabled", caret: "hide" });
    writeFileSync(join(FOLDER, `${name}-${kind.slice(6)}.webp`), await asWebp(page, png));
  });

/** The browser packs its own pictures. */
async function asWebp(page: Page, png: Buffer): Promise<Buffer> {
  await page.goto("about:blank");
  const packed = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    return canvas.toDataURL("image/webp", 0.82).split(",")[1] ?? "";
  }, png.toString("base64"));
  return Buffer.from(packed, "base64");
}
