import { existsSync } from "node:fs";
import { defineConfig, devices } from "@playwright/test";

// Debian's and Ubuntu's browser where there is one, else the one Playwright installs.
const system = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => existsSync(path));

// A headless browser says so, and counts as a bot.
export const USER_AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

const desktop = { viewport: { width: 1440, height: 900 }, locale: "en-GB", colorScheme: "light" } as const;
const phone = {
  ...devices["Pixel 7"],
  viewport: { width: 390, height: 844 },
  locale: "ru-RU",
  colorScheme: "dark",
} as const;

export default defineConfig({
  testDir: "e2e",
  fullyParallel: true,
  workers: 2,
  // Once more in CI, with an account of its own: what was only the load of a small machine passes then.
  retries: process.env.CI ? 1 : 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["./e2e/noSkips.ts"], ...(process.env.CI ? [["html", { open: "never" }] as const] : [])],
  use: {
    baseURL: process.env.SLUICE_URL ?? "http://localhost:8080",
    trace: "retain-on-failure",
    launchOptions: { executablePath: system, args: ["--no-sandbox"] },
  },
  projects: [
    { name: "desktop", use: { ...desktop, userAgent: USER_AGENT }, testIgnore: /shots/ },
    { name: "phone", use: phone, testMatch: /pages/ },
    // Pictures for the documentation: `./task web:screenshots`.
    { name: "shots-desktop", use: { ...desktop, userAgent: USER_AGENT }, testMatch: /shots/ },
    { name: "shots-phone", use: { ...phone, deviceScaleFactor: 2 }, testMatch: /shots/ },
  ],
});
