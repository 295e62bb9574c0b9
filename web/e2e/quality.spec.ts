import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signedIn, test } from "./app";

async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

test("a schema is drafted, narrowed and broken; the finding is acknowledged; what it means is written down", async ({
  page,
  account,
  texts,
}) => {
  test.setTimeout(120_000);
  const { quality } = texts;
  const event = `order ${randomUUID().slice(0, 8)}`;
  const send = (plans: string[]) =>
    page.request.post("/api/v1/events", {
      headers: { "x-api-key": account.writeKey },
      data: plans.map((plan) => ({ id: randomUUID(), event, user_id: "u", properties: { plan, price: 1.5 } })),
    });
  await signedIn(page, account);
  expect((await send(Array.from({ length: 24 }, (_, n) => (n % 2 ? "pro" : "free")))).ok()).toBe(true);

  await opened(page, `p/${account.project}/plan`);
  await page.getByRole("link", { name: quality.plan.make }).first().click();
  await page.getByLabel(quality.plan.event, { exact: true }).fill(event);
  const editor = page.getByLabel(quality.plan.schema, { exact: true });
  await expect(async () => {
    await page.getByRole("button", { name: quality.plan.draft }).click();
    await expect(editor).toHaveValue(/"enum"/, { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expectAccessible(page);
  await page.getByRole("button", { name: quality.plan.first, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: event })).toBeVisible();

  await editor.fill(JSON.stringify({ type: "object", required: ["plan", "price", "coupon"] }));
  await page
    .getByRole("button", { name: /1$/ })
    .and(page.getByText(quality.plan.try.split("{{")[0] ?? ""))
    .click();
  await expect(page.getByText(/^coupon /)).toBeVisible();
  await expectAccessible(page);

  // One event of the day that is not as the schema says.
  expect((await send(["team"])).ok()).toBe(true);
  await opened(page, `p/${account.project}/quality`);
  const found = page.getByRole("button", { name: `${quality.kind.schema_violation}: ${event}` });
  await expect(async () => {
    await page.getByRole("button", { name: quality.check }).click();
    await expect(found).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 40_000 });
  await expectAccessible(page);
  await found.click();
  await page.getByLabel(quality.note).fill("a new plan");
  await page.getByRole("button", { name: quality.acknowledge, exact: true }).click();
  await expect(page.getByText("a new plan")).toBeVisible();
  await page.keyboard.press("Escape");

  await opened(page, `p/${account.project}/dictionary`);
  await page.getByRole("searchbox").fill(event);
  await page
    .getByRole("button", {
      name: quality.dictionary.emptyOf.replace("{{field}}", quality.dictionary.description).replace("{{name}}", event),
    })
    .click();
  await page.keyboard.type("Somebody paid");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Somebody paid")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: event, exact: true }).click();
  await expect(page.getByRole("rowheader", { name: /price/ })).toBeVisible();
});
