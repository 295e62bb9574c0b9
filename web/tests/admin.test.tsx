import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { ApiError } from "../src/api/problem";
import { changesOf } from "../src/state/changes";
import { editOf, editsOf, newRule, pathsOf, ruleOf } from "../src/state/edits";
import { faultsOf, fieldOf } from "../src/state/faults";
import { lastSpan } from "../src/state/savedRange";
import { ORGANISATION, openApp, PROJECT, problem, user } from "./app";

const P = `/p/${PROJECT}`;
const WEBHOOKS = "/api/v1/webhooks";
const DELIVERIES = `${WEBHOOKS}/deliveries`;
const REPLAYS = "/api/v1/rejected/replays";
const nothing = { items: [], next_cursor: null };
const AT = "2026-01-01T00:00:00Z";

const hook = (more: object = {}) => ({
  id: "w1",
  url: "https://hooks.example/a",
  types: ["alert.firing"],
  filter: { events: [], filters: [] },
  description: "Ops",
  secret: "whsec_***",
  previous_secret_until: null,
  enabled: true,
  disabled_reason: "",
  failing_since: null,
  last_delivered_at: null,
  created_at: AT,
  updated_at: AT,
  ...more,
});
const sent = (state: string, more: object = {}) => ({
  id: "d1",
  webhook_id: "w1",
  address: null,
  event_type: "test",
  state,
  attempts: 1,
  error: "",
  created_at: AT,
  next_at: null,
  finished_at: AT,
  ...more,
});
const entry = {
  seq: 7,
  at: AT,
  actor_kind: "user",
  actor_id: "u1",
  actor_name: "ada@example.org",
  action: "project.changed",
  target: `project:${PROJECT}`,
  project_id: PROJECT,
  before: { name: "Shop", allowed_origins: ["a", "b"] },
  after: { name: "Store", allowed_origins: ["a", "b"] },
  request_id: "r",
  address: "192.0.2.1",
  hash: "ab".repeat(32),
};

test("an edit is typed, sent and read back as the same", () => {
  const rules = [
    { ...newRule("rename"), field: " usr ", to: "user_id" },
    { ...newRule("cast"), field: "properties.price", to: "number" },
    { ...newRule("set"), field: "source", value: "1.5", missing: true },
    { ...newRule("set"), field: "note", value: "plain text" },
    { ...newRule("drop"), field: "timestamp" },
    newRule("rename"),
  ];
  const edits = editsOf(rules);
  expect(edits).toEqual([
    { op: "rename", field: "usr", to: "user_id" },
    { op: "cast", field: "properties.price", to: "number" },
    { op: "set", field: "source", value: 1.5, only_missing: true },
    { op: "set", field: "note", value: "plain text", only_missing: false },
    { op: "drop", field: "timestamp" },
  ]);
  expect(edits.map(ruleOf).map(editOf)).toEqual(edits);
  // A text that reads as a number stays a text.
  const text = { op: "set", field: "zip", value: "007", only_missing: false } as const;
  const number = { ...text, value: "12" };
  expect([text, number].map(ruleOf).map(editOf)).toEqual([text, number]);
});

test("the paths of what was sent are suggested, of lists too, and broken JSON has none", () => {
  expect(pathsOf(['[{"usr":1,"properties":{"price":"2"}}]', "{broken", '"text"'])).toEqual([
    "usr",
    "properties",
    "properties.price",
  ]);
});

test("a refusal names its field, or none", () => {
  const refused = (detail: string) => new ApiError(422, "bad_value", detail, "", 0);
  expect(fieldOf(refused("`target.url`: it leads to a private address"))).toBe("target.url");
  expect(fieldOf(refused("Expected `str`, got `int` - at `$.types[0]`"))).toBe("types");
  expect(fieldOf(refused("it has projects"))).toBe("");
  const faults = faultsOf(refused("`url`: no"), ["url"]);
  expect([faults.of("url"), faults.of("name"), faults.rest]).toEqual(["`url`: no", undefined, undefined]);
  expect(faultsOf(refused("`other`: no"), ["url"]).rest?.message).toBe("`other`: no");
});

test("before and after stand beside each other, field by field", () => {
  expect(changesOf(null, { scopes: ["read", "export"], end: null })).toEqual([
    { field: "scopes", before: "", after: "read, export", changed: true },
    { field: "end", before: "", after: "", changed: false },
  ]);
  expect(changesOf(entry.before, entry.after).map(({ changed }) => changed)).toEqual([true, false]);
});

test("a saved range is of whole days of the project, or of hours", () => {
  const now = new Date("2026-03-01T22:30:00Z");
  expect(lastSpan("7d", "Europe/Berlin", now)).toEqual({ from: "2026-02-23", to: "2026-03-01" });
  expect(lastSpan("1d", "Asia/Tokyo", now)).toEqual({ from: "2026-03-02", to: "2026-03-02" });
  expect(lastSpan("2h", "UTC", now)).toEqual({ from: "2026-03-01T20:00:00.000Z", to: now.toISOString() });
});

test("audit log: filters stand in the address, an entry shows what changed, the log is verified", async () => {
  const { calls } = await openApp(`${P}/audit`, {
    "GET /api/v1/audit": { items: [entry], next_cursor: null },
    [`GET /api/v1/organisations/${ORGANISATION}/members`]: nothing,
    "GET /api/v1/audit/verify": {
      sound: false,
      rows: 12,
      checkpoints: 2,
      checked_to: 10,
      faults: [{ kind: "changed", seq: 5, detail: "it does not follow from the row before" }],
    },
  });
  await userEvent.click(await screen.findByRole("button", { name: /project\.changed by ada@example\.org/ }));
  const changes = within(screen.getByRole("dialog")).getByRole("table", { name: "What changed" });
  expect(within(changes).getByRole("row", { name: "name Shop Store" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  await userEvent.type(screen.getByLabelText("What was done"), "project{Enter}");
  await waitFor(() => expect(calls("GET", "/audit").at(-1)?.search).toContain("action=project"));
  expect(location.search).toContain("project");
  await userEvent.click(screen.getByRole("button", { name: "Verify" }));
  expect(await screen.findByText("1 thing is not as it was recorded.")).toBeVisible();
  expect(screen.getByText("Row 5: it does not follow from the row before")).toBeVisible();
});

test("users: only what would be done is offered, and asked first", async () => {
  const one = (id: string, more: object) => ({
    id,
    email: `${id}@example.org`,
    name: id,
    created_at: AT,
    blocked: false,
    blocked_at: null,
    last_sign_in_at: null,
    sessions: 1,
    second_factor: false,
    manageable: true,
    memberships: [{ organisation_id: ORGANISATION, role: "viewer" }],
    ...more,
  });
  const items = [one("u1", { manageable: false }), one("bob", {}), one("eve", { blocked: true, sessions: 0 })];
  const { calls } = await openApp(`${P}/users`, {
    "GET /api/v1/users": { items, next_cursor: null },
    "PATCH /api/v1/users/bob": items[1],
  });
  expect(await screen.findByRole("button", { name: "Actions: bob" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Actions: u1" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Actions: eve" }));
  expect(screen.getAllByRole("menuitem").map((item) => item.textContent)).toEqual(["Enable"]);
  await userEvent.keyboard("{Escape}");
  await userEvent.click(screen.getByRole("button", { name: "Actions: bob" }));
  await userEvent.click(screen.getByRole("menuitem", { name: "Disable" }));
  expect(calls("PATCH", "/bob")).toHaveLength(0);
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Disable" }));
  await waitFor(() => expect(calls("PATCH", "/bob")[0]?.body).toEqual({ blocked: true }));
});

test("webhooks: one is made, its secret is shown once; a refused address is marked at its field", async () => {
  let refuse = true;
  const { calls } = await openApp(`${P}/webhooks`, {
    [`GET ${WEBHOOKS}`]: { items: [] },
    "GET /api/v1/channels": { items: [] },
    [`GET ${DELIVERIES}`]: nothing,
    [`POST ${WEBHOOKS}`]: () =>
      refuse
        ? problem(422, "bad_destination", "`url`: it leads to a private address")
        : hook({ secret: "whsec_whole" }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "New webhook" }));
  const dialog = screen.getByRole("dialog");
  expect(within(dialog).queryByRole("button", { name: "Save" })).toBeNull();
  await userEvent.type(within(dialog).getByLabelText("Address"), "http://10.0.0.1");
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /^event\.matched/ }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(within(dialog).getByLabelText("Address")).toHaveAccessibleDescription(/private address/));
  refuse = false;
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(await within(dialog).findByText("whsec_whole")).toBeVisible();
  expect(calls("POST", "/webhooks").at(-1)?.body).toEqual({
    url: "http://10.0.0.1",
    description: "",
    types: ["event.matched"],
    filter: { events: [], filters: [] },
  });
});

test("a webhook: a failed delivery shows its tries and is sent again; not while the webhook is off", async () => {
  const log = [{ number: 1, at: AT, took_ms: 12, status: 500, error: "answered 500", answer: "oops" }];
  const failed = { ...sent("failed", { error: "given up" }), content: '{"type":"test"}', log };
  const answers = (enabled: boolean) => ({
    [`GET ${WEBHOOKS}`]: { items: [hook({ enabled })] },
    "GET /api/v1/channels": { items: [] },
    [`GET ${WEBHOOKS}/w1/deliveries`]: { items: [sent("failed")], next_cursor: null },
    [`GET ${DELIVERIES}/d1`]: failed,
    [`POST ${DELIVERIES}/d1/resend`]: { id: "d1", state: "queued" },
  });
  const { calls } = await openApp(`${P}/webhooks/w1`, answers(true));
  await userEvent.click(await screen.findByRole("button", { name: /^Show test/ }));
  expect(await screen.findByText("answered 500 – oops")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Send again" }));
  await waitFor(() => expect(calls("POST", "/resend")).toHaveLength(1));
  document.body.replaceChildren();
  await openApp(`${P}/webhooks/w1`, answers(false));
  await userEvent.click(await screen.findByRole("button", { name: /^Show test/ }));
  expect(await screen.findByText("answered 500 – oops")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Send again" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Send a test" })).toBeNull();
});

test("channels: the form asks for what the kind needs; on-call services are told of alerts only", async () => {
  const channel = { ...hook(), id: "c1", name: "On call", type: "pagerduty", chat_id: null, language: "en" };
  const { calls } = await openApp(`${P}/channels`, {
    "GET /api/v1/channels": () => ({ items: calls("POST", "/channels").length ? [channel] : [] }),
    "POST /api/v1/channels": channel,
    "GET /api/v1/channels/c1/deliveries": nothing,
  });
  await userEvent.click(await screen.findByRole("button", { name: "New channel" }));
  const dialog = screen.getByRole("dialog");
  await userEvent.selectOptions(within(dialog).getByLabelText("Kind"), "PagerDuty");
  expect(within(dialog).getAllByRole("checkbox")).toHaveLength(2);
  await userEvent.type(within(dialog).getByLabelText("Name"), "On call");
  await userEvent.type(within(dialog).getByLabelText("Routing key"), "key-1");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("heading", { level: 1, name: "On call" })).toBeVisible();
  expect(calls("POST", "/channels")[0]?.body).toEqual({
    name: "On call",
    types: ["alert.firing", "alert.resolved"],
    language: "en",
    target: { type: "pagerduty", routing_key: "key-1" },
  });
});

test("replay: what was tried can be taken, and only that", async () => {
  const result = { waiting: 2, seen: 2, passed: 2, refused: 0, unusable: 0, events: 2, reasons: {}, samples: [] };
  const job = (dry_run: boolean) => ({
    id: dry_run ? "try" : "real",
    state: "completed",
    progress: 1,
    attempts: 1,
    request: { reason: "bad_timestamp", event: "", edits: [], dry_run },
    result: { ...result, dry_run },
    error: null,
    created_at: AT,
    started_at: AT,
    updated_at: AT,
    finished_at: AT,
    expired_at: null,
  });
  const { calls } = await openApp(`${P}/rejected/replay`, {
    "GET /api/v1/rejected": { items: [{ raw: '{"timestamp":"soon"}' }], next_cursor: null },
    "GET /api/v1/rejected/reasons": { items: [{ reason: "bad_timestamp", title: "", count: 2 }], total: 2, series: [] },
    "POST /api/v1/schema/events": nothing,
    "GET /api/v1/schema/events": nothing,
    [`GET ${REPLAYS}`]: nothing,
    [`POST ${REPLAYS}`]: ({ body }: { body: { dry_run?: boolean } }) => ({
      id: body.dry_run ? "try" : "real",
      state: "queued",
    }),
    [`GET ${REPLAYS}/try`]: job(true),
    [`GET ${REPLAYS}/real`]: job(false),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Add a change" }));
  await userEvent.selectOptions(screen.getByLabelText("What to do"), "Leave out");
  await userEvent.type(screen.getByLabelText(/^Field/), "timestamp{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Try it" }));
  const take = await screen.findByRole("button", { name: "Take 2 again" });
  expect(calls("POST", "/replays")[0]?.body).toMatchObject({
    dry_run: true,
    edits: [{ op: "drop", field: "timestamp" }],
  });
  await userEvent.selectOptions(screen.getByLabelText("Reason"), "bad_timestamp (2)");
  expect(screen.queryByRole("button", { name: "Take 2 again" })).toBeNull();
  expect(take).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Try it" }));
  await userEvent.click(await screen.findByRole("button", { name: "Take 2 again" }));
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Take again" }));
  await waitFor(() => expect(calls("POST", "/replays").at(-1)?.body).toMatchObject({ dry_run: false }));
  expect(await screen.findByText("Taken")).toBeVisible();
});

test("keys: of two that are taken, the older one says how long and by which it is replaced", async () => {
  const key = (id: string, more: object) => ({
    id,
    kind: "secret",
    name: "server",
    prefix: `sls_${id}`,
    scopes: ["read"],
    created_at: AT,
    expires_at: null,
    revoked_at: null,
    last_used_at: null,
    rotated_from: null,
    ...more,
  });
  const soon = new Date(Date.now() + 2 * 3_600_000 + 5_000).toISOString();
  const items = [key("old", { expires_at: soon }), key("new", { rotated_from: "old" })];
  await openApp(`${P}/keys`, { [`GET /api/v1/projects/${PROJECT}/keys`]: { items, next_cursor: null } });
  expect(await screen.findByText(/^taken for 2 hr? .*more$/)).toBeVisible();
  expect(screen.getByText("replaced by sls_new…")).toBeVisible();
  expect(screen.getByText("replaces sls_old…, both are taken")).toBeVisible();
});

test("a viewer sees saved queries without a button that would be refused, and no other page of these", async () => {
  const definition = {
    id: "q1",
    project_id: PROJECT,
    kind: "count",
    name: "Orders",
    description: "",
    tags: [],
    query: {},
    last: "7d",
    version: 2,
    created_by: "u1",
    updated_by: null,
    created_at: AT,
    updated_at: AT,
  };
  await openApp(
    `${P}/saved`,
    {
      "GET /api/v1/definitions": { items: [definition], next_cursor: null },
      "GET /api/v1/dashboards": nothing,
      [`GET /api/v1/organisations/${ORGANISATION}/members`]: nothing,
    },
    user("viewer"),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Actions: Orders" }));
  expect(screen.getAllByRole("menuitem").map((item) => item.textContent)).toEqual(["Versions"]);
  expect(screen.queryByText("Shared links")).toBeNull();
  const pages = within(screen.getByRole("navigation"))
    .getAllByRole("link")
    .map((one) => one.textContent);
  for (const name of ["Audit log", "Users", "Webhooks", "Channels"]) expect(pages).not.toContain(name);
  expect(pages).toContain("Saved and shared");
});
