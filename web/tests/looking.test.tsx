import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { openApp, PROJECT, problem, user } from "./app";

const range = { from: "", to: "", timezone: "UTC" };
const event = {
  event_id: "e1",
  event: "<img src=x onerror=alert(1)>",
  timestamp: "2026-01-01T00:00:00Z",
  received_at: "2026-01-01T00:00:00Z",
  user_id: "u",
  anonymous_id: null,
  path: "/",
  properties: {},
};

function stream(...chunks: string[]): Response {
  const body = new ReadableStream({
    start(to) {
      for (const chunk of chunks) to.enqueue(new TextEncoder().encode(chunk));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const counts = (people: number | null) =>
  JSON.stringify({
    minutes: [
      { minute: "2026-01-01T12:00:00Z", total: 4 },
      { minute: "2026-01-01T12:01:00Z", total: 1 },
    ],
    events: {},
    active: people === null ? null : { minutes: 5, events: 5, people },
    incomplete_last: true,
  });
const nothing = {
  "POST /api/v1/query/timeseries": { series: [], interval: "day", incomplete_from: null, compare: null, range },
  "POST /api/v1/query/breakdown": { rows: [], other: null, total: 0, range },
  "POST /api/v1/query/count": { value: 0, range },
  "POST /api/v1/query/events": { items: [], next_cursor: null, range },
};

test("overview: who is active and what comes is told by the stream, what comes last stands on top", async () => {
  await openApp(`/p/${PROJECT}/overview`, {
    ...nothing,
    // Cut in the middle of a line: a chunk is not a message.
    "GET /api/v1/live/stream": () =>
      stream(
        `retry: 10\n\nevent: counts\ndata: ${counts(3).slice(0, 40)}`,
        `${counts(3).slice(40)}\n\n: alive\n\nid: 7\nevent: events\n`,
        `data: ${JSON.stringify({ items: [event, { ...event, event_id: "e2", event: "newest" }] })}\n\n`,
      ),
  });
  const now = await screen.findByRole("region", { name: "Right now" });
  expect(await within(now).findByText("3")).toBeVisible();
  expect(within(now).getByRole("figure", { description: /5 events in the last 30 minutes/ })).toBeVisible();
  expect(within(now).getByRole("status")).toHaveTextContent("live");
  const rows = within(await screen.findByRole("table", { name: "Latest events" })).getAllByRole("rowheader");
  expect(rows.map((row) => row.textContent)).toEqual(["newest", "<img src=x onerror=alert(1)>"]);
});

test("overview: where there is no stream the counts are asked for", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/overview`, {
    ...nothing,
    "GET /api/v1/live/stream": problem(404, "not_found"),
    "GET /api/v1/live/counts": JSON.parse(counts(null)),
  });
  const now = await screen.findByRole("region", { name: "Right now" });
  expect(await within(now).findByText("every few seconds")).toBeVisible();
  expect(within(now).getByRole("img", { name: "Right now" })).toBeVisible();
  expect(calls("GET", "/live/counts").length).toBeGreaterThan(0);
});

test("overview: the bars of the minutes are one tab stop, the arrows say each", async () => {
  await openApp(`/p/${PROJECT}/overview`, {
    ...nothing,
    "GET /api/v1/live/stream": () => stream(`event: counts\ndata: ${counts(3)}\n\n`),
  });
  const bars = await screen.findByRole("img", { name: "Right now" });
  bars.focus();
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(bars.parentElement).toHaveTextContent(/12:00.*4/);
});

test("events: a row opens the whole event, hostile names stay text", async () => {
  await openApp(`/p/${PROJECT}/events`, {
    "POST /api/v1/query/events": { items: [event], next_cursor: null, range },
  });
  await userEvent.click(await screen.findByRole("button", { name: /Show the whole event <img/ }));
  expect(screen.getByRole("dialog", { name: "Whole event" })).toHaveTextContent('"event_id": "e1"');
  expect(document.querySelector("img[src=x]")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: /^Pause/ }));
  expect(screen.getByRole("button", { name: /^Resume/ })).toHaveAttribute("aria-pressed", "false");
});

test("rejected: reasons over time as a sentence, and the raw bytes of one", async () => {
  await openApp(`/p/${PROJECT}/rejected?range=7d`, {
    "GET /api/v1/rejected/reasons": {
      items: [{ reason: "bad_id", title: "The id is bad.", count: 3, first_seen: "", last_seen: "" }],
      total: 3,
      series: [
        {
          reason: "bad_id",
          points: [
            ["2026-01-01T00:00:00+00:00", 1],
            ["2026-01-02T00:00:00+00:00", 2],
          ],
        },
      ],
      incomplete_from: "2026-01-02T00:00:00+00:00",
      range,
    },
    "GET /api/v1/rejected": {
      items: [
        {
          batch_id: "b",
          position: 0,
          received_at: "2026-01-01T00:00:00Z",
          reason: "bad_id",
          title: "T",
          detail: "D",
          raw: "{broken",
        },
      ],
      next_cursor: null,
      range,
    },
  });
  const panel = await screen.findByRole("region", { name: "Refused over time" });
  expect(
    await within(panel).findByRole("figure", {
      description: /^3 refused events from .* The last interval is not over/,
    }),
  ).toBeVisible();
  await userEvent.click(await screen.findByRole("button", { name: /Show what was sent for bad_id/ }));
  expect(screen.getByRole("dialog", { name: "What was sent" })).toHaveTextContent("{broken");
});

test("a failed panel says so, the others stand", async () => {
  await openApp(`/p/${PROJECT}/rejected`, {
    "GET /api/v1/rejected/reasons": problem(500, "internal"),
    "GET /api/v1/rejected": { items: [], next_cursor: null, range },
  });
  const panel = await screen.findByRole("region", { name: "Reasons" });
  expect(await within(panel).findByRole("alert")).toHaveTextContent("The server failed to answer.Request r-1");
  expect(await screen.findByText("Nothing was refused in this period.")).toBeVisible();
});

test("who may not see numbers lands on the playground, others on the overview", async () => {
  await openApp("/", {}, user("guest"));
  expect(await screen.findByRole("heading", { name: "Playground" })).toBeVisible();
  expect(within(screen.getByRole("navigation")).queryByRole("link", { name: "Overview" })).toBeNull();
});

test("a session that ends leads to sign-in and names where to go back to", async () => {
  const answers = { "POST /api/v1/query/events": () => problem(401, "token_expired") };
  let refreshes = 0;
  await openApp(`/p/${PROJECT}/events?range=7d`, {
    ...answers,
    "POST /api/v1/auth/refresh": () => (refreshes++ ? problem(401, "token_unknown") : { access_token: "t" }),
  });
  expect(await screen.findByText("Your session has ended. Sign in to go on where you were.")).toBeVisible();
  expect(new URLSearchParams(location.search).get("next")).toBe(`/p/${PROJECT}/events?range=7d`);
});

test("no connection is said on top, and taken back", async () => {
  await openApp("/account", { "GET /api/v1/auth/sessions": { sessions: [] } });
  await screen.findByRole("heading", { name: "Account" });
  const online = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  dispatchEvent(new Event("offline"));
  expect(await screen.findByText(/^No connection/)).toBeVisible();
  online.mockReturnValue(true);
  dispatchEvent(new Event("online"));
  await waitFor(() => expect(screen.queryByText(/^No connection/)).toBeNull());
});

test("invitation: who has no account makes one and is in with the same button", async () => {
  let joined = false;
  const { asked } = await openApp(
    "/invitation?token=abc",
    {
      "POST /api/v1/invitations/show": { organisation: "Acme", email: "new@example.org", role: "viewer" },
      "POST /api/v1/auth/register": {},
      "POST /api/v1/auth/login": { access_token: "t" },
      "POST /api/v1/invitations/accept": () => {
        joined = true;
        return { organisation_id: "o", role: "viewer" };
      },
      "GET /api/v1/auth/me": user("viewer", { projects: [], organisations: [] }),
    },
    null,
  );
  await userEvent.type(await screen.findByLabelText("Name"), "Nia");
  await userEvent.type(screen.getByLabelText("Password"), "long enough");
  await userEvent.click(screen.getByRole("button", { name: "Create account and join" }));
  await waitFor(() => expect(joined).toBe(true));
  const posted = asked.filter(({ method }) => method === "POST").map(({ path }) => path.split("/").at(-1));
  expect(posted).toEqual(["show", "register", "login", "accept"]);
  expect(asked.find(({ path }) => path.endsWith("register"))?.body).toMatchObject({
    email: "new@example.org",
    full_name: "Nia",
    invitation: "abc",
  });
});

test("a shared dashboard shows its widgets to whoever has the link", async () => {
  const at = "/api/v1/shared/shr_x";
  const widget = { text: "", chart: "", options: {}, query: {}, last: "30d", gone: false };
  await openApp(
    "/shared/shr_x",
    {
      [`GET ${at}`]: {
        name: "Weekly",
        description: "For the team",
        updated_at: "2026-01-01T00:00:00Z",
        widgets: [
          { ...widget, id: "n", title: "Purchases", kind: "count" },
          { ...widget, id: "b", title: "Pages", kind: "breakdown" },
          { ...widget, id: "t", title: "Note", kind: null, text: "Read this" },
        ],
      },
      [`GET ${at}/widgets/n`]: { value: 1234, range },
      [`GET ${at}/widgets/b`]: { rows: [{ key: "/", value: 5, share: 1 }], other: null, total: 5, range },
    },
    null,
  );
  expect(await screen.findByRole("heading", { level: 1, name: "Weekly" })).toBeVisible();
  expect(await screen.findByText("1,234")).toBeVisible();
  expect(await screen.findByRole("rowheader", { name: "/" })).toBeVisible();
  expect(screen.getByText("Read this")).toBeVisible();
});

test("a link that opens nothing says so", async () => {
  await openApp(
    "/shared/shr_gone",
    { "GET /api/v1/shared/shr_gone": problem(404, "not_found", "There is no such share.") },
    null,
  );
  expect(await screen.findByRole("alert")).toHaveTextContent("This link opens nothingThere is no such share.");
});
