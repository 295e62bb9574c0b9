import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { type Account, expect, expectAccessible, signedIn, test } from "./app";

/** The main job of each page about jobs and the life of data, on a real instance. */
async function opened(page: Page, account: Account, path: string): Promise<void> {
  await page.goto(`/app/p/${account.project}/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

/** No wider than a phone, too. */
async function expectNarrow(page: Page): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  if (before) await page.setViewportSize(before);
}

test.describe.configure({ mode: "serial" });
test.beforeEach(async ({ page, life }) => signedIn(page, life));

test("an export is put together, made and fetched; a schedule is paused and ended", async ({ page, life, texts }) => {
  const { exports, schedules } = texts.jobs;
  await opened(page, life, "exports/new?range=7d");
  await page.getByRole("radio", { name: exports.formats.csv }).check();
  await expect(page.getByRole("region", { name: exports.found }).getByText("85", { exact: true })).toBeVisible();
  await expectAccessible(page);
  await expectNarrow(page);
  await page.getByRole("button", { name: exports.start }).click();
  const link = page.getByRole("link", { name: "part-00000.csv" });
  await expect(link).toBeVisible({ timeout: 40_000 });
  await expectAccessible(page);
  const download = page.waitForEvent("download");
  await link.click();
  const lines = readFileSync(await (await download).path(), "utf8")
    .trim()
    .split("\n");
  expect(lines.length).toBeGreaterThan(85);
  await opened(page, life, "exports/schedules/new");
  await page.getByLabel(texts.projects.name).fill("Nightly");
  await expectAccessible(page);
  await page.getByRole("button", { name: texts.form.save }).click();
  const list = page.getByRole("table", { name: schedules.title });
  await list.getByRole("button", { name: `${schedules.pause}: Nightly` }).click();
  await expect(list.getByText(schedules.paused)).toBeVisible();
  await expectAccessible(page);
  await list.getByRole("button", { name: `${schedules.end}: Nightly` }).click();
  await page.getByRole("dialog").getByRole("button", { name: schedules.end }).click();
  await expect(page.getByText(schedules.none)).toBeVisible();
});

test("an access request becomes an archive", async ({ page, life, texts }) => {
  const { access, people } = texts.jobs;
  await opened(page, life, "privacy/access");
  await page.getByRole("button", { name: access.make }).click();
  const form = page.getByRole("dialog", { name: access.make });
  await form.getByLabel(people.id, { exact: true }).fill("user-1");
  await form.getByRole("button", { name: access.start }).click();
  const link = page.getByRole("link", { name: "person.zip" });
  await expect(link).toBeVisible({ timeout: 40_000 });
  const download = page.waitForEvent("download");
  await link.click();
  expect(
    readFileSync(await (await download).path())
      .subarray(0, 2)
      .toString(),
  ).toBe("PK");
  await expectAccessible(page);
  await expectNarrow(page);
});

test("a rule is tried, saved and applied to what is sent; a scan finds what no rule caught", async ({
  page,
  life,
  texts,
  request,
}) => {
  test.slow(); // a rule holds within 15 seconds
  const { rules, scans } = texts.jobs;
  const send = (event: string) =>
    request.post("/api/v1/events", {
      headers: { "x-api-key": life.writeKey },
      data: [{ event, user_id: "user-2", properties: { email: "ada@example.com", contact: "bob@example.com" } }],
    });
  expect((await send("before_rule")).ok()).toBe(true);
  await opened(page, life, "privacy/rules");
  await page.getByRole("button", { name: rules.make }).click();
  const form = page.getByRole("dialog", { name: rules.make });
  await form.getByLabel(rules.text.name, { exact: true }).fill("email");
  await form.getByRole("button", { name: rules.try, exact: true }).click();
  await expect(form.getByText(rules.changed.replace("{{paths}}", "email"))).toBeVisible();
  await expectAccessible(page);
  await form.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByRole("table", { name: rules.list }).getByText("email", { exact: true })).toBeVisible();
  await expectNarrow(page);
  const stored = async () => {
    await send("after_rule");
    const reply = await request.post("/api/v1/query/events", {
      headers: { "x-api-key": life.secretKey },
      data: { events: ["after_rule"], limit: 1 },
    });
    return JSON.stringify((await reply.json()).items ?? []);
  };
  await expect.poll(stored, { timeout: 40_000, intervals: [3_000] }).toContain('"email":"hash:');
  await opened(page, life, "privacy/scans");
  await page.getByRole("button", { name: scans.start }).click();
  const report = page.getByRole("region", { name: scans.report });
  await expect(report.getByText("properties.contact")).toBeVisible({ timeout: 40_000 });
  await expectAccessible(page);
  await expectNarrow(page);
  await report.getByRole("link", { name: `${rules.make}: properties.contact` }).click();
  await expect(page.getByRole("dialog").getByLabel(rules.text.name, { exact: true })).toHaveValue("contact");
});

test("somebody under a hold is not erased; released, they are, and the certificate is genuine", async ({
  page,
  life,
  texts,
}) => {
  test.slow(); // an erasure looks again after it has settled
  const { holds, keeping, erasures, certificate, states, people } = texts.jobs;
  await opened(page, life, "data-retention");
  await page.getByRole("button", { name: holds.make }).click();
  const form = page.getByRole("dialog", { name: holds.make });
  await form.getByLabel(people.id, { exact: true }).fill("user-4");
  await form.getByLabel(texts.jobs.reason).fill("case 4711");
  await form.getByRole("button", { name: holds.start }).click();
  const list = page.getByRole("table", { name: holds.title });
  await expect(list.getByText("case 4711")).toBeVisible();
  await page.getByLabel(keeping.events, { exact: true }).fill("2");
  await page.getByRole("button", { name: keeping.preview }).click();
  await expect(page.getByRole("region", { name: keeping.would }).getByText(keeping.cutoff)).toBeVisible();
  await expectAccessible(page);
  await expectNarrow(page);

  const erase = async () => {
    await opened(page, life, "privacy/erase");
    await page.getByLabel(people.ids, { exact: true }).fill("user-4");
    await expect(page.getByRole("region", { name: erasures.preview }).getByText("u:user-4")).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: erasures.next }).click();
    const sure = page.getByRole("dialog");
    await sure.getByLabel(erasures.typeId).fill("user-4");
    await sure.getByRole("button", { name: erasures.make }).click();
    await expect(page).toHaveURL(/privacy\/erasures\//);
  };
  await erase();
  await expect(page.getByRole("status").getByText(states.failed)).toBeVisible({ timeout: 40_000 });
  await opened(page, life, "data-retention");
  await list.getByRole("button", { name: `${holds.release}: u:user-4` }).click();
  await page.getByRole("dialog").getByRole("button", { name: holds.release }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await erase();
  await expect(page.getByText(certificate.verdict.genuine)).toBeVisible({ timeout: 90_000 });
  await expectAccessible(page);
  await expectNarrow(page);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: certificate.download }).click();
  expect(JSON.parse(readFileSync(await (await download).path(), "utf8"))).toMatchObject({ people: 1, mode: "erase" });
});

test("all jobs are in one list, the ledger balances, and a copy is made", async ({ page, life, texts }) => {
  const { kinds, list, ledger, backups } = texts.jobs;
  await opened(page, life, "jobs");
  const table = page.getByRole("table", { name: list.title });
  for (const kind of [kinds.export, kinds.access_request, kinds.pii_scan, kinds.erasure])
    await expect(table.getByRole("link", { name: kind }).first()).toBeVisible();
  await expect(table.getByText("Ada").first()).toBeVisible();
  await expectAccessible(page);
  await expectNarrow(page);
  await page.getByLabel(texts.jobs.kind).selectOption("export");
  await table.getByRole("link", { name: kinds.export }).first().click();
  // The erasure took its files away, and the page says so.
  await expect(page.getByText(texts.jobs.exports.again)).toBeVisible();
  await opened(page, life, "system");
  await page.locator("#content").getByRole("link", { name: ledger.title }).click();
  await expect(page.getByRole("region", { name: ledger.proof }).getByText(ledger.accepted)).toBeVisible();
  await expect(page.getByText(ledger.each.hour)).toBeVisible();
  await expectAccessible(page);
  await expectNarrow(page);
  await opened(page, life, "backups");
  await page.getByRole("button", { name: backups.make }).click();
  const copies = page.getByRole("table", { name: backups.list });
  await expect(copies.getByText(backups.states.completed).first()).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page);
  await expectNarrow(page);
});
