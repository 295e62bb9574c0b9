import { expect, expectAccessible, signIn, test } from "./app";

const PAGES = ["overview", "events", "rejected", "playground", "install", "keys"] as const;
const TITLES = {
  overview: "overview",
  events: "events",
  rejected: "rejected",
  playground: "playground",
  install: "install",
  keys: "apiKeys",
} as const;

for (const name of PAGES) {
  test(`${name}: reachable, accessible, no wider than the screen`, async ({ page, account, texts }) => {
    await signIn(page, account, texts);
    await page.goto(`/app/p/${account.project}/${name}`);
    await expect(page.getByRole("heading", { level: 1, name: texts[TITLES[name]].title })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
}

for (const name of ["sign-in", "register", "forgot"]) {
  test(`${name}: accessible without an account`, async ({ page }) => {
    await page.goto(`/app/${name}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page);
  });
}

for (const [what, status, headers] of [
  ["failing", 500, {}],
  ["limiting", 429, { "retry-after": "3" }],
  ["forbidding", 403, {}],
] as const) {
  test(`an API that is ${what} is told in each panel, and the page stands`, async ({ page, account, texts, quiet }) => {
    await signIn(page, account, texts);
    await page.route("**/api/v1/query/**", (route) =>
      route.fulfill({ status, headers, json: { code: "x", title: "no", request_id: "req-1" } }),
    );
    await page.goto(`/app/p/${account.project}/overview?range=90d`);
    await expect(page.getByRole("alert").first()).toContainText("req-1", { timeout: 20_000 });
    await expect(page.getByRole("button", { name: texts.panel.retry }).first()).toBeVisible();
    await expectAccessible(page);
    quiet.length = 0; // Chromium reports each answer of 400 and above
  });
}

test("an empty project says how to send the first event", async ({ page, account, texts }) => {
  await signIn(page, account, texts);
  await page.route("**/api/v1/query/**", async (route) => {
    const reply = await route.fetch();
    const body = await reply.json();
    for (const list of ["items", "rows"]) if (list in body) body[list] = [];
    for (const one of body.series ?? [])
      Object.assign(one, { total: 0, points: one.points.map(([at]: [string]) => [at, 0]) });
    await route.fulfill({ json: body });
  });
  await page.goto(`/app/p/${account.project}/overview?range=90d`);
  await expect(page.getByText(texts.panel.empty.never).first()).toBeVisible();
  await expect(page.getByRole("link", { name: texts.panel.empty.neverAction }).first()).toBeVisible();
});
