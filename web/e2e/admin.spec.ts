import { createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { type Account, expect, expectAccessible, forgetAnswers, PASSWORD, signedIn, test } from "./app";

/** Each page of administration does its main job on a real instance; a viewer sees no button that would be refused. */
test.describe.configure({ mode: "default" });

interface Got {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver on this machine, which an instance on the loopback may reach. */
class Receiver {
  readonly got: Got[] = [];
  #server: Server;

  constructor() {
    this.#server = createServer((request, reply) => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        this.got.push({ headers: request.headers, body });
        reply.writeHead(200).end("thanks");
      });
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const receiver = new Receiver();
let address = "";
test.beforeAll(async () => {
  address = await receiver.open();
});
test.afterAll(() => receiver.close());

async function opened(page: Page, path: string): Promise<void> {
  await page.goto(`/app/${path}`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 30_000 });
}

async function whole(page: Page): Promise<void> {
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}

/** The API as who has the account, beside the browser. */
async function asking(page: Page, { email, password, project }: Pick<Account, "email" | "password" | "project">) {
  const login = await page.request.post("/api/v1/auth/login", { data: { email, password } });
  const headers = { authorization: `Bearer ${(await login.json()).access_token}`, "x-project-id": project };
  return async (method: "GET" | "POST", path: string, data?: object) => {
    const reply = await page.request.fetch(`/api/v1/${path}`, { method, headers, data });
    expect(reply.ok(), `${path}: ${await reply.text()}`).toBe(true);
    return reply.json();
  };
}

/** Somebody new who joins the organisation as a viewer, by an invitation. */
async function viewerOf(page: Page, account: Account, name: string) {
  const ask = await asking(page, account);
  const [organisation] = (await ask("GET", "organisations")).items;
  const email = `viewer-${randomUUID()}@example.com`;
  const { link } = await ask("POST", `organisations/${organisation.id}/invitations`, { email, role: "viewer" });
  const invitation = new URLSearchParams(new URL(link).hash.slice(1)).get("token");
  const reply = await page.request.post("/api/v1/auth/register", {
    data: { email, password: PASSWORD, name, invitation },
  });
  expect(reply.ok(), await reply.text()).toBe(true);
  return { ...account, email, password: PASSWORD };
}

test.beforeEach(async ({ page, account }) => {
  await signedIn(page, account);
});

test("webhooks: one is made, tested, its message is signed by the secret that was shown once, and sent again", async ({
  page,
  account,
  texts,
}) => {
  const words = texts.admin;
  await opened(page, `p/${account.project}/webhooks`);
  await page.getByRole("button", { name: words.webhooks.make }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel(words.webhooks.url).fill(`${address}/hook`);
  await form.getByLabel(words.webhooks.description).fill("Local receiver");
  await form.getByRole("checkbox", { name: /^alert\.firing/ }).check();
  await whole(page);
  await form.getByRole("button", { name: texts.form.save }).click();
  const secret = await form.getByText(/^whsec_[A-Za-z0-9+/=]+$/).innerText();
  await form.getByRole("button", { name: words.webhooks.kept }).click();
  await page.getByRole("link", { name: "Local receiver" }).click();
  await page.getByRole("button", { name: words.receivers.test }).click();
  const tested = page.getByRole("dialog", { name: words.receivers.tested });
  await expect(tested.getByText(words.deliveries.states.delivered)).toBeVisible({ timeout: 20_000 });
  await expect(tested.getByText("thanks")).toBeVisible();
  const [first] = receiver.got;
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = first?.headers ?? {};
  const mac = createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64"));
  expect(signature).toBe(`v1,${mac.update(`${id}.${time}.${first?.body}`).digest("base64")}`);
  await whole(page);
  await tested.getByRole("button", { name: words.deliveries.again }).click();
  await expect.poll(() => receiver.got.length, { timeout: 20_000 }).toBe(2);
  expect(receiver.got[1]?.headers["webhook-id"]).toBe(id);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: words.webhooks.rotate }).click();
  await page.getByRole("button", { name: words.webhooks.rotateNow }).click();
  await expect(page.getByRole("dialog").getByText(/^whsec_[A-Za-z0-9+/=]+$/)).not.toHaveText(secret);
});

test("channels: the form follows the kind, a test says what it was answered", async ({ page, account, texts }) => {
  const words = texts.admin;
  await opened(page, `p/${account.project}/channels`);
  await page.getByRole("button", { name: words.channels.make }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel(words.channels.kind).selectOption("mattermost");
  await form.getByLabel(texts.projects.name).fill("Ops");
  await form.getByLabel(words.channels.parts.url).fill(`${address}/room`);
  await whole(page);
  await form.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Ops" })).toBeVisible();
  const before = receiver.got.length;
  await page.getByRole("button", { name: words.receivers.test }).click();
  const tested = page.getByRole("dialog", { name: words.receivers.tested });
  await expect(tested.getByText(words.deliveries.states.delivered)).toBeVisible({ timeout: 20_000 });
  expect(JSON.parse(receiver.got[before]?.body ?? "{}")).toMatchObject({
    attachments: [{ color: expect.any(String) }],
  });
});

test("replay: a refused event is mended, tried, taken again, and counted", async ({ page, account, texts }) => {
  const words = texts.admin.replay;
  const event = `mended-${randomUUID().slice(0, 8)}`;
  const data = [{ event, usr: "ada", timestamp: "soon" }];
  await page.request.post("/api/v1/events", { headers: { "x-api-key": account.writeKey }, data });
  const ask = await asking(page, account);
  await expect
    .poll(async () => (await ask("GET", `rejected?event=${event}`)).items.length, { timeout: 20_000 })
    .toBe(1);
  await opened(page, `p/${account.project}/rejected`);
  await page.getByRole("link", { name: words.title }).click();
  await page.getByLabel(texts.events.event, { exact: true }).fill(event);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: words.add }).click();
  await page.getByLabel(words.field).first().fill("usr");
  await page.keyboard.press("Enter");
  await page.getByLabel(words.to).fill("user_id");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: words.add }).click();
  await page.getByLabel(words.op).nth(1).selectOption("drop");
  await page.getByLabel(words.field).nth(1).fill("timestamp");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: words.try }).click();
  const take = page.getByRole("button", { name: words.run_one.replace("{{shown}}", "1") });
  await expect(take).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('"user_id": "ada"').first()).toBeVisible();
  await whole(page);
  await take.click();
  await page.getByRole("dialog").getByRole("button", { name: words.real }).click();
  const done = page.getByRole("region", { name: words.result });
  await expect(done.getByText(words.did.passed)).toBeVisible({ timeout: 30_000 });
  const day = new Date().toISOString().slice(0, 10);
  const range = { from: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10), to: day };
  await expect
    .poll(async () => (await ask("POST", "query/count", { ...range, events: [event] })).value, { timeout: 20_000 })
    .toBe(1);
  await page.getByRole("link", { name: texts.nav.rejected, exact: true }).first().click();
  await expect(page.getByRole("row", { name: new RegExp(`${event}.*${words.taken}`) })).toBeVisible();
});

test("keys: a replaced key is taken until its overlap ends, and both say so", async ({ page, account, texts }) => {
  const ask = await asking(page, account);
  const wanted = { name: "Overlapping", kind: "secret", scopes: ["read"] };
  const { key: old } = await ask("POST", `projects/${account.project}/keys`, wanted);
  await opened(page, `p/${account.project}/keys`);
  await page.getByRole("button", { name: `${texts.apiKeys.rotate}: Overlapping` }).click();
  await page.getByRole("dialog").getByRole("button", { name: texts.apiKeys.rotate }).click();
  const next = await page.getByRole("dialog").getByText(/^sls_/).innerText();
  await page.keyboard.press("Escape");
  await expect(page.getByText(texts.admin.keys.heir.replace("{{prefix}}…", ""))).toBeVisible();
  await expect(page.getByText(/23 hrs?/)).toBeVisible();
  for (const key of [old, next]) {
    const reply = await page.request.get("/api/v1/schema/events", { headers: { "x-api-key": key } });
    expect(reply.status()).toBe(200);
  }
  await whole(page);
});

test("saved queries and links: renamed, an older version restored, a link ended", async ({ page, account, texts }) => {
  const words = texts.admin.saved;
  const ask = await asking(page, account);
  await ask("POST", "definitions", { kind: "count", name: "Orders", query: { measure: "count" }, last: "7d" });
  const { id } = await ask("POST", "dashboards", { name: "Board", widgets: [], layout: {} });
  await ask("POST", "shares", { dashboard_id: id, name: "For the wall" });
  await opened(page, `p/${account.project}/saved`);
  await whole(page);
  await page.getByRole("button", { name: "Orders", exact: true }).click();
  await expect(page.getByRole("dialog").locator(".kpi-value")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `${words.actions}: Orders` }).click();
  await page.getByRole("menuitem", { name: words.rename }).click();
  await page.getByRole("dialog").getByLabel(texts.projects.name).fill("Purchases");
  await page.getByRole("dialog").getByRole("button", { name: texts.form.save }).click();
  await page.getByRole("button", { name: `${words.actions}: Purchases` }).click();
  await page.getByRole("menuitem", { name: texts.dashboards.versions }).click();
  await page.getByRole("dialog").getByRole("button", { name: /1$/ }).click();
  await expect(page.getByRole("button", { name: "Orders", exact: true })).toBeVisible();
  await page.getByRole("button", { name: /For the wall/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: texts.apiKeys.end }).click();
  await expect(page.getByRole("row", { name: new RegExp(`For the wall.*${texts.dashboards.ended}`) })).toBeVisible();
});

test("users, the organisation and the audit log: who joined is disabled and enabled; it is on record, and the record whole", async ({
  page,
  account,
  texts,
}) => {
  const words = texts.admin;
  await viewerOf(page, account, "Vera");
  await opened(page, `p/${account.project}/members`);
  await page.getByLabel(texts.projects.name).fill("Analytical Engines");
  await page.getByRole("button", { name: texts.form.save }).click();
  await expect(page.getByText(texts.form.saved)).toBeVisible();
  await opened(page, `p/${account.project}/users`);
  for (const deed of ["block", "admit"] as const) {
    await page.getByRole("button", { name: `${words.users.actions}: Vera` }).click();
    await page.getByRole("menuitem", { name: words.users.deeds[deed] }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.users.deeds[deed] }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    const state = words.users[deed === "block" ? "blocked" : "active"];
    await expect(page.getByRole("row", { name: new RegExp(`Vera.*${state}`) })).toBeVisible();
  }
  await whole(page);
  await opened(page, `p/${account.project}/audit`);
  await page.getByLabel(words.audit.what, { exact: true }).fill("organisation.renamed");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /organisation\.renamed/ }).click();
  await expect(page.getByRole("dialog").getByRole("row", { name: /name Tests Analytical Engines/ })).toBeVisible();
  await whole(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: words.audit.verify }).click();
  await expect(page.getByText(words.audit.sound)).toBeVisible();
  const file = page.waitForEvent("download");
  await page.getByRole("button", { name: texts.panel.csv }).click();
  expect((await file).suggestedFilename()).toBe("audit.csv");
});

test("settings and account: the limits that hold; every other session ends and this one stays", async ({
  page,
  account,
  texts,
}) => {
  await opened(page, `p/${account.project}/settings`);
  await expect(page.getByText(texts.admin.limits.of.query_budget)).toBeVisible();
  await whole(page);
  await opened(page, "account");
  await page.getByRole("button", { name: texts.admin.account.endOthers }).click();
  await page.getByRole("dialog").getByRole("button", { name: texts.admin.account.endOthers }).click();
  await expect(page.getByRole("region", { name: texts.account.sessions }).getByRole("rowheader")).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: texts.account.title })).toBeVisible();
});

test("a viewer: no page of administration, no button that would be refused", async ({
  page,
  account,
  texts,
  quiet,
}) => {
  const words = texts.admin;
  const ask = await asking(page, account);
  await ask("POST", "definitions", { kind: "count", name: "Visits", query: { measure: "count" }, last: "7d" });
  const viewer = await viewerOf(page, account, "Vic");
  await page.context().clearCookies();
  await signedIn(page, viewer);
  await opened(page, `p/${account.project}/saved`);
  const pages = page.getByRole("navigation").getByRole("link");
  for (const hidden of [words.nav.users, words.nav.webhooks, words.nav.channels, words.nav.audit])
    await expect(pages.filter({ hasText: hidden })).toHaveCount(0);
  await page.getByRole("button", { name: `${words.saved.actions}: Visits` }).click();
  await expect(page.getByRole("menuitem")).toHaveText([texts.dashboards.versions]);
  await page.keyboard.press("Escape");
  await expect(page.getByText(words.saved.shares, { exact: true })).toHaveCount(0);
  await opened(page, `p/${account.project}/rejected`);
  await expect(page.getByRole("link", { name: words.replay.title })).toHaveCount(0);
  await opened(page, `p/${account.project}/rejected/replay`);
  await expect(page.getByRole("button", { name: words.replay.try })).toHaveCount(0);
  await opened(page, `p/${account.project}/members`);
  await expect(page.getByRole("region", { name: words.organisation.title })).toHaveCount(0);
  // Who goes to an address all the same is told why there is nothing.
  for (const path of ["users", "audit", "webhooks", "channels"]) {
    await page.goto(`/app/p/${account.project}/${path}`);
    await expect(page.getByRole("alert").first()).toBeVisible();
    await expect(page.getByRole("main").locator(".button:not(.failed .button)")).toHaveCount(0);
  }
  forgetAnswers(quiet);
});
