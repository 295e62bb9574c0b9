import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { counted, expect, test } from "./app";

test("sluice.js in a page of another origin: page views of a single-page app, clicks, and what waits when it ends", async ({
  page,
  account,
  baseURL,
}) => {
  const html = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><button id="go">Go</button>
    <script>sluice = [["register", { run: "${account.project}" }]]</script>
    <script src="${baseURL}/sluice.js" data-key="${account.writeKey}" data-autocapture></script>`;
  const server = createServer((_, reply) => reply.setHeader("content-type", "text/html").end(html)).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop`;
  const mine = [{ property: "properties.run", op: "eq", value: account.project }];
  await page.goto(other);
  await page.evaluate(() => history.pushState({}, "", "/shop/cart"));
  await page.getByRole("button", { name: "Go" }).click();
  await expect.poll(async () => (await counted(page.request, account, mine)).value).toBe(3);
  await page.evaluate(() => (window as unknown as { sluice: { track(name: string): void } }).sluice.track("leaving"));
  await page.goto("about:blank");
  await expect.poll(async () => (await counted(page.request, account, mine)).value).toBe(4);
  expect(await page.context().cookies(other)).toEqual([]);
  server.close();
});
