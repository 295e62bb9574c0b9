import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { type Account, expect, expectAccessible, signedIn, test } from "./app";

/** A rule lives a whole life here: looked at in the past, made, fired by events, paused, changed, removed. */
async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

async function send(page: Page, { writeKey }: Account, event: string, count: number): Promise<void> {
  const data = Array.from({ length: count }, () => ({ event, user_id: "u" }));
  const reply = await page.request.post("/api/v1/events", { headers: { "x-api-key": writeKey }, data });
  expect(reply.ok(), await reply.text()).toBe(true);
}

test("a rule is tried on the past, made, fires by events, is paused, changed and removed", async ({
  page,
  account,
  texts,
}) => {
  test.setTimeout(240_000);
  const { rules, incidents, nav } = texts.alerts;
  const { form, preview } = rules;
  await signedIn(page, account);
  const name = `errors ${randomUUID().slice(0, 8)}`;
  const event = `fault ${randomUUID().slice(0, 8)}`;
  await send(page, account, event, 1);
  await opened(page, `p/${account.project}/alerts`);
  await page.getByRole("link", { name: rules.make }).click();
  await page.getByRole("textbox", { name: form.name, exact: true }).fill(name);
  await page.getByRole("combobox", { name: `${form.counted}: ${form.events}` }).fill(event);
  await page.keyboard.press("Enter");
  await page.getByRole("spinbutton", { name: form.window }).fill("5");
  await page.getByLabel(`${form.window}: ${texts.analysis.unit}`).selectOption("m");
  await page.getByRole("spinbutton", { name: form.value, exact: true }).fill("3");
  await page.getByRole("button", { name: preview.show, exact: true }).click();
  await expect(page.getByText(preview.never)).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  await page.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.getByRole("button", { name: rules.test.run }).click();
  await expect(page.getByText(rules.test.holdsNot)).toBeVisible({ timeout: 20_000 });

  await send(page, account, event, 5);
  await expect(page.getByText(rules.states.firing, { exact: true }).first()).toBeVisible({ timeout: 150_000 });
  await expectAccessible(page);
  await opened(page, `p/${account.project}/alerts`);
  const row = page.getByRole("row", { name: new RegExp(name) });
  await expect(row.getByRole("link", { name: new RegExp(`^${incidents.one}:`) })).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page);
  await row.getByRole("link", { name: new RegExp(`^${incidents.one}:`) }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.goBack();
  await row.getByRole("button", { name: new RegExp(`^${rules.pause}`) }).click();
  await expect(row.getByText(rules.paused, { exact: true })).toBeVisible();

  await row.getByRole("link", { name, exact: true }).click();
  await page.getByRole("link", { name: rules.change, exact: true }).click();
  await page.getByRole("textbox", { name: form.name, exact: true }).fill(`${name} again`);
  await page.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByRole("heading", { level: 1, name: `${name} again` })).toBeVisible();
  await page.getByRole("button", { name: rules.remove, exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: rules.remove }).click();
  await expect(page.getByRole("heading", { level: 1, name: nav.alerts })).toBeVisible();
  await expect(row).toHaveCount(0);
});

test("no rule yet: three to begin with; one of them is looked at in the past, by groups it is a line each", async ({
  page,
  empty,
  texts,
}) => {
  const { rules } = texts.alerts;
  await signedIn(page, empty);
  await opened(page, `p/${empty.project}/alerts`);
  await expectAccessible(page);
  await page.getByRole("link", { name: new RegExp(rules.templates.silence) }).click();
  await expect(page.getByRole("textbox", { name: rules.form.name, exact: true })).toHaveValue(rules.templates.silence);
  await expect(page.getByText(rules.preview.fired_one.replace("{{count}}", "1"))).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: texts.panel.more.replace("{{title}}", rules.preview.chart) }).click();
  await page.getByRole("menuitem", { name: texts.panel.table }).click();
  await expect(page.getByRole("group", { name: rules.preview.chart }).getByRole("row").nth(1)).toBeVisible();
});

test("a viewer reads and is offered nothing; on a phone, in Russian, nothing scrolls sideways", async ({
  browser,
  page,
  account,
  texts,
}) => {
  const { rules } = texts.alerts;
  await signedIn(page, account);
  const login = await page.request.post("/api/v1/auth/login", {
    data: { email: account.email, password: account.password },
  });
  const headers = { authorization: `Bearer ${(await login.json()).access_token}`, "x-project-id": account.project };
  const name = `silence ${randomUUID().slice(0, 8)}`;
  const rule = {
    name,
    query: { events: ["page_view"], group_by: "country" },
    window: "1h",
    condition: { type: "absence" },
  };
  const made = await page.request.post("/api/v1/alerts", { headers, data: rule });
  expect(made.status(), await made.text()).toBe(201);
  const { id } = await made.json();
  await page.route("**/api/v1/auth/me", async (route) => {
    const reply = await route.fetch();
    const user = await reply.json();
    for (const one of [...user.projects, ...user.organisations]) one.role = "viewer";
    await route.fulfill({ response: reply, json: user });
  });
  await opened(page, `p/${account.project}/alerts`);
  await expect(page.getByRole("link", { name })).toBeVisible();
  await expect(page.getByRole("button", { name: new RegExp(`^(${rules.pause}|${rules.remove})`) })).toHaveCount(0);
  await expect(page.getByRole("link", { name: rules.make })).toHaveCount(0);
  await opened(page, `p/${account.project}/alerts/${id}`);
  await expect(page.getByRole("button", { name: new RegExp(`^(${rules.pause}|${rules.test.run})`) })).toHaveCount(0);

  const phone = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: "ru-RU",
    colorScheme: "dark",
    storageState: await page.context().storageState(),
  });
  const small = await phone.newPage();
  for (const path of ["alerts", "alerts/new", `alerts/${id}`, `alerts/${id}/edit`]) {
    await opened(small, `p/${account.project}/${path}`);
    const wide = await small.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, path).toBeLessThanOrEqual(0);
  }
  await expectAccessible(small);
  await phone.close();
});
