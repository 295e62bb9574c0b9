import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Locator, Page } from "@playwright/test";
import { type Account, BASE, EVENTS, expect, expectAccessible, forgetAnswers, signedIn, test } from "./app";

/** The tokens of a call as the signed-in owner, for what a test prepares. */
async function asOwner(page: Page, account: Account) {
  const { email, password } = account;
  const reply = await page.request.post("/api/v1/auth/login", { data: { email, password } });
  const { access_token } = await reply.json();
  return { authorization: `Bearer ${access_token}`, "x-project-id": account.project };
}

async function makeDashboard(page: Page, account: Account, widgets: object[], more: object = {}) {
  const headers = await asOwner(page, account);
  const reply = await page.request.post("/api/v1/dashboards", {
    headers,
    data: { name: `Board ${randomUUID().slice(0, 6)}`, widgets, ...more },
  });
  expect(reply.ok(), await reply.text()).toBe(true);
  return { headers, made: (await reply.json()) as { id: string; name: string } };
}

const explored = (id: string, title: string, series: object, chart: string) => ({
  id,
  title,
  chart,
  inline: { kind: "explore", query: { series: [series] }, last: "30d" },
});
const NUMBER = explored("n", "All events", { measure: "count" }, "number");
const SERIES = explored("s", "Bought", { measure: "count", events: ["purchase"] }, "line");
const WIDGETS = [
  NUMBER,
  SERIES,
  { id: "b", title: "Types", chart: "bar", inline: { kind: "breakdown", query: { by: "event" }, last: "30d" } },
  {
    id: "d",
    title: "Plans",
    chart: "table",
    inline: { kind: "breakdown", query: { by: "properties.plan" }, last: "30d" },
  },
  {
    id: "f",
    title: "View to purchase",
    inline: {
      kind: "funnel",
      query: { steps: [{ event: "page_view" }, { event: "purchase" }], window: "7d" },
      last: "30d",
    },
  },
  { id: "r", title: "Who comes back", inline: { kind: "retention", query: { interval: "day" }, last: "7d" } },
  { id: "t", title: "Words", text: "Look on Mondays <b>at ten</b>" },
];

test("explore: series, a formula, a breakdown, shapes, and all of it in the address", async ({
  page,
  week,
  texts,
  quiet,
}) => {
  test.slow();
  const { explore } = texts;
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/explore`);
  const chart = page.locator("section.panel.series");
  await expect(chart.getByRole("figure")).toContainText(String(EVENTS + 1));

  await page.getByRole("combobox", { name: explore.event.replace("{{name}}", "A") }).fill("purchase");
  await page.keyboard.press("Enter");
  await expect(chart.getByRole("figure")).toContainText("purchase 14");
  await page.getByRole("button", { name: explore.addSeries }).click();
  await page.getByRole("combobox", { name: explore.measure.replace("{{name}}", "B") }).selectOption("users");
  await page.getByRole("button", { name: explore.addFormula }).click();
  await expect(chart.getByRole("figure")).toContainText("A / B 2.8");
  await expectAccessible(page);

  await chart.getByRole("radio", { name: explore.kinds.table }).check();
  await expect(chart.getByRole("columnheader", { name: "A / B" })).toBeVisible();
  await chart.getByRole("radio", { name: explore.kinds.number }).check();
  await expect(chart.getByText("2.8", { exact: true })).toBeVisible();
  await page.reload();
  await expect(chart.getByText("2.8", { exact: true })).toBeVisible();

  await page.getByRole("textbox", { name: explore.formula }).fill("A / Z");
  await page.keyboard.press("Enter");
  await expect(chart.getByRole("alert")).toContainText("'Z'");
  forgetAnswers(quiet);
});

test("explore: a breakdown with the rest, a running total, a note on the chart, and curl", async ({
  page,
  context,
  week,
  texts,
}) => {
  test.slow();
  const { explore, notes } = texts;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signedIn(page, week);
  const ask = { series: [{ measure: "count", treatment: "cumulative" }], group: "event", limit: 2, kind: "area" };
  await page.goto(`/app/p/${week.project}/explore?range=7d&ask=${encodeURIComponent(JSON.stringify(ask))}`);
  const chart = page.locator("section.panel.series");
  await expect(chart.getByRole("figure")).toContainText(texts.overview.other);

  await page.getByRole("button", { name: notes.add }).click();
  await page.getByLabel(notes.text, { exact: true }).fill("Shipped <b>2</b>");
  await page.getByRole("dialog").getByRole("button", { name: texts.form.save }).click();
  const list = page.getByRole("region", { name: notes.title });
  await expect(list.getByText("Shipped <b>2</b>")).toBeVisible();
  await expect(chart.locator(".recharts-reference-line")).toHaveCount(1);
  await expectAccessible(page);
  await list.getByRole("button", { name: notes.remove.replace("{{text}}", "Shipped <b>2</b>") }).click();
  await page.getByRole("button", { name: texts.dashboards.remove, exact: true }).click();
  await expect(list.getByText("Shipped")).toHaveCount(0);

  await page.getByRole("button", { name: explore.curl }).click();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  const body = JSON.parse(/-d '(.*)'$/s.exec(curl)?.[1] ?? "");
  const headers = { "x-api-key": week.secretKey };
  const answer = await (await page.request.post("/api/v1/query/explore", { headers, data: body })).json();
  expect(answer.series.map(({ total }: { total: number }) => total).reduce((a: number, b: number) => a + b)).toBe(
    EVENTS + 1,
  );
  expect(answer.series[0].points.at(-1)[1]).toBe(answer.series[0].total);
});

test("explore: saved, opened again, put on a dashboard, and removed", async ({ page, week, texts }) => {
  test.slow();
  const { explore } = texts;
  const name = `Users ${randomUUID().slice(0, 6)}`;
  await signedIn(page, week);
  const ask = { series: [{ measure: "users" }], kind: "bar" };
  await page.goto(`/app/p/${week.project}/explore?ask=${encodeURIComponent(JSON.stringify(ask))}`);
  await page.getByRole("button", { name: explore.save, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(explore.name).fill(name);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: explore.save, exact: true }).click();
  await expect(page.getByText(explore.savedNow.replace("{{name}}", name))).toBeVisible();

  await page.goto(`/app/p/${week.project}/explore`);
  await page.getByRole("button", { name: explore.saved }).click();
  await page.getByRole("menuitem", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 2, name })).toBeVisible();

  await page.getByRole("button", { name: explore.addTo }).click();
  await dialog.getByLabel(explore.dashboard, { exact: true }).selectOption("new");
  await dialog.getByLabel(explore.newName).fill(`Board of ${name}`);
  await dialog.getByRole("button", { name: explore.add, exact: true }).click();
  await dialog.getByRole("link", { name: explore.openDashboard }).click();
  await expect(page.getByRole("heading", { level: 1, name: `Board of ${name}` })).toBeVisible();
  await expect(page.getByRole("region", { name }).getByRole("figure")).toBeVisible();
});

/** Where a widget is on the grid, by what it is drawn with. */
const boxOf = async (widget: Locator) => (await widget.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };

test("a dashboard shows each kind of widget, is changed by hand and by keyboard, and keeps its versions", async ({
  page,
  week,
  texts,
  quiet,
}) => {
  test.slow();
  const { dashboards } = texts;
  const { made } = await makeDashboard(page, week, WIDGETS);
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/dashboards/${made.id}`);
  await expect(page.getByRole("heading", { level: 1, name: made.name })).toBeVisible();
  const panel = (name: string) => page.getByRole("region", { name, exact: true });
  await expect(panel("All events").getByText(String(EVENTS + 1), { exact: true })).toBeVisible();
  await expect(panel("Bought").getByRole("figure")).toContainText("purchase 14");
  await expect(panel("Types").getByRole("row", { name: /purchase 14/ })).toBeVisible();
  await expect(panel("Plans").getByRole("row", { name: /^pro 84/ })).toBeVisible();
  await expect(panel("View to purchase").getByRole("row", { name: /1\. page_view/ })).toBeVisible();
  await expect(panel("Who comes back").getByRole("columnheader", { name: "Day 1" })).toBeVisible();
  await expect(panel("Words").getByText("Look on Mondays <b>at ten</b>")).toBeVisible();
  await expectAccessible(page);

  // A filter of the page is one of every widget.
  await page.keyboard.press("/");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(texts.filter.property).selectOption("event");
  await dialog.getByLabel(texts.filter.value).fill("purchase");
  await dialog.getByRole("button", { name: texts.filter.apply }).click();
  await expect(panel("All events").getByText("14", { exact: true })).toBeVisible();
  // No event is two at once: the funnel from one event to another refuses the filter, and says so.
  await expect(panel("View to purchase").getByRole("alert")).toContainText("event eq 'purchase'");
  forgetAnswers(quiet);
  await page.getByRole("button", { name: /Remove the filter/ }).click();

  await page.getByRole("button", { name: dashboards.edit }).click();
  const menu = page.getByRole("button", { name: dashboards.menu.replace("{{title}}", "All events") });
  const before = await boxOf(panel("All events"));
  await menu.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: dashboards.wider }).press("Enter");
  await expect.poll(async () => (await boxOf(panel("All events"))).width).toBeGreaterThan(before.width);
  await expect(page.getByRole("status").filter({ hasText: "All events" })).toContainText("4");

  const bought = await boxOf(panel("Bought"));
  await page.mouse.move(bought.x + 60, bought.y + 20);
  await page.mouse.down();
  await page.mouse.move(bought.x + 60, bought.y + 500, { steps: 12 });
  await page.mouse.up();
  await expect.poll(async () => (await boxOf(panel("Bought"))).y).toBeGreaterThan(bought.y + 60);

  await page.getByRole("button", { name: dashboards.addWidget }).click();
  await dialog.getByLabel(dashboards.kind, { exact: true }).selectOption("text");
  await dialog.getByLabel(dashboards.widgetTitle).fill("Added");
  await dialog.getByLabel(dashboards.text, { exact: true }).fill("By hand");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: texts.explore.add, exact: true }).click();
  await expect(panel("Added")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: dashboards.save, exact: true }).click();
  await expect(page.getByRole("button", { name: dashboards.edit })).toBeVisible();
  await page.reload();
  await expect(panel("Added")).toContainText("By hand");

  await page.getByRole("button", { name: `More about ${made.name}` }).click();
  await page.getByRole("menuitem", { name: dashboards.versions }).click();
  await dialog
    .getByRole("button", { name: `${dashboards.restore}: ${dashboards.version.replace("{{version}}", "1")}` })
    .click();
  await expect(panel("Added")).toHaveCount(0);
});

test("what somebody else has saved meanwhile is not overwritten", async ({ page, week, texts, quiet }) => {
  const { dashboards } = texts;
  const { made, headers } = await makeDashboard(page, week, [NUMBER]);
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/dashboards/${made.id}?ask=${encodeURIComponent('{"edit":true}')}`);
  await page.getByLabel(dashboards.name, { exact: true }).fill("Mine");
  await page.request.put(`/api/v1/dashboards/${made.id}`, {
    headers: { ...headers, "if-match": '"1"' },
    data: { name: "Theirs", widgets: [] },
  });
  const refused = page.waitForResponse((reply) => reply.request().method() === "PUT" && reply.status() === 412);
  await page.getByRole("button", { name: dashboards.save, exact: true }).click();
  await refused;
  await expect(page.getByRole("alert")).toContainText(dashboards.conflict);
  await page.getByRole("button", { name: dashboards.reload }).click();
  await expect(page.getByLabel(dashboards.name, { exact: true })).toHaveValue("Theirs");
  forgetAnswers(quiet);
});

test("a viewer looks and is offered nothing that would be refused", async ({ page, week, texts }) => {
  const { dashboards, explore } = texts;
  const { made } = await makeDashboard(page, week, [NUMBER]);
  await page.route("**/api/v1/auth/me", async (route) => {
    const reply = await route.fetch();
    const user = await reply.json();
    for (const one of [...user.projects, ...user.organisations]) one.role = "viewer";
    await route.fulfill({ response: reply, json: user });
  });
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/dashboards/${made.id}`);
  await expect(page.getByRole("region", { name: "All events" })).toBeVisible();
  for (const name of [dashboards.edit, dashboards.share])
    await expect(page.getByRole("button", { name, exact: true })).toHaveCount(0);
  await page.goto(`/app/p/${week.project}/explore`);
  await expect(page.getByRole("button", { name: explore.link })).toBeVisible();
  for (const name of [explore.save, explore.addTo, texts.notes.add])
    await expect(page.getByRole("button", { name, exact: true })).toHaveCount(0);
});

test("a link shows the dashboard to whoever has it, in a frame only where the share says so", async ({
  page,
  browser,
  week,
  texts,
  quiet,
}) => {
  test.slow();
  const { dashboards } = texts;
  const { made, headers } = await makeDashboard(page, week, WIDGETS);
  await signedIn(page, week);
  await page.goto(`/app/p/${week.project}/dashboards/${made.id}`);
  await page.getByRole("button", { name: dashboards.share }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(dashboards.shareName).fill("Wall");
  await dialog.getByLabel(dashboards.embeddable).check();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: dashboards.makeLink }).click();
  const link =
    (await dialog
      .getByText(/\/app\/shared\/shr_/)
      .first()
      .textContent()) ?? "";
  const path = new URL(link).pathname;
  await expect(dialog.getByText(/<iframe/)).toBeVisible();

  const plain = await page.request.post("/api/v1/shares", { headers, data: { dashboard_id: made.id } });
  const closed = new URL((await plain.json()).link).pathname;

  const stranger = await browser.newContext({ locale: "en-GB" });
  const look = await stranger.newPage();
  const said: string[] = [];
  look.on("console", (message) => message.type() === "error" && said.push(message.text()));
  await look.goto(BASE + path);
  await expect(look.getByRole("heading", { level: 1, name: made.name })).toBeVisible();
  await expect(
    look.getByRole("region", { name: "All events" }).getByText(String(EVENTS + 1), { exact: true }),
  ).toBeVisible();
  await expect(
    look.getByRole("region", { name: "View to purchase" }).getByRole("row", { name: /1\. page_view/ }),
  ).toBeVisible();
  await expect(look.locator(".skeleton")).toHaveCount(0);
  await expectAccessible(look);
  expect(said).toEqual([]);

  // A page of another site, with both in frames.
  const html = `<!doctype html><title>Wall</title><link rel="icon" href="data:,">
    <iframe id="open" src="${BASE}${path}" width="900" height="600"></iframe>
    <iframe id="closed" src="${BASE}${closed}" width="300" height="300"></iframe>`;
  const server = createServer((_, reply) => reply.setHeader("content-type", "text/html").end(html));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  await look.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const framed = look.frameLocator("#open");
  await expect(framed.getByRole("heading", { level: 1, name: made.name })).toBeVisible();
  await expect(
    framed.getByRole("region", { name: "All events" }).getByText(String(EVENTS + 1), { exact: true }),
  ).toBeVisible();
  await expect(look.frameLocator("#closed").getByRole("heading", { level: 1 })).toHaveCount(0);
  expect(said.some((text) => text.includes("frame-ancestors"))).toBe(true);
  const policy = async (at: string) => (await page.request.get(at)).headers()["content-security-policy"];
  expect(await policy(path)).toMatch(/frame-ancestors \*$/);
  for (const at of [closed, "/app/", "/app/shared/shr_nobody"])
    expect(await policy(at)).toMatch(/frame-ancestors 'none'$/);
  server.close();

  await page.getByRole("button", { name: dashboards.endShare.replace("{{name}}", "Wall") }).click();
  await page.getByRole("button", { name: texts.apiKeys.end, exact: true }).last().click();
  await expect(page.getByText(dashboards.ended)).toBeVisible();
  await look.goto(BASE + path);
  await expect(look.getByRole("heading", { level: 1, name: texts.shared.closed })).toBeVisible();
  await expectAccessible(look);
  await stranger.close();
  expect(quiet).toEqual([]);
});

test("a name and the language of mails are changed on the account page", async ({ page, week, texts }) => {
  await signedIn(page, week);
  await page.goto("/app/account");
  await page.getByLabel(texts.register.name, { exact: true }).fill("Grace Hopper");
  await page.getByLabel(texts.account.mails).selectOption("ru");
  const profile = page.getByRole("region", { name: texts.account.profile });
  await profile.getByRole("button", { name: texts.form.save }).click();
  await expect(profile.getByText(texts.form.saved)).toBeVisible();
  await page.reload();
  await expect(page.getByLabel(texts.register.name, { exact: true })).toHaveValue("Grace Hopper");
  await expect(page.getByLabel(texts.account.mails)).toHaveValue("ru");
  await expect(page.getByRole("button", { name: texts.shell.account })).toBeVisible();
});
