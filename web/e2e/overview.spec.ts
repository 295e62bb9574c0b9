import { EVENTS, expect, expectAccessible, signedIn, test } from "./app";

test.beforeEach(async ({ page, week, texts }) => {
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/overview`);
  await expect(page.getByRole("heading", { level: 1, name: texts.overview.title })).toBeVisible();
});

test("the numbers are the stored ones, and what is chosen stands in the address", async ({ page, texts }) => {
  const events = page.getByRole("region", { name: texts.measure.count, exact: true });
  await expect(events.getByText(String(EVENTS + 1), { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Show only purchase" }).click();
  await expect(page).toHaveURL(/events=/);
  await expect(events.getByText("14", { exact: true })).toBeVisible();
  await page.reload();
  await expect(events.getByText("14", { exact: true })).toBeVisible();
  await page.goBack();
  await expect(events.getByText(String(EVENTS + 1), { exact: true })).toBeVisible();
});

test("keys change the period, the palette goes anywhere, the help shows both", async ({ page, texts }) => {
  await page.keyboard.press("w");
  await expect(page).toHaveURL(/range=7d/);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: texts.keys.title })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("rejec");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: texts.rejected.title })).toBeVisible();
  await expect(page).toHaveURL(/range=7d/);
});

test("the chart is a picture with a sentence, and the same data as a table", async ({ page, texts }) => {
  const panel = page.getByRole("region", { name: texts.overview.series });
  await expect(panel.getByRole("figure")).toContainText(`${EVENTS + 1} events from`);
  await panel.getByRole("radio", { name: texts.overview.bar }).check();
  await expect(page).toHaveURL(/chart=bar/);
  await panel.getByRole("button", { name: /More about/ }).click();
  await page.getByRole("menuitem", { name: texts.panel.table }).click();
  await expect(panel.getByRole("columnheader", { name: "purchase" })).toBeVisible();
  const download = page.waitForEvent("download");
  await panel.getByRole("button", { name: /More about/ }).click();
  await page.getByRole("menuitem", { name: texts.panel.csv }).click();
  expect((await download).suggestedFilename()).toBe("events-over-time.csv");
});

test("a filter is added by hand, named, and cleared", async ({ page, texts }) => {
  await page.keyboard.press("/");
  const dialog = page.getByRole("dialog", { name: texts.filter.title });
  await dialog.getByLabel(texts.filter.property).selectOption("user_id");
  await dialog.getByLabel(texts.filter.value).fill("user-1");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: texts.filter.apply }).click();
  await expect(page.getByText("User is user-1")).toBeVisible();
  await page.getByRole("button", { name: "Remove the filter User is user-1" }).click();
  await expect(page).not.toHaveURL(/filters/);
});

test("a session that ends leads to sign-in and back to the same address", async ({ page, context, week, texts }) => {
  await page.keyboard.press("w");
  await expect(page).toHaveURL(/range=7d/);
  await context.clearCookies();
  await page.reload();
  await expect(page).toHaveURL(/sign-in/);
  await page.getByLabel(texts.signIn.email, { exact: true }).fill(week.email);
  await page.getByLabel(texts.signIn.password, { exact: true }).fill(week.password);
  await page.getByRole("button", { name: texts.signIn.submit }).click();
  await expect(page).toHaveURL(/overview\?range=7d/);
});
