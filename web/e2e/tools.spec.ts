import type { Page } from "@playwright/test";
import { expect, expectAccessible, forgetAnswers, signedIn, test } from "./app";

/** The SQL page, the palette, help, inbox and first steps, with the week of events that every account of these tests has. */
async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

test.beforeEach(async ({ page, account }) => {
  await signedIn(page, account);
});

test("SQL: a statement is run, refused at its place, saved, opened from the palette and removed", async ({
  page,
  account,
  texts,
  quiet,
}) => {
  await opened(page, `p/${account.project}/sql`);
  const field = page.getByRole("textbox", { name: texts.tools.sql.statement });
  await field.fill("SELECT count() AS n FROM events WHERE event = {name:String}");
  await page.getByRole("textbox", { name: "name" }).fill("no_such_event");
  await field.press("Control+Enter");
  const table = page.getByRole("table", { name: texts.tools.sql.result });
  await expect(table.getByRole("cell", { name: "0", exact: true })).toBeVisible();
  await expectAccessible(page);

  await field.fill("SELECT event FROM\n  system.tables");
  await page.getByRole("button", { name: texts.tools.sql.run }).click();
  await expect(page.getByRole("alert")).toContainText("line 2, column");
  await expect(field).toBeFocused();
  forgetAnswers(quiet);

  await field.fill("SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC");
  await page.getByRole("button", { name: texts.tools.sql.save }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(texts.projects.name).fill("Events by name");
  await dialog.getByRole("button", { name: texts.tools.sql.save }).click();
  await expect(page).toHaveURL(/saved/);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: texts.tools.sql.csv, exact: true }).click();
  expect((await download).suggestedFilename()).toBe("query.csv");

  await opened(page, `p/${account.project}/system`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("events by na");
  await expect(page.getByRole("option", { name: /Events by name/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(field).toHaveValue(/GROUP BY event/);
  await page.getByRole("button", { name: /Events by name/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: texts.tools.sql.removeDo }).click();
  await expect(page.getByRole("combobox", { name: texts.tools.sql.saved }).getByRole("option")).toHaveCount(1);
});

test("the palette reaches actions and people; each page has help", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/system`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("user-0");
  await expect(page.getByRole("option", { name: /user-0/ }).first()).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type(texts.tools.palette.newKey);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: texts.apiKeys.make })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: texts.tools.help.open }).click();
  const help = page.getByRole("dialog", { name: texts.tools.help.title });
  await expect(help.getByRole("listitem").first()).toBeVisible();
  await expectAccessible(page);
});

test("the inbox is there, and first steps until they are put away", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/overview`);
  const steps = page.getByRole("region", { name: texts.tools.steps.title });
  await expect(steps.getByRole("listitem").first()).toHaveClass("done");
  await expectAccessible(page);
  await steps.getByRole("button", { name: texts.tools.steps.hide }).click();
  await expect(steps).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(steps).toHaveCount(0);
  await page.getByRole("button", { name: new RegExp(`^${texts.tools.inbox.title}`) }).click();
  await expect(page.getByRole("dialog", { name: texts.tools.inbox.title })).toBeVisible();
  await expectAccessible(page);
});

test("a phone shows each of these without scrolling sideways, dark and in Russian", async ({ browser, account }) => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: "ru-RU",
    colorScheme: "dark",
  });
  const page = await context.newPage();
  await signedIn(page, account);
  for (const path of ["sql", "overview"]) {
    await opened(page, `p/${account.project}/${path}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(wide, path).toBe(false);
    await expectAccessible(page);
  }
  await context.close();
});
