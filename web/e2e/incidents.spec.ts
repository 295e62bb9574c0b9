import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signedIn, test } from "./app";

/** An incident is opened by a rule that fires at the next full minute: one test waits for it and walks its whole life. */
async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

test("a policy is made, a rule that names it fires, its incident is acknowledged, commented and resolved", async ({
  page,
  request,
  account,
  texts,
}) => {
  test.setTimeout(240_000);
  const { incidents, policies } = texts.alerts;
  await signedIn(page, account);
  const name = `office ${randomUUID().slice(0, 8)}`;
  await opened(page, `p/${account.project}/policies/new`);
  await page.getByLabel(policies.name, { exact: true }).fill(name);
  await page.getByRole("checkbox", { name: policies.quietOn }).check();
  await expectAccessible(page);
  await page.getByRole("button", { name: policies.save }).click();
  await expect(page.getByRole("link", { name })).toBeVisible();

  const { email, password } = account;
  const login = await request.post("/api/v1/auth/login", { data: { email, password } });
  const headers = { authorization: `Bearer ${(await login.json()).access_token}`, "x-project-id": account.project };
  const listed = await (await request.get("/api/v1/policies", { headers })).json();
  const policy = listed.items.find((one: { policy: { name: string } }) => one.policy.name === name);
  const rule = {
    name: `silence ${name}`,
    query: { events: [randomUUID()] },
    window: "5m",
    condition: { type: "absence" },
    severity: "error",
    policy: policy.id,
  };
  const reply = await request.post("/api/v1/alerts", { headers, data: rule });
  expect(reply.status(), await reply.text()).toBe(201);

  await opened(page, `p/${account.project}/incidents`);
  const link = page.getByRole("link", { name: rule.name });
  await expect(link).toBeVisible({ timeout: 150_000 });
  await expectAccessible(page);
  await link.click();
  const steps = page.getByRole("list", { name: incidents.timeline });
  await expect(steps.getByText(/^Step 1: told /)).toBeVisible({ timeout: 80_000 });
  await page.getByRole("button", { name: incidents.acknowledge }).click();
  await page.getByRole("dialog").getByRole("button", { name: incidents.acknowledge }).click();
  await expect(steps.getByText(`${account.email} acknowledged it`)).toBeVisible();
  await page.getByLabel(incidents.noteComment).fill("it is the payment provider");
  await page.getByRole("button", { name: incidents.comment }).click();
  await expect(steps.getByText("it is the payment provider")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: incidents.resolve }).click();
  await page.getByRole("dialog").getByRole("button", { name: incidents.resolve }).click();
  await expect(page.getByText(incidents.states.resolved, { exact: true })).toBeVisible();
});

test("maintenance is planned and removed; on a phone, in Russian, nothing scrolls sideways", async ({
  browser,
  page,
  account,
  texts,
}) => {
  const { maintenance, policies } = texts.alerts;
  await signedIn(page, account);
  await opened(page, `p/${account.project}/policies`);
  await page.getByRole("button", { name: maintenance.make }).click();
  const name = `move ${randomUUID().slice(0, 8)}`;
  await page.getByRole("dialog").getByLabel(maintenance.name, { exact: true }).fill(name);
  await page.getByRole("dialog").getByRole("button", { name: policies.save }).click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row).toBeVisible();
  await expectAccessible(page);
  await row.getByRole("button", { name: new RegExp(maintenance.remove) }).click();
  await page.getByRole("dialog").getByRole("button", { name: maintenance.remove }).click();
  await expect(row).toHaveCount(0);

  const phone = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: "ru-RU",
    colorScheme: "dark",
    storageState: await page.context().storageState(),
  });
  const small = await phone.newPage();
  for (const path of ["incidents", "policies", "policies/new"]) {
    await opened(small, `p/${account.project}/${path}`);
    const wide = await small.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, path).toBeLessThanOrEqual(0);
  }
  await phone.close();
});
