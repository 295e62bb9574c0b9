import type { Page } from "@playwright/test";
import { expect, expectAccessible, signedIn, test } from "./app";

/** Each page's main job, with the week of events that every account of these tests has. */
async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

test.beforeEach(async ({ page, account }) => {
  await signedIn(page, account);
});

test("funnel: steps are put together, stand in the address, and each number opens its people", async ({
  page,
  account,
  texts,
}) => {
  await opened(page, `p/${account.project}/funnel`);
  const builder = page.getByRole("region", { name: texts.funnel.builder });
  await builder.getByRole("button", { name: texts.funnel.add }).click();
  const last = texts.funnel.step.replace("{{number}}", "4");
  await builder.getByRole("combobox", { name: last }).fill("sign_up");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/ask=/);
  await page.reload();
  await expect(builder.getByText("sign_up").last()).toBeVisible();
  const answer = page.getByRole("region", { name: texts.funnel.conversion });
  await expect(answer.getByRole("rowheader")).toHaveCount(4);
  await answer.getByRole("button", { name: /^5 – Came to step 1/ }).click();
  const people = page.getByRole("dialog");
  await expect(people.getByRole("link", { name: "user-0" })).toBeVisible();
  await expect(people.getByRole("rowheader")).toHaveCount(5);
  await expectAccessible(page);
  await people.getByRole("link", { name: "user-0" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "user-0" })).toBeVisible();
});

test("retention: cohorts as a heat table, whose cells open their people; sums as the value of a customer", async ({
  page,
  account,
  texts,
}) => {
  await opened(page, `p/${account.project}/retention?range=7d`);
  const table = page.getByRole("region", { name: texts.retention.table });
  await table
    .getByRole("button", { name: /^100%: / })
    .first()
    .click();
  await expect(page.getByRole("dialog").getByRole("rowheader")).toHaveCount(5);
  await page.keyboard.press("Escape");
  await page.getByLabel(texts.retention.measure).selectOption("sum");
  await expect(page).toHaveURL(/sum/);
  const worth = page.getByRole("region", { name: "revenue per person" });
  await worth.getByRole("cell").getByRole("button").first().click();
  await expect(page.getByRole("dialog").getByRole("rowheader").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("combobox", { name: texts.retention.breakdown }).fill("channel");
  await page.keyboard.press("Enter");
  const groups = page.getByRole("region", { name: "By channel" });
  await groups.getByRole("rowheader").getByRole("button").first().click();
  await expect(groups.getByRole("button", { pressed: true })).toBeVisible();
  await expect(page.getByRole("region", { name: /^Cohorts of / })).toBeVisible();
  await expectAccessible(page);
});

test("lifecycle and stickiness: states of people, how often they are active", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/lifecycle?range=7d`);
  const states = page.getByRole("region", { name: texts.lifecycle.states });
  await states.getByRole("button", { name: new RegExp(`^5 – ${texts.lifecycle.state.new}`) }).click();
  await expect(page.getByRole("dialog").getByRole("rowheader")).toHaveCount(5);
  await page.keyboard.press("Escape");
  await page.getByRole("radio", { name: texts.interval.week }).check();
  await expect(page).toHaveURL(/week/);
  await expect(page.getByRole("region", { name: texts.lifecycle.often.week })).toBeVisible();
  await expectAccessible(page);
});

test("paths: a Sankey diagram, the same as rows, and who went a way", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/paths`);
  await expect(page.getByRole("img", { name: texts.paths.ways })).toBeVisible();
  const whole = page.getByRole("region", { name: texts.paths.whole });
  await whole.getByRole("button").filter({ hasText: /^\d/ }).first().click();
  await expect(page.getByRole("dialog").getByRole("rowheader").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByLabel(texts.paths.direction, { exact: true }).selectOption("end");
  await page.getByRole("combobox", { name: texts.fields.event }).fill("purchase");
  await page.keyboard.press("Enter");
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.getByRole("region", { name: texts.paths.ways }).getByText(texts.paths.last).first()).toBeVisible();
  await expectAccessible(page);
});

test("attribution: five models beside each other", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/attribution`);
  const credits = page.getByRole("region", { name: "Credit by channel" });
  await expect(credits.getByRole("columnheader", { name: texts.attribution.models.time_decay })).toBeVisible();
  await credits.getByRole("cell").getByRole("button").first().click();
  await expect(page.getByRole("dialog").getByRole("rowheader").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await credits.getByRole("radio", { name: texts.attribution.value }).check();
  await expect(page).toHaveURL(/value/);
  await expectAccessible(page);
});

test("people: searched, filtered by what they did, and exported", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/people`);
  await page.getByRole("searchbox", { name: texts.people.search }).fill("user-3");
  await page.keyboard.press("Enter");
  const list = page.getByRole("table", { name: texts.people.list });
  await expect(list.getByRole("rowheader")).toHaveCount(1);
  await page.getByRole("searchbox", { name: texts.people.search }).fill("");
  await page.getByRole("button", { name: texts.people.addDid }).click();
  await page.getByRole("combobox", { name: texts.fields.event }).fill("purchase");
  await page.keyboard.press("Enter");
  await page.getByRole("spinbutton", { name: texts.people.times }).fill("100");
  await page.keyboard.press("Enter");
  await expect(page.getByText(texts.people.none)).toBeVisible();
  await page.getByRole("button", { name: texts.people.clear }).click();
  await expect(list.getByRole("rowheader")).toHaveCount(5);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: texts.panel.csv }).click();
  expect((await download).suggestedFilename()).toBe("people.csv");
});

test("a person: merged with another, with the reason, and taken back", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/people/u%3Auser-1`);
  await expect(page.getByRole("region", { name: texts.person.timeline })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: texts.person.merge, exact: true }).click();
  const form = page.getByRole("dialog", { name: texts.person.mergeTitle });
  await form.getByLabel(texts.person.into).fill("u:user-2");
  await form.getByLabel(texts.person.reason).fill("The same phone number");
  await form.getByRole("button", { name: texts.person.merge }).click();
  await expect(page).toHaveURL(/user-2/);
  const identity = page.getByRole("region", { name: texts.person.identity });
  await expect(identity.getByText("The same phone number")).toBeVisible();
  await expect(identity.getByText("Ada")).toBeVisible();
  await identity.getByRole("button", { name: /^Take back/ }).click();
  const undo = page.getByRole("dialog", { name: texts.person.unmergeTitle });
  await undo.getByRole("button", { name: texts.person.unmerge }).click();
  await expect(undo).toHaveCount(0);
  await opened(page, `p/${account.project}/people`);
  await expect(page.getByRole("table", { name: texts.people.list }).getByRole("rowheader")).toHaveCount(5);
});

test("segments: built with a preview, saved, used as a filter, compared, removed", async ({ page, account, texts }) => {
  test.slow(); // a segment's whole life
  await opened(page, `p/${account.project}/segments`);
  await page.getByRole("link", { name: texts.segments.make }).first().click();
  await page.getByRole("button", { name: texts.rules.add }).click();
  await page.getByRole("menuitem", { name: texts.rules.kinds.did }).click();
  await page.getByRole("combobox", { name: texts.rules.kinds.did }).fill("purchase");
  await page.keyboard.press("Enter");
  const preview = page.getByRole("region", { name: texts.segments.preview });
  await expect(preview.getByText("purchase: at least 1 times")).toBeVisible();
  await expect(preview.getByText("5", { exact: true })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel(texts.projects.name).fill("Buyers");
  await page.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Buyers" })).toBeVisible();
  await expect(page.getByRole("table", { name: texts.segments.members }).getByRole("rowheader")).toHaveCount(5);
  await expectAccessible(page);
  await opened(page, `p/${account.project}/segments`);
  await page.getByRole("button", { name: texts.segments.upload }).click();
  const upload = page.getByRole("dialog", { name: texts.segments.upload });
  await upload.getByLabel(texts.projects.name, { exact: true }).fill("Two of them");
  await upload.getByLabel(texts.segments.lines).fill("user-0\nuser-1\nuser-1\n");
  await upload.getByRole("button", { name: texts.segments.send }).click();
  await upload.getByRole("button", { name: texts.segments.show }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Two of them" })).toBeVisible();
  await opened(page, `p/${account.project}/segments`);
  await page.getByRole("checkbox", { name: "Compare Buyers" }).check();
  await page.getByRole("checkbox", { name: "Compare Two of them" }).check();
  await expect(page.getByText("5 people in at least one, 2 in all.")).toBeVisible();
  await opened(page, `p/${account.project}/overview`);
  await page.getByRole("button", { name: texts.filter.add }).click();
  await page.getByLabel(texts.filter.property).selectOption("segment");
  await page.getByLabel(texts.filter.value).selectOption({ label: "Two of them" });
  await page.getByRole("button", { name: texts.filter.apply, exact: true }).click();
  await expect(page.getByText("Segment is Two of them")).toBeVisible();
  const users = page.getByRole("region", { name: texts.measure.users, exact: true });
  await expect(users.getByText("2", { exact: true })).toBeVisible();
  await opened(page, `p/${account.project}/segments`);
  await page.getByRole("link", { name: "Two of them" }).click();
  await page.getByRole("button", { name: texts.segments.remove }).click();
  await page.getByRole("dialog").getByRole("button", { name: texts.segments.remove }).click();
  await expect(page.getByRole("link", { name: "Two of them" })).toHaveCount(0);
});

test("sessions: figures, lengths, sources, and the pause that ends one", async ({ page, account, texts }) => {
  await opened(page, `p/${account.project}/sessions`);
  await expect(page.getByRole("region", { name: texts.sessions.figure.bounce_rate })).toContainText("%");
  await expect(page.getByRole("table", { name: texts.sessions.list }).getByRole("rowheader").first()).toBeVisible();
  await expectAccessible(page);
  await page
    .getByRole("region", { name: texts.sessions.durations })
    .getByRole("cell")
    .getByRole("button")
    .first()
    .click();
  await expect(page.getByRole("dialog").getByRole("rowheader").first()).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: texts.sessions.change }).click();
  await page.getByLabel(texts.sessions.gapMinutes).fill("20");
  await page.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByText("A pause of 20 mins ends a session")).toBeVisible();
});
