import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { foundIn } from "../src/keyboard/found";
import { hasHelp, pageOfPath } from "../src/state/help";
import { parametersOf, sentOf, withName } from "../src/state/statement";
import { troublesOf } from "../src/state/trouble";
import { NAV } from "../src/ui/navigation";
import { type Answers, openApp, PROJECT, problem, user } from "./app";

const SYSTEM = {
  state: "ok",
  parts: [],
  queues: [],
  freshness: { received_at: null, records: 0, delay_p50_ms: null, delay_p95_ms: null, stored: 0, refused: 0 },
  ledger: { state: "proven", gaps: 0, since: null, checked_at: null },
  checked_at: "2026-03-01T00:00:00Z",
};
const TABLES = {
  tables: [{ name: "events", about: "", columns: [{ name: "event", type: "String" }] }],
};
const ANSWER = {
  columns: [
    { name: "event", type: "String" },
    { name: "n", type: "UInt64" },
  ],
  rows: [["buy", 3]],
  truncated: false,
  took_ms: 4,
  rows_read: 30,
  bytes_read: 2048,
  estimated_rows: null,
};
const BASE: Answers = {
  "GET /api/v1/system": SYSTEM,
  "GET /api/v1/definitions": { items: [], next_cursor: null },
  "GET /api/v1/query/sql/tables": TABLES,
  "GET /api/v1/inbox": { items: [], unread: 0, next_cursor: null },
};

test("every page of the navigation has its help in both languages", () => {
  const pages = [...NAV.map(({ to }) => pageOfPath(to)), "account", "projects"];
  const missing = pages.flatMap((page) =>
    ["en", "ru"]
      .filter((language) => !existsSync(join(import.meta.dirname, `../../docs/help/${page}.${language}.md`)))
      .map((language) => `docs/help/${page}.${language}.md`),
  );
  expect(missing).toEqual([]);
  expect(pages.every(hasHelp)).toBe(true);
});

test("a statement's open values are found, and not those in texts and comments", () => {
  const sql = "SELECT {a:UInt8}, '{b:String}', -- {c:Int}\n {a:UInt8}, { day : Date }";
  expect(parametersOf(sql)).toEqual([
    { name: "a", type: "UInt8" },
    { name: "day", type: "Date" },
  ]);
  expect(sentOf({ name: "a", type: "UInt8" }, "3")).toBe(3);
  expect(sentOf({ name: "a", type: "UInt64" }, "18446744073709551615")).toBe("18446744073709551615");
  expect(sentOf({ name: "a", type: "String" }, "3")).toBe("3");
  expect(withName("SELECT", 6, 6, "event")).toEqual(["SELECT event", 12]);
});

test("troubles are named, the worst first", () => {
  const hour = { ...SYSTEM.freshness, stored: 100, refused: 20 };
  const system = { ...SYSTEM, state: "behind", freshness: hour, ledger: { ...SYSTEM.ledger, gaps: 1 } };
  expect(troublesOf(system as never)).toEqual(["gap", "behind", "refused"]);
  expect(troublesOf({ ...SYSTEM, freshness: { ...hour, stored: 10_000 } } as never)).toEqual([]);
  expect(troublesOf({ ...SYSTEM, ledger: null, freshness: null } as never)).toEqual([]);
});

test("the palette finds by any words, begins of names first", () => {
  const entry = (name: string, group = "Go to") => ({ id: name, group, name, run: vi.fn() });
  const found = foundIn([entry("Rejected"), entry("Events"), entry("New event", "Do")], "even");
  expect(found.map(({ name }) => name)).toEqual(["Events", "New event"]);
  expect(foundIn([entry("API keys", "Go to")], "go keys")).toHaveLength(1);
});

test("a statement is run with Ctrl+Enter, its rows and their cost are shown", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/sql`, { ...BASE, "POST /api/v1/query/sql": ANSWER });
  const field = await screen.findByRole("textbox", { name: "Statement" });
  await userEvent.clear(field);
  await userEvent.type(field, "SELECT 1, {{n:UInt8}");
  await userEvent.type(screen.getByRole("textbox", { name: "n" }), "7");
  await userEvent.type(field, "{Control>}{Enter}{/Control}");
  const table = await screen.findByRole("table", { name: "Result" });
  expect(within(table).getByRole("cell", { name: "buy" })).toBeVisible();
  expect(screen.getByText(/1 row · 30 read · 2 KiB · 4 ms/)).toBeVisible();
  expect(calls("POST", "/query/sql")[0]?.body).toEqual({
    sql: "SELECT 1, {n:UInt8}",
    limit: 1000,
    parameters: { n: 7 },
  });
});

test("what cannot be asked is marked at its place, and a viewer has no such page", async () => {
  const refused = () =>
    new Response(JSON.stringify({ code: "bad_sql", detail: "line 1, column 8: no", position: 7, request_id: "r" }), {
      status: 422,
    });
  await openApp(`/p/${PROJECT}/sql`, { ...BASE, "POST /api/v1/query/sql": refused });
  const field = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Statement" });
  await userEvent.clear(field);
  await userEvent.type(field, "SELECT nope");
  await userEvent.click(screen.getByRole("button", { name: "Run" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("line 1, column 8: no");
  await waitFor(() => expect([field.selectionStart, field.selectionEnd]).toEqual([7, 11]));
  expect(NAV.find(({ to }) => to.endsWith("/sql"))).toHaveProperty("needs", "sql.read");
});

test("the inbox says what is unread, leads to it and marks it", async () => {
  const notice = {
    id: "7",
    project_id: PROJECT,
    project: "Shop",
    kind: "webhook_disabled",
    data: { host: "hooks.example.com" },
    read: false,
    created_at: "2026-03-01T00:00:00Z",
  };
  const { calls } = await openApp(`/p/${PROJECT}/system`, {
    ...BASE,
    "GET /api/v1/inbox": { items: [notice], unread: 1, next_cursor: null },
    "POST /api/v1/inbox/read": { unread: 0 },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Inbox, 1 unread" }));
  const dialog = await screen.findByRole("dialog", { name: "Inbox", hidden: true });
  expect(dialog).toHaveTextContent("hooks.example.com");
  await userEvent.click(within(dialog).getByRole("button", { name: /^Mark as read/, hidden: true }));
  await waitFor(() => expect(calls("POST", "/inbox/read")[0]?.body).toEqual({ ids: ["7"] }));
});

test("the strip stands over the page while something is wrong", async () => {
  await openApp(`/p/${PROJECT}/sql`, { ...BASE, "GET /api/v1/system": { ...SYSTEM, state: "degraded" } });
  expect(await screen.findByText(/A part of Sluice does not answer/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Put this away" }));
  expect(screen.queryByText(/A part of Sluice does not answer/)).toBeNull();
});

test("the help is the documentation's own, in the reader's language", async () => {
  await openApp(`/p/${PROJECT}/sql`, BASE, user("owner"), "ru");
  await userEvent.click(await screen.findByRole("button", { name: "Справка по странице" }));
  const dialog = await screen.findByRole("dialog", { name: "Справка", hidden: true });
  const text = readFileSync(join(import.meta.dirname, "../../docs/help/sql.ru.md"), "utf-8");
  const first = /\n\n(.+?)\n/.exec(text)?.[1]?.replaceAll("`", "") ?? "";
  await waitFor(() => expect(dialog).toHaveTextContent(first));
});

test("the first steps are ticked by what is there, and stay away once put away", async () => {
  localStorage.clear();
  await openApp(`/p/${PROJECT}/overview`, {
    ...BASE,
    "POST /api/v1/query/events": { items: [{}], next_cursor: null },
    "POST /api/v1/query/breakdown": { rows: [{}], other: 0, total: 1 },
    "GET /api/v1/organisations/22222222-2222-4222-8222-222222222222/members": { items: [{}], next_cursor: null },
    "GET /api/v1/dashboards": { items: [], next_cursor: null },
    "GET /api/v1/alerts": { items: [], next_cursor: null },
  });
  const steps = await screen.findByRole("region", { name: "First steps" });
  const line = (name: string) => within(steps).getByRole("link", { name }).closest("li");
  expect(line("Send the first event")).toHaveClass("done");
  expect(line("Make a dashboard")).not.toHaveClass("done");
  await userEvent.click(within(steps).getByRole("button", { name: /Do not show/ }));
  expect(screen.queryByRole("region", { name: "First steps" })).toBeNull();
  expect(localStorage.getItem(`sluice_steps_${PROJECT}`)).toBe("1");
});

test("a page the server refuses leaves the shell as it is", async () => {
  await openApp(`/p/${PROJECT}/sql`, { ...BASE, "GET /api/v1/query/sql/tables": problem(403, "role_missing", "no") });
  expect(await screen.findByText("no")).toBeVisible();
});
