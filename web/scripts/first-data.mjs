/**
 * How long after the shell stands the first number does: opens a page several times in Chromium, signed in and each time
 * in a context of its own, and prints the milliseconds as JSON.
 * `node scripts/first-data.mjs BASE EMAIL PASSWORD PATH ROUNDS`; the bench `first-data` calls it.
 */
import { existsSync } from "node:fs";
import { chromium } from "@playwright/test";

const [base, email, password, path, rounds] = process.argv.slice(2);
const system = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((one) => existsSync(one));
const browser = await chromium.launch({ executablePath: system, args: ["--no-sandbox"] });
const found = [];
for (let round = 0; round < Number(rounds); round++) {
  const context = await browser.newContext({ baseURL: base, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto("/app/sign-in");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
  // Noted within the page, at the paint after which each is there.
  await page.addInitScript(() => {
    const seen = {};
    window.firstData = seen;
    const look = () => {
      if (!seen.shell && document.querySelector("main h1")) seen.shell = performance.now();
      if (!seen.number && document.querySelector(".kpi .kpi-value")) seen.number = performance.now();
      if (!seen.number) requestAnimationFrame(look);
    };
    look();
  });
  await page.goto(path);
  await page.waitForFunction(() => window.firstData.number, null, { timeout: 60_000 });
  found.push(await page.evaluate(() => window.firstData));
  await context.close();
}
await browser.close();
console.log(JSON.stringify(found));
