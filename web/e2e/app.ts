import { randomUUID } from "node:crypto";
import AxeBuilder from "@axe-core/playwright";
import { type APIRequestContext, test as base, expect, type Page } from "@playwright/test";
import { USER_AGENT } from "../playwright.config";
import { en } from "../src/i18n/en";
import { ru } from "../src/i18n/ru";

export { expect };
export const BASE = process.env.SLUICE_URL ?? "http://localhost:8080";
export const PASSWORD = "correct-horse-battery-staple";

export interface Account {
  email: string;
  password: string;
  project: string;
  writeKey: string;
  secretKey: string;
}

/** What the console said and what broke; a test fails on it. */
export const test = base.extend<
  { quiet: string[]; texts: typeof en },
  { account: Account; week: Account; life: Account; empty: Account }
>({
  texts: ({ locale }, use) => use(locale?.startsWith("ru") ? (ru as unknown as typeof en) : en),
  quiet: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      await use(said);
      expect(said).toEqual([]);
    },
    { auto: true },
  ],
  /** An account of its own with one project that has a week of events. */
  account: [
    async ({ playwright }, use) => {
      const api = await playwright.request.newContext({ baseURL: BASE, userAgent: USER_AGENT });
      await use(await withEvents(api));
      await api.dispose();
    },
    { scope: "worker" },
  ],
  /** The same for tests that count: no other test sends anything to it. */
  week: [
    async ({ playwright }, use) => {
      const api = await playwright.request.newContext({ baseURL: BASE, userAgent: USER_AGENT });
      await use(await withEvents(api));
      await api.dispose();
    },
    { scope: "worker" },
  ],
  /** The same for tests that erase people, hold and drop what is there. */
  life: [
    async ({ playwright }, use) => {
      const api = await playwright.request.newContext({ baseURL: BASE, userAgent: USER_AGENT });
      await use(await withEvents(api));
      await api.dispose();
    },
    { scope: "worker" },
  ],
  /** An account of its own with one project and no event. */
  empty: [
    async ({ playwright }, use) => {
      const api = await playwright.request.newContext({ baseURL: BASE, userAgent: USER_AGENT });
      await use(await register(api));
      await api.dispose();
    },
    { scope: "worker" },
  ],
});

/** Chromium reports each answer of 400 and above; a test that makes them forgets these, and nothing else. */
export function forgetAnswers(quiet: string[]): void {
  const others = quiet.filter((text) => !text.startsWith("Failed to load resource"));
  quiet.splice(0, quiet.length, ...others);
}

async function post(api: APIRequestContext, path: string, data: object, headers: Record<string, string> = {}) {
  const reply = await api.post(`/api/v1/${path}`, { data, headers });
  expect(reply.ok(), `${path}: ${await reply.text()}`).toBe(true);
  return reply.json();
}

async function register(api: APIRequestContext): Promise<Account> {
  const email = `web-${randomUUID()}@example.com`;
  await post(api, "auth/register", { email, password: PASSWORD, name: "Ada", organisation: "Tests" });
  const { access_token } = await post(api, "auth/login", { email, password: PASSWORD });
  const made = await post(api, "projects", { name: "Web tests" }, { authorization: `Bearer ${access_token}` });
  return {
    email,
    password: PASSWORD,
    project: made.id as string,
    writeKey: made.keys.write.key as string,
    secretKey: made.keys.secret.key as string,
  };
}

async function withEvents(api: APIRequestContext): Promise<Account> {
  const account = await register(api);
  const headers = { "x-api-key": account.writeKey };
  await post(api, "events", weekOfEvents(), headers);
  await post(api, "events", [{ event: "broken", timestamp: "soon" }, { event: "fine" }], headers);
  await expect.poll(async () => (await counted(api, account)).value, { timeout: 20_000 }).toBe(EVENTS + 1);
  return account;
}

export const EVENTS = 7 * 12;
const NAMES = ["page_view", "sign_up", "purchase"];

/** Twelve events on each of the last seven days, some with names that try to break the page. */
function weekOfEvents(): object[] {
  const hostile = ["<img src=x onerror=alert(1)>", "مرحبا بالعالم", "🦆".repeat(30), "long ".repeat(39).trim()];
  return Array.from({ length: EVENTS }, (_, index) => ({
    id: randomUUID(),
    event: index % 12 < 8 ? NAMES[index % 3] : hostile[index % 4],
    timestamp: new Date(Date.now() - Math.floor(index / 12) * 86_400_000 - 1000 * (index % 12)).toISOString(),
    user_id: `user-${index % 5}`,
    session_id: `session-${index % 9}`,
    properties: { page: "/", plan: "pro", note: "</script><script>alert(2)</script>" },
    context: { page: { url: `https://shop.example/${index % 4}?q="><svg onload=alert(3)>` } },
  }));
}

export async function counted(api: APIRequestContext, account: Account, filters: object[] = []) {
  const day = 86_400_000;
  const reply = await api.post("/api/v1/query/count", {
    headers: { "x-api-key": account.secretKey },
    data: {
      from: new Date(Date.now() - 30 * day).toISOString(),
      to: new Date(Date.now() + day).toISOString(),
      filters,
    },
  });
  return (await reply.json()) as { value: number };
}

/** Signed in as by the form, without going through it: for tests that are about other pages. */
export async function signedIn(page: Page, account: Account): Promise<void> {
  const { email, password } = account;
  const reply = await page.request.post("/api/v1/auth/login", { data: { email, password, client: "browser" } });
  expect(reply.ok(), await reply.text()).toBe(true);
}

export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"])
    .analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`),
  ).toEqual([]);
}
