import type { Page } from "@playwright/test";
import { type Account, expect, expectAccessible, signedIn, test } from "./app";

/** The main job of each page of reports, on a real instance. */
async function opened(page: Page, account: Account, path: string): Promise<void> {
  await page.goto(`/app/p/${account.project}/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

async function expectNarrow(page: Page): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  if (before) await page.setViewportSize(before);
}

test.beforeEach(async ({ page, life }) => signedIn(page, life));

test("a built-in report is looked at, a report of one's own is made, run, downloaded and shared", async ({
  page,
  life,
  texts,
  browser,
}) => {
  test.slow();
  const { reports } = texts;
  await opened(page, life, "reports");
  await expectAccessible(page);
  await expectNarrow(page);
  await opened(page, life, "reports/built-in/top-events");
  await expect(page.getByRole("table").getByText("page_view")).toBeVisible();
  await expectAccessible(page);
  await opened(page, life, "reports/new");
  await page.getByLabel(reports.form.name).fill("Weekly");
  await page.getByLabel(reports.form.content).selectOption("custom");
  await page.getByRole("button", { name: reports.form.add }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: texts.explore.add }).click();
  await expectAccessible(page);
  await expectNarrow(page);
  await page.getByRole("button", { name: reports.form.save }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Weekly" })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: reports.runNow }).click();
  await expect(page.getByText(reports.ran)).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page);
  await page.getByRole("table").getByRole("link").first().click();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
  await expectAccessible(page);
  await expectNarrow(page);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: reports.download }).click();
  await page.getByRole("menuitem", { name: reports.formats.xlsx }).click();
  expect((await download).suggestedFilename()).toBe("Weekly.xlsx");
  await page.getByRole("button", { name: reports.share }).click();
  await page.getByRole("dialog").getByRole("button", { name: reports.makeLink }).click();
  const shown = page.getByRole("dialog").getByText(/\/api\/v1\/reports\/shared\//);
  const link = (await shown.first().innerText()).trim();
  const stranger = await browser.newPage();
  await stranger.goto(link.replace(/^https?:\/\/[^/]+/, ""));
  await expect(stranger.getByRole("heading", { level: 1, name: "Weekly" })).toBeVisible();
  await stranger.close();
});
