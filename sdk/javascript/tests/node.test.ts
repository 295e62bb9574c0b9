// @vitest-environment node
import { expect, test, vi } from "vitest";
import { Sluice } from "../src";

test("outside a browser it sends too, and watches no page", async () => {
  const bodies: string[] = [];
  vi.stubGlobal("fetch", (_: string, request: RequestInit) => {
    bodies.push(String(request.body));
    return Promise.resolve(new Response('{"accepted":1,"rejected":[],"receipt":"r"}', { status: 202 }));
  });
  const sluice = new Sluice("slp_test", { host: "http://sluice.test" });
  sluice.track("job_done");
  await sluice.flush();
  expect(JSON.parse(bodies[0] as string).batch[0]).toMatchObject({ event: "job_done", properties: {} });
});
