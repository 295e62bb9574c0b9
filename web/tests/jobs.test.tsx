import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { canonical, verdictOf } from "../src/state/certificate";
import { listed, MOST_PEOPLE } from "../src/state/ids";
import { openApp, PROJECT, problem, user } from "./app";

const at = (path: string) => `/p/${PROJECT}/${path}`;
const NONE = { items: [], next_cursor: null };
const JOB = {
  id: "j1",
  state: "running",
  progress: 0.25,
  attempts: 1,
  result: null,
  error: null,
  created_at: "2026-11-01T10:00:00Z",
  started_at: "2026-11-01T10:00:01Z",
  updated_at: "2026-11-01T10:00:02Z",
  finished_at: null,
  expired_at: null,
};
const EXPORT = { ...JOB, request: { format: "csv", from: "2026-01-01", to: "2026-02-01", events: ["buy"] } };

test("a list of people is what its lines say, each once", () => {
  expect(listed('ada\r\n"bob",\n\n ada \n', "user_id")).toEqual({
    people: ["u:ada", "u:bob"],
    repeated: 1,
    unclear: [],
  });
  expect(listed("u:ada\nada\na:x", "people")).toEqual({ people: ["u:ada", "a:x"], repeated: 0, unclear: [2] });
  expect(listed(Array.from({ length: MOST_PEOPLE + 1 }, (_, n) => n).join("\n"), "user_id").people).toHaveLength(
    MOST_PEOPLE + 1,
  );
});

test("a certificate is genuine as it was signed, and no other", async () => {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const text = (value: string) => url(new TextEncoder().encode(value));
  const x = url(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  const whole = { people: 1, mode: "erase", gone_at: null, stores: [{ store: "имя\n", left: 0 }], key_id: "k" };
  expect(canonical({ b: 1, a: [true, null, "ü"] })).toBe('{"a":[true,null,"ü"],"b":1}');
  const head = text(canonical({ alg: "EdDSA", kid: "k" }));
  const said = new TextEncoder().encode(`${head}.${text(canonical(whole))}`);
  const signature = `${head}..${url(new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, said)))}`;
  expect(await verdictOf({ ...whole, signature }, [{ kid: "k", x }])).toBe("genuine");
  expect(await verdictOf({ ...whole, people: 2, signature }, [{ kid: "k", x }])).toBe("changed");
  expect(await verdictOf({ ...whole, signature: "rubbish" }, [{ kid: "k", x }])).toBe("changed");
  expect(await verdictOf({ ...whole, signature }, [{ kid: "other", x }])).toBe("unknown_key");
});

test("an export is asked for as it was put together, and its page asks again until it is done", async () => {
  let asked = 0;
  const file = { name: "part-00000.csv", rows: 5, bytes: 1200, sha256: "ab".repeat(32), url: "http://x/file" };
  const result = { rows: 5, bytes: 1200, version: 1, stable: true, files: [file], manifest: { name: "manifest.json" } };
  const { calls } = await openApp(at("exports/new"), {
    "POST /api/v1/query/count": { value: 5 },
    "GET /api/v1/schema/events": { items: [] },
    "GET /api/v1/schema/properties": { items: [] },
    "POST /api/v1/exports": { id: "j1", state: "queued" },
    "GET /api/v1/exports/j1": () => {
      asked += 1;
      return asked < 2 ? EXPORT : { ...EXPORT, state: "completed", progress: 1, result };
    },
  });
  await userEvent.click(await screen.findByRole("radio", { name: "CSV" }));
  await userEvent.type(screen.getByLabelText("Tell by mail"), "ada@example.org, bob@example.org");
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  expect(await screen.findByRole("link", { name: "part-00000.csv" })).toHaveAttribute("href", "http://x/file");
  expect(calls("POST", "/exports")[0]?.body).toMatchObject({
    format: "csv",
    formulas: "escape",
    events: [],
    notify: { emails: ["ada@example.org", "bob@example.org"], language: "en" },
  });
  expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
});

test("an erasure begins only after the id was typed", async () => {
  const erasure = { ...JOB, state: "queued", request: { people: 1, fingerprint: "f", reason: "" } };
  const { calls } = await openApp(at("privacy/erase"), {
    "POST /api/v1/erasures": { id: "j1", state: "queued" },
    "GET /api/v1/erasures/j1": erasure,
  });
  await userEvent.type(await screen.findByLabelText("Ids"), "ada");
  await userEvent.click(screen.getByRole("button", { name: "Go on…" }));
  const dialog = await screen.findByRole("dialog", { name: "Erase 1 person for good?" });
  expect(within(dialog).queryByRole("button", { name: "Erase" })).toBeNull();
  await userEvent.type(within(dialog).getByLabelText("Type the id to go on"), "ada");
  await userEvent.click(within(dialog).getByRole("button", { name: "Erase" }));
  await waitFor(() => expect(calls("POST", "/erasures")).toHaveLength(1));
  expect(calls("POST", "/erasures")[0]?.body).toEqual({ people: ["u:ada"], linked: true, mode: "erase", reason: "" });
  expect(await screen.findByRole("heading", { name: "Erasure of 1 person" })).toBeVisible();
});

test("a viewer sees none of these pages but the ledger, an editor no other job than exports", async () => {
  const proof = {
    state: "gap",
    gaps: [],
    periods: [{ start: "2026-11-01T10:00:00Z", records: 1, accepted: 5, stored: 3, rejected: 1 }],
    ...{ accepted: 5, stored: 3, rejected: 1, in_flight: 0, dead_letters: 0, missing: 1, kept: 3, gone: 0 },
    checked_at: null,
  };
  await openApp(at("ledger"), { "GET /api/v1/ledger": proof }, user("viewer"));
  expect(await screen.findByText("Something is missing")).toBeVisible();
  expect(screen.getByText("In 1 of them something is missing.")).toBeInTheDocument();
  const pages = within(screen.getByRole("navigation"))
    .getAllByRole("link")
    .map((one) => one.textContent);
  expect(pages).toContain("Ledger");
  for (const name of ["Exports", "Jobs", "Privacy", "Data retention", "Backups"]) expect(pages).not.toContain(name);
});

test("an editor is offered no kind of job that would be left out", async () => {
  await openApp(at("jobs"), { "GET /api/v1/jobs": NONE }, user("editor"));
  const kinds = within(await screen.findByRole("combobox", { name: "Kind" })).getAllByRole("option");
  expect(kinds.map((one) => one.textContent)).toEqual(["Every kind", "Export"]);
});

test("copies of an instance that others run are theirs, and the page says so", async () => {
  await openApp(at("backups"), { "GET /api/v1/backups": () => problem(403, "role_missing", "for the operator") });
  expect(await screen.findByText(/the owners of the one that runs it/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Make a copy now" })).toBeNull();
});

test("a rule is tried as the server applies it before it is saved", async () => {
  const { calls } = await openApp(at("privacy/rules"), {
    "GET /api/v1/pii/rules": { items: [] },
    [`GET /api/v1/projects/${PROJECT}`]: { id: PROJECT, ip_mode: "truncate" },
    "POST /api/v1/pii/preview": { after: { email: "hash:1" }, changed: ["email"] },
    "POST /api/v1/pii/rules": problem(422, "bad_value", "`text` is no RE2 pattern"),
  });
  await userEvent.click(await screen.findByRole("button", { name: "New rule" }));
  const dialog = screen.getByRole("dialog", { name: "New rule" });
  await userEvent.type(within(dialog).getByLabelText("Name"), "email");
  await userEvent.click(within(dialog).getByRole("button", { name: "Try" }));
  expect(await within(dialog).findByText("Changed: email")).toBeVisible();
  expect(calls("POST", "/preview")[0]?.body.rule).toMatchObject({ match: "name", text: "email", action: "hash" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(await within(dialog).findByText("`text` is no RE2 pattern")).toBeVisible();
});
