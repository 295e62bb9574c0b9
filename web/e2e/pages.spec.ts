import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signedIn, test } from "./app";

/** Every page a signed-in person can open. */
const PAGES = [
  "p/$/overview",
  "p/$/funnel",
  "p/$/retention",
  "p/$/lifecycle",
  "p/$/paths",
  "p/$/attribution",
  "p/$/people",
  "p/$/people/u%3Auser-1",
  "p/$/segments",
  "p/$/segments/new",
  "p/$/sessions",
  "p/$/explore",
  "p/$/dashboards",
  "p/$/events",
  "p/$/rejected",
  "p/$/playground",
  "p/$/install",
  "p/$/keys",
  "p/$/settings",
  "p/$/members",
  "p/$/rejected/replay",
  "p/$/users",
  "p/$/saved",
  "p/$/webhooks",
  "p/$/channels",
  "p/$/audit",
  "p/$/system",
  "p/$/ledger",
  "p/$/exports",
  "p/$/jobs",
  "p/$/privacy",
  "p/$/privacy/access",
  "p/$/privacy/rules",
  "p/$/privacy/scans",
  "p/$/data-retention",
  "p/$/backups",
  "p/$/alerts",
  "p/$/alerts/new",
  "p/$/quality",
  "p/$/plan",
  "p/$/plan/new",
  "p/$/dictionary",
  "projects",
  "account",
  "welcome",
];
const ALONE = ["sign-in", "register", "forgot", "reset-password", "verify-email", "invitation", "no-such-page"];

const title = (page: Page) => page.getByRole("heading", { level: 1 });

async function expectWhole(page: Page): Promise<void> {
  await expect(title(page)).toBeVisible();
  await expect(page.getByRole("status", { name: /./ }).and(page.locator(".skeleton"))).toHaveCount(0);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}

for (const path of PAGES)
  test(`${path}: reachable, accessible, no wider than the screen`, async ({ page, account, locale }) => {
    await signedIn(page, account);
    await page.goto(`/app/${path.replace("$", account.project)}`);
    await expectWhole(page);
    expect(await page.locator("html").getAttribute("lang")).toBe(locale?.slice(0, 2));
  });

for (const path of ALONE)
  test(`${path}: accessible without an account`, async ({ page }) => {
    await page.goto(`/app/${path}`);
    await expectWhole(page);
  });

test("an invitation that holds: accessible for who has no account yet", async ({ page, account, texts }) => {
  const { email, password } = account;
  const login = await page.request.post("/api/v1/auth/login", { data: { email, password } });
  const headers = { authorization: `Bearer ${(await login.json()).access_token}` };
  const [organisation] = (await (await page.request.get("/api/v1/organisations", { headers })).json()).items;
  const data = { email: `invited-${randomUUID()}@example.com`, role: "editor" };
  const reply = await page.request.post(`/api/v1/organisations/${organisation.id}/invitations`, { headers, data });
  const link = new URL((await reply.json()).link);
  await page.goto(link.pathname + link.search + link.hash);
  await expect(page.getByRole("button", { name: texts.invitation.join })).toBeVisible();
  await expectWhole(page);
});
