import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { SentEvent } from "../src";
import { Sluice } from "../src";

interface Body {
  batch: SentEvent[];
  key: string;
  sent_at: string;
}

const bodies: Body[] = [];
let statuses: number[] = [];
let headers: Record<string, string> = {};

function answer(_: unknown, request?: RequestInit): Promise<Response> {
  const status = statuses.shift() ?? 202;
  if (status === 0) return Promise.reject(new TypeError("offline"));
  const body: Body = JSON.parse(String(request?.body));
  bodies.push(body);
  return Promise.resolve(
    new Response(JSON.stringify({ accepted: body.batch.length, rejected: [], receipt: "r1" }), { status, headers }),
  );
}

const opened: Sluice[] = [];
const open = (options = {}) => {
  const sluice = new Sluice("slp_test", { host: "http://sluice.test", pageViews: false, ...options });
  opened.push(sluice);
  return sluice;
};
const sent = () => bodies.flatMap((body) => body.batch);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", vi.fn(answer));
  localStorage.clear();
  bodies.length = 0;
  statuses = [];
  headers = {};
});

afterEach(() => {
  for (const sluice of opened.splice(0)) sluice.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("delivery", () => {
  test("events of one second leave in one request with the key and the time of sending", async () => {
    const sluice = open();
    sluice.track("a");
    sluice.track("b", { price: 2 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]?.key).toBe("slp_test");
    expect(bodies[0]?.sent_at).toBeTruthy();
    expect(sent().map((event) => event.event)).toEqual(["a", "b"]);
    expect(sent()[1]?.properties).toEqual({ price: 2 });
  });

  test("a full batch does not wait", async () => {
    const sluice = open({ batchSize: 2 });
    sluice.track("a");
    sluice.track("b");
    await vi.advanceTimersByTimeAsync(0);
    expect(sent()).toHaveLength(2);
  });

  test.each([0, 408, 429, 500, 503])(
    "after status %i the same events are sent again, ids and times unchanged",
    async (status) => {
      statuses = [status];
      const sluice = open();
      sluice.track("a");
      await vi.advanceTimersByTimeAsync(1000);
      await vi.advanceTimersByTimeAsync(1100);
      const [last] = sent().slice(-1);
      if (status) expect(sent()).toEqual([last, last]);
      expect(last?.event).toBe("a");
    },
  );

  test("Retry-After is kept to", async () => {
    statuses = [503];
    headers = { "retry-after": "7" };
    open().track("a");
    await vi.advanceTimersByTimeAsync(1000 + 6900);
    expect(bodies).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(bodies).toHaveLength(2);
  });

  test("a refused batch is given up and said so, the next one is sent", async () => {
    statuses = [400];
    const dropped: string[] = [];
    const sluice = open({
      onDropped: (events: readonly SentEvent[], reason: string) => dropped.push(`${events.length} ${reason}`),
    });
    sluice.track("a");
    await vi.advanceTimersByTimeAsync(1000);
    sluice.track("b");
    await vi.advanceTimersByTimeAsync(1000);
    expect(dropped).toEqual(["1 status 400"]);
    expect(sent().slice(-1)[0]?.event).toBe("b");
  });

  test("what was not sent before the page ended is sent by the next page with the same id", async () => {
    statuses = [0];
    open().track("a");
    await vi.advanceTimersByTimeAsync(1000);
    expect(bodies).toHaveLength(0);
    open();
    await vi.advanceTimersByTimeAsync(10);
    expect(sent().map((event) => event.event)).toEqual(["a"]);
  });

  test("without a connection the oldest go when the queue is full, and that is said", () => {
    const dropped: SentEvent[] = [];
    const sluice = open({ queueSize: 3, onDropped: (events: readonly SentEvent[]) => dropped.push(...events) });
    for (const name of ["a", "b", "c", "d"]) sluice.track(name);
    expect(dropped.map((event) => event.event)).toEqual(["a"]);
  });

  test("leaving the page hands what waits to the browser", async () => {
    const beacons: Blob[] = [];
    vi.stubGlobal("navigator", { onLine: true, sendBeacon: (_: string, body: Blob) => beacons.push(body) > 0 });
    const sluice = open();
    sluice.track("a");
    window.dispatchEvent(new Event("pagehide"));
    expect(beacons).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(bodies).toHaveLength(0);
  });

  test("the receipt of each batch is told", async () => {
    const told: string[] = [];
    open({
      onDelivered: (delivery: { receipt: string; accepted: number }) =>
        told.push(`${delivery.receipt} ${delivery.accepted}`),
    }).track("a");
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual(["r1 1"]);
  });
});

describe("who", () => {
  test("the anonymous id outlives the page, and a session ends after 30 minutes without an event", async () => {
    const first = open();
    first.track("a");
    const second = open();
    expect(second.anonymousId).toBe(first.anonymousId);
    const session = second.sessionId;
    vi.setSystemTime(Date.now() + 31 * 60_000);
    second.track("b");
    expect(second.sessionId).not.toBe(session);
  });

  test("after identify, group and register every event says so; reset makes a new person", async () => {
    const sluice = open();
    sluice.identify("ada", { plan: "pro" });
    sluice.group("company", 7);
    sluice.register({ theme: "dark" });
    sluice.track("a");
    const before = sluice.anonymousId;
    sluice.reset();
    sluice.track("b");
    await vi.advanceTimersByTimeAsync(1000);
    const [identify, , a, b] = sent();
    expect(identify).toMatchObject({
      event: "identify",
      user_id: "ada",
      properties: { plan: "pro" },
      anonymous_id: before,
    });
    expect(a).toMatchObject({ user_id: "ada", properties: { theme: "dark" }, context: { groups: { company: "7" } } });
    expect(b?.user_id).toBeUndefined();
    expect(b?.anonymous_id).not.toBe(before);
  });

  test("persistence memory stores nothing on the device", () => {
    open({ persistence: "memory" }).track("a");
    expect(localStorage).toHaveLength(0);
    expect(document.cookie).toBe("");
  });

  test("a full or forbidden localStorage stops nothing", async () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    open().track("a");
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent()).toHaveLength(1);
  });
});

describe("consent", () => {
  test("pending: nothing is stored or sent until optIn, then everything", async () => {
    const sluice = open({ consent: "pending" });
    sluice.track("a");
    await vi.advanceTimersByTimeAsync(5000);
    expect(bodies).toHaveLength(0);
    expect(localStorage).toHaveLength(0);
    sluice.optIn();
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent()).toHaveLength(1);
  });

  test("optOut forgets what waited and holds on the next page", async () => {
    const sluice = open();
    sluice.track("a");
    sluice.optOut();
    open().track("b");
    await vi.advanceTimersByTimeAsync(5000);
    expect(bodies).toHaveLength(0);
  });

  test.each([{ doNotTrack: "1" }, { globalPrivacyControl: true }])(
    "%o sends nothing unless told otherwise",
    async (asked) => {
      vi.stubGlobal("navigator", { onLine: true, ...asked });
      open().track("a");
      await vi.advanceTimersByTimeAsync(2000);
      expect(bodies).toHaveLength(0);
      open({ respectDoNotTrack: false }).track("a");
      await vi.advanceTimersByTimeAsync(2000);
      expect(sent()).toHaveLength(1);
    },
  );
});

describe("pages", () => {
  test("each address of a single-page app is one page view, the same one is none", async () => {
    const sluice = open({ pageViews: true });
    sluice.register({ site: "shop" });
    await vi.advanceTimersByTimeAsync(1);
    history.pushState({}, "", "/one");
    await vi.advanceTimersByTimeAsync(1);
    history.replaceState({}, "", "/one");
    await vi.advanceTimersByTimeAsync(1);
    history.pushState({}, "", "/two");
    await vi.advanceTimersByTimeAsync(1000);
    const paths = sent().map((event) => (event.context.page as { path: string }).path);
    expect(paths).toEqual(["/", "/one", "/two"]);
    expect(sent()[0]?.properties).toMatchObject({ site: "shop" });
    sluice.stop();
  });

  test("autocapture tells clicks and sent forms, never what was typed or is marked private", async () => {
    document.body.innerHTML = `<button id="buy">Buy <b>now</b></button><p>text</p>
      <form id="search"><input value="secret"></form><div data-sluice-ignore><button>no</button></div>`;
    const sluice = open({ autocapture: true });
    (document.querySelector("#buy b") as HTMLElement).click();
    (document.querySelector("p") as HTMLElement).click();
    (document.querySelector("div button") as HTMLElement).click();
    document.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent().map((event) => [event.event, event.properties.id])).toEqual([
      ["element_clicked", "buy"],
      ["form_submitted", "search"],
    ]);
    expect(JSON.stringify(sent())).not.toContain("secret");
    sluice.stop();
  });
});
