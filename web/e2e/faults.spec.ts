import { expect, expectAccessible, forgetAnswers, signedIn, test } from "./app";

/**
 * The API's answers to each page replaced by faults, by intercepting them in the browser: the server itself is sound.
 * What stands on the page before its data (who is signed in, which projects there are) is left alone.
 */
const PAGES = [
  "overview",
  "funnel",
  "retention",
  "lifecycle",
  "paths",
  "attribution",
  "people",
  "segments",
  "sessions",
  "explore",
  "dashboards",
  "events",
  "rejected",
  "keys",
  "members",
  "settings",
  "system",
];
const DATA = /\/api\/v1\/(?!auth\/|projects(\?|$)|live\/stream)/;

for (const name of PAGES) {
  for (const [what, status] of [
    ["failing", 500],
    ["limiting", 429],
  ] as const)
    test(`${name} with an API that is ${what}: told where the data would stand, with a way on`, async ({
      page,
      account,
      texts,
      quiet,
    }) => {
      await signedIn(page, account);
      await page.route(DATA, (route) =>
        route.fulfill({
          status,
          headers: { "retry-after": "3" },
          json: { code: "x", title: "no", request_id: "req-1" },
        }),
      );
      await page.goto(`/app/p/${account.project}/${name}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      const alert = page.getByRole("alert").first();
      await expect(alert).toContainText(status === 500 ? "req-1" : "3", { timeout: 20_000 });
      await expect(page.getByRole("button", { name: texts.panel.retry }).first()).toBeVisible();
      if (status === 500) await expectAccessible(page);
      forgetAnswers(quiet);
    });

  test(`${name} with an API that is slow: the frame stands, then the data`, async ({ page, account }) => {
    await signedIn(page, account);
    await page.route(DATA, async (route) => {
      await new Promise((later) => setTimeout(later, 1_500));
      await route.continue().catch(() => undefined); // the page may be gone by then
    });
    await page.goto(`/app/p/${account.project}/${name}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".skeleton")).toHaveCount(0, { timeout: 20_000 });
    await expect(page.getByRole("alert")).toHaveCount(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });

  test(`${name} with a session that is over: to sign-in, and back to the same address`, async ({
    page,
    account,
    quiet,
  }) => {
    await signedIn(page, account);
    const address = `/app/p/${account.project}/${name}?range=7d`;
    await page.goto(address);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.route(/\/api\/v1\//, (route) =>
      route.fulfill({ status: 401, json: { code: "token_expired", title: "no" } }),
    );
    await page.keyboard.press("r");
    await expect(page).toHaveURL(/\/app\/sign-in\?/, { timeout: 40_000 });
    expect(decodeURIComponent(page.url())).toContain(`/p/${account.project}/${name}?range=7d`);
    forgetAnswers(quiet);
  });
}

test("a project without any event says on each page how to send one, or that there is nothing", async ({
  page,
  empty,
  texts,
}) => {
  test.slow(); // seven pages
  await signedIn(page, empty);
  await page.goto(`/app/p/${empty.project}/overview`);
  await expect(page.getByText(texts.panel.empty.never).first()).toBeVisible();
  await expect(page.getByRole("link", { name: texts.panel.empty.neverAction }).first()).toBeVisible();
  for (const name of PAGES) {
    await page.goto(`/app/p/${empty.project}/${name}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".skeleton")).toHaveCount(0);
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expectAccessible(page);
  }
});

test("a browser that goes offline says so, and goes on when it is back", async ({
  page,
  context,
  account,
  texts,
  quiet,
}) => {
  await signedIn(page, account);
  await page.goto(`/app/p/${account.project}/overview`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText(texts.shell.offline)).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText(texts.shell.offline)).toHaveCount(0);
  quiet.length = 0; // requests that could not be made
});
