import { randomUUID } from "node:crypto";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { USER_AGENT } from "../playwright.config";
import { en } from "../src/i18n/en";
import { ru } from "../src/i18n/ru";

export { expect };
export const PASSWORD = "correct-horse-battery-staple";

interface Account {
  email: string;
  password: string;
  project: string;
  writeKey: string;
  secretKey: string;
}

/** What the console said and what broke; a test fails on it. */
export const test = base.extend<{ quiet: string[]; texts: typeof en }, { account: Account }>({
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
      const api = await playwright.request.newContext({
        baseURL: process.env.SLUICE_URL ?? "http://localhost:8080",
        userAgent: USER_AGENT,
      });
      const email = `web-${randomUUID()}@example.com`;
      const post = async (path: string, data: object, headers: Record<string, string> = {}) => {
        const reply = await api.post(`/api/v1/${path}`, { data, headers });
        expect(reply.ok(), `${path}: ${await reply.text()}`).toBe(true);
        return reply.json();
      };
      await post("auth/register", { email, password: PASSWORD, name: "Ada", organisation: "Tests" });
      const { access_token } = await post("auth/login", { email, password: PASSWORD });
      const made = await post("projects", { name: "Web tests" }, { authorization: `Bearer ${access_token}` });
      const account = {
        email,
        password: PASSWORD,
        project: made.id as string,
        writeKey: made.keys.write.key as string,
        secretKey: made.keys.secret.key as string,
      };
      await post("events", weekOfEvents(), { "x-api-key": account.writeKey });
      await post("events", [{ event: "broken", timestamp: "soon" }, { event: "fine" }], {
        "x-api-key": account.writeKey,
      });
      await expect
        .poll(async () => (await counted(api as never, account)).value, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(EVENTS);
      await use(account);
      await api.dispose();
    },
    { scope: "worker" },
  ],
});

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

export async function counted(api: Page["request"], account: Account, filters: object[] = []) {
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

export async function signIn(page: Page, account: Account, texts: typeof en): Promise<void> {
  await page.goto("/app/sign-in");
  await page.getByLabel(texts.signIn.email, { exact: true }).fill(account.email);
  await page.getByLabel(texts.signIn.password, { exact: true }).fill(account.password);
  await page.getByRole("button", { name: texts.signIn.submit }).click();
  await expect(page.getByRole("heading", { level: 1, name: texts.overview.title })).toBeVisible();
}

export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"])
    .analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`),
  ).toEqual([]);
}
