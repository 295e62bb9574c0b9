import { randomUUID } from "node:crypto";
import { expect, PASSWORD, test } from "./app";

test("register, make a project, click in the playground: chart and receipts show exactly the clicks", async ({
  page,
  texts,
}) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/app\/sign-in/);
  await page.getByRole("link", { name: texts.signIn.register }).click();
  await page.getByLabel(texts.register.name, { exact: true }).fill("Ada");
  await page.getByLabel(texts.register.company).fill("Analytical Engines");
  await page.getByLabel(texts.signIn.email, { exact: true }).fill(`first-${randomUUID()}@example.com`);
  await page.getByLabel(texts.signIn.password, { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: texts.register.submit }).click();

  await expect(page.getByRole("heading", { level: 1, name: texts.projects.first })).toBeVisible();
  await page.getByLabel(texts.projects.name).fill("Shop");
  await page.getByRole("button", { name: texts.projects.create }).click();
  await expect(page.getByText(texts.install.waiting)).toBeVisible();
  await expect(page.getByText(/data-key="slp_/)).toBeVisible();

  await page.getByRole("link", { name: texts.nav.playground }).click();
  const mug = texts.playground.products.mug;
  await page.getByRole("button", { name: texts.playground.view.replace("{{product}}", mug) }).click();
  for (let clicks = 0; clicks < 2; clicks++)
    await page.getByRole("button", { name: `${texts.playground.add}: ${mug}` }).click();
  await page.getByLabel(texts.playground.search).fill("duck");
  await page.getByRole("button", { name: texts.playground.searchGo, exact: true }).click();
  await page.getByRole("tab", { name: texts.playground.tabs.reviews }).click();
  await page.getByRole("button", { name: new RegExp(texts.playground.buy) }).click();
  const clicked = Date.now();

  const stream = page.getByRole("region", { name: texts.playground.stream });
  await expect(stream.getByText(texts.playground.states.stored)).toHaveCount(6, { timeout: 6_000 });
  await expect(page.getByRole("heading", { name: `${texts.playground.chart}: 6` })).toBeVisible({ timeout: 6_000 });
  expect(Date.now() - clicked).toBeLessThan(6_000);
  await expect(page.getByRole("row", { name: /add_to_cart 2/ })).toBeVisible();

  await page.getByRole("link", { name: texts.nav.overview }).click();
  await expect(
    page.getByRole("region", { name: texts.measure.count, exact: true }).getByText("6", { exact: true }),
  ).toBeVisible();
});
