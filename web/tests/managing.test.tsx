import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Asked, ORGANISATION, openApp, PROJECT, problem, user } from "./app";

const KEYS = `/api/v1/projects/${PROJECT}/keys`;
const MEMBERS = `/api/v1/organisations/${ORGANISATION}/members`;
const INVITATIONS = `/api/v1/organisations/${ORGANISATION}/invitations`;
const key = {
  id: "k1",
  kind: "secret",
  name: "server",
  prefix: "sls_abc",
  scopes: ["read"],
  created_at: "2026-01-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};
const member = (id: string, role: string) => ({
  user_id: id,
  email: `${id}@example.org`,
  name: id,
  role,
  joined_at: "2026-01-01T00:00:00Z",
});

test("keys: a secret key is made with the scopes that were ticked, and shown once", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/keys`, {
    [`GET ${KEYS}`]: { items: [key], next_cursor: null },
    [`POST ${KEYS}`]: { ...key, key: "sls_whole" },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Make a key" }));
  const dialog = screen.getByRole("dialog", { name: "Make a key" });
  await userEvent.type(within(dialog).getByLabelText("Name"), "reports");
  await userEvent.click(within(dialog).getByRole("radio", { name: "Secret" }));
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /^export/ }));
  await userEvent.selectOptions(within(dialog).getByLabelText("Ends by itself"), "After 30 days");
  await userEvent.click(within(dialog).getByRole("button", { name: "Make a key" }));
  expect(await within(dialog).findByText("sls_whole")).toBeVisible();
  const body = calls("POST", "/keys")[0]?.body;
  expect(body).toMatchObject({ name: "reports", kind: "secret", scopes: ["read", "export"] });
  expect(Math.round((Date.parse(String(body?.expires_at)) - Date.now()) / 86_400_000)).toBe(30);
});

test("keys: one is replaced with an overlap, and revoked only after a question", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/keys`, {
    [`GET ${KEYS}`]: { items: [key], next_cursor: null },
    [`POST ${KEYS}/k1/rotate`]: { ...key, key: "sls_next" },
    [`DELETE ${KEYS}/k1`]: key,
  });
  await userEvent.click(await screen.findByRole("button", { name: "Replace: server" }));
  const dialog = screen.getByRole("dialog", { name: "Replace the key server" });
  await userEvent.selectOptions(within(dialog).getByRole("combobox"), "7 days more");
  await userEvent.click(within(dialog).getByRole("button", { name: "Replace" }));
  expect(await within(dialog).findByText("sls_next")).toBeVisible();
  expect(calls("POST", "/rotate")[0]?.body).toEqual({ overlap_hours: 168 });
  await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
  await userEvent.click(screen.getByRole("button", { name: "Revoke: server" }));
  expect(calls("DELETE", "/k1")).toHaveLength(0);
  await userEvent.click(screen.getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(calls("DELETE", "/k1")).toHaveLength(1));
});

test("a viewer sees no button that would be refused, and no page either", async () => {
  await openApp(
    `/p/${PROJECT}/members`,
    { [`GET ${MEMBERS}`]: { items: [member("u1", "viewer"), member("eve", "owner")], next_cursor: null } },
    user("viewer"),
  );
  const table = await screen.findByRole("table", { name: "Members" });
  expect(
    within(table)
      .getAllByRole("button")
      .map((one) => one.textContent),
  ).toEqual(["Leave"]);
  expect(within(table).queryByRole("combobox")).toBeNull();
  expect(screen.queryByRole("button", { name: "Invite" })).toBeNull();
  const pages = within(screen.getByRole("navigation"))
    .getAllByRole("link")
    .map((one) => one.textContent);
  expect(pages).toContain("Members");
  expect(pages).not.toContain("API keys");
  expect(pages).not.toContain("Settings");
});

test("members: an owner changes a role; the last owner cannot become less or go", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/members`, {
    [`GET ${MEMBERS}`]: { items: [member("u1", "owner"), member("bob", "viewer")], next_cursor: null },
    [`GET ${INVITATIONS}`]: { items: [], next_cursor: null },
    [`PATCH ${MEMBERS}/bob`]: member("bob", "editor"),
  });
  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Role: bob" }), "editor");
  await waitFor(() => expect(calls("PATCH", "/bob")[0]?.body).toEqual({ role: "editor" }));
  expect(screen.queryByRole("combobox", { name: "Role: u1" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Leave: u1" })).toBeNull();
});

test("members: an invitation's link is shown, also where no mail goes out", async () => {
  const { calls } = await openApp(
    `/p/${PROJECT}/members`,
    {
      [`GET ${MEMBERS}`]: { items: [member("u1", "admin")], next_cursor: null },
      [`GET ${INVITATIONS}`]: { items: [], next_cursor: null },
      [`POST ${INVITATIONS}`]: { email: "new@example.org", mailed: false, link: "http://x/app/invitation?token=abc" },
    },
    user("admin"),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Invite" }));
  const dialog = screen.getByRole("dialog", { name: "Invite" });
  expect(within(dialog).queryByRole("option", { name: /^Owner/ })).toBeNull();
  await userEvent.type(within(dialog).getByLabelText("Email"), "new@example.org");
  await userEvent.click(within(dialog).getByRole("button", { name: "Send the invitation" }));
  expect(await within(dialog).findByText("http://x/app/invitation?token=abc")).toBeVisible();
  expect(calls("POST", "/invitations")[0]?.body).toEqual({ email: "new@example.org", role: "viewer", language: "en" });
});

test("settings: what is saved is what stands in the form, empty means as the instance says", async () => {
  const at = `/api/v1/projects/${PROJECT}`;
  const settings = {
    id: PROJECT,
    name: "Shop",
    timezone: "UTC",
    retention_days: 30,
    allowed_origins: ["https://a.example"],
    ip_mode: null,
    updated_at: "2026-01-01T00:00:00Z",
  };
  const { calls } = await openApp(`/p/${PROJECT}/settings`, { [`GET ${at}`]: settings, [`PATCH ${at}`]: settings });
  await userEvent.clear(await screen.findByLabelText("Keep events for (days)"));
  await userEvent.type(screen.getByLabelText("Sites that may ask"), "\nhttps://b.example");
  await userEvent.selectOptions(screen.getByLabelText("Addresses of visitors"), "Not kept");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Saved")).toBeVisible();
  expect(calls("PATCH", PROJECT)[0]?.body).toEqual({
    name: "Shop",
    timezone: "UTC",
    retention_days: null,
    allowed_origins: ["https://a.example", "https://b.example"],
    ip_mode: "drop",
  });
});

test("projects: each organisation's are listed, and a new one leads to how to send", async () => {
  const { calls } = await openApp("/projects", {
    "POST /api/v1/projects": { id: PROJECT, keys: { write: { key: "slp_x" } } },
    "GET /api/v1/projects": { items: [], next_cursor: null },
    "POST /api/v1/query/events": { items: [] },
  });
  expect(await screen.findByRole("table", { name: "Acme" })).toHaveTextContent("Shop");
  await userEvent.click(screen.getByRole("button", { name: "Create project" }));
  const dialog = screen.getByRole("dialog", { name: "Create project" });
  await userEvent.type(within(dialog).getByLabelText("Name"), "Blog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Create project" }));
  expect(await screen.findByRole("heading", { name: "Get started" })).toBeVisible();
  expect(calls("POST", "/projects")[0]?.body).toMatchObject({ name: "Blog", organisation_id: ORGANISATION });
});

test("account: a session elsewhere is ended, this one has no such button", async () => {
  const session = (id: string, current: boolean, agent: string) => ({
    id,
    method: "password",
    address: "192.0.2.1",
    user_agent: agent,
    created_at: "2026-01-01T00:00:00Z",
    last_used_at: "2026-01-01T00:00:00Z",
    current,
  });
  const { calls } = await openApp("/account", {
    "GET /api/v1/auth/sessions": {
      sessions: [
        session("s1", true, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        session("s2", false, "Mozilla/5.0 (iPhone) Safari/600.1"),
      ],
    },
    "DELETE /api/v1/auth/sessions/s2": { ended: 1 },
  });
  await userEvent.click(await screen.findByRole("button", { name: "End: Safari, iPhone" }));
  expect(screen.queryByRole("button", { name: "End: Chrome, Linux" })).toBeNull();
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "End" }));
  await waitFor(() => expect(calls("DELETE", "/s2")).toHaveLength(1));
});

test("account: the second factor shows a QR code, its secret, and the recovery codes once", async () => {
  const { calls } = await openApp("/account", {
    "GET /api/v1/auth/sessions": { sessions: [] },
    "POST /api/v1/auth/totp": { secret: "ABCDEFGH", uri: "otpauth://totp/Sluice:ada?secret=ABCDEFGH" },
    "POST /api/v1/auth/totp/confirm": ({ body }: Asked) =>
      body.code === "123456" ? { recovery_codes: ["one-1", "two-2"] } : problem(401, "bad_code", "The code is wrong."),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Set up" }));
  const dialog = screen.getByRole("dialog", { name: "Set up" });
  await userEvent.type(within(dialog).getByLabelText("Password"), "secret");
  await userEvent.click(within(dialog).getByRole("button", { name: "Go on" }));
  expect(await within(dialog).findByRole("img", { name: /QR code/ })).toBeVisible();
  expect(within(dialog).getByText("ABCD EFGH")).toBeVisible();
  await userEvent.type(within(dialog).getByLabelText("The code it shows"), "000000");
  await userEvent.click(within(dialog).getByRole("button", { name: "Switch on" }));
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("The code is wrong.");
  await userEvent.clear(within(dialog).getByLabelText("The code it shows"));
  await userEvent.type(within(dialog).getByLabelText("The code it shows"), "123456");
  await userEvent.click(within(dialog).getByRole("button", { name: "Switch on" }));
  expect(await within(dialog).findByText(/one-1/)).toHaveTextContent("two-2");
  expect(calls("POST", "/totp")[0]?.body).toEqual({ password: "secret" });
});

test("account: language and theme are chosen, in Russian too", async () => {
  await openApp("/account", { "GET /api/v1/auth/sessions": { sessions: [] } }, user("owner"), "ru");
  await userEvent.click(await screen.findByRole("radio", { name: "Тёмная" }));
  expect(document.documentElement.dataset.theme).toBe("dark");
  await userEvent.click(screen.getByRole("radio", { name: "English" }));
  expect(await screen.findByRole("heading", { name: "Account" })).toBeVisible();
});

test("system: a part without an answer is named, and what waits is listed", async () => {
  await openApp(`/p/${PROJECT}/system`, {
    "GET /api/v1/system": {
      state: "degraded",
      parts: [
        { name: "bus", kind: "Kafka", ok: true, took_ms: 2.5, version: null, schema_version: null },
        { name: "warehouse", kind: "ClickHouse", ok: false, took_ms: 3000, version: null, schema_version: null },
      ],
      queues: [{ topic: "events", function: "batch-write", waiting: 1234, kept: 2000 }],
      freshness: null,
      checked_at: "2026-01-01T00:00:00Z",
    },
    "GET /api/v1/rejected/reasons": {
      items: [{ reason: "bad_timestamp", title: "T", count: 3, last_seen: "" }],
      total: 3,
      series: [],
    },
  });
  expect(await screen.findByText("A part does not answer")).toBeVisible();
  const parts = screen.getByRole("table", { name: "Parts" });
  expect(within(parts).getByRole("row", { name: /Warehouse/ })).toHaveTextContent("no answer");
  expect(screen.getByRole("row", { name: /batch-write/ })).toHaveTextContent("1,234");
  expect(await screen.findByRole("rowheader", { name: /bad_timestamp/ })).toBeVisible();
});
