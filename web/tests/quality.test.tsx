import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { KINDS } from "../src/api/quality";
import { quality as en } from "../src/i18n/areas/quality.en";
import { quality as ru } from "../src/i18n/areas/quality.ru";
import { readObject } from "../src/panels/QualityEditor";
import { openApp, PROJECT, problem, user } from "./app";

const P = `/p/${PROJECT}`;
const AT = "2026-01-01T00:00:00Z";
const finding = {
  id: "f1",
  kind: "null_rate",
  event: "order",
  property: "price",
  value: 0.5,
  expected: 0.01,
  detail: "1% → 50%",
  opened_at: AT,
  seen_at: AT,
  closed_at: null,
  acknowledged_at: null,
  acknowledged_by: "",
  note: "",
};
const scores = {
  score: 55,
  checked: "2026-01-01",
  items: [
    {
      event: "order",
      day: "2026-01-01",
      score: 55,
      volume: 120,
      penalties: { null_rate: 5, schema_violation: 40 },
      findings: 2,
    },
  ],
  open: 2,
  unacknowledged: 2,
  mode: "observe",
};
const ANSWERS = {
  "GET /api/v1/quality": scores,
  "GET /api/v1/quality/history": { event: "", items: [] },
  "GET /api/v1/quality/findings": { items: [finding], next_cursor: null },
};
const schema = {
  id: "s1",
  event: "order",
  version: 2,
  compatibility: "backward",
  schema: { type: "object" },
  created_at: AT,
  updated_at: AT,
};
const SCHEMA = {
  "GET /api/v1/schemas/s1": schema,
  "GET /api/v1/schemas/s1/versions": {
    items: [{ version: 1, schema: { required: ["old"] }, note: "first", created_at: AT }],
  },
};

test("each kind of finding has words in both languages", () => {
  for (const texts of [en, ru])
    for (const kind of KINDS) expect([texts.kind[kind], texts.kindAbout[kind]].every(Boolean)).toBe(true);
});

test("what is no JSON object says why", () => {
  expect(readObject('{"a": 1}')).toEqual({ value: { a: 1 } });
  for (const text of ["[]", "1", "{", '"a"']) expect(readObject(text).why).toBeTruthy();
});

test("quality: scores with what took points off, a finding is acknowledged with a note", async () => {
  const { calls } = await openApp(`${P}/quality`, {
    ...ANSWERS,
    "POST /api/v1/quality/findings/f1/acknowledge": {
      ...finding,
      acknowledged_at: AT,
      acknowledged_by: "ada@example.org",
      note: "being mended",
    },
    "POST /api/v1/quality/check": { days: 1 },
  });
  const events = await screen.findByRole("table", { name: "Events" });
  expect(within(events).getByText(/2 findings: Not as the schema says −40, Often empty −5/)).toBeVisible();
  await userEvent.click(await screen.findByRole("button", { name: "Often empty: order · price" }));
  const dialog = screen.getByRole("dialog");
  expect(within(dialog).getByText("1% → 50%")).toBeVisible();
  await userEvent.type(within(dialog).getByLabelText("Note"), "being mended");
  await userEvent.click(within(dialog).getByRole("button", { name: "I know of it" }));
  expect(await within(dialog).findByText(/Known to ada@example\.org/)).toBeVisible();
  expect(calls("POST", "/acknowledge")[0]?.body).toEqual({ note: "being mended" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
  await userEvent.click(screen.getByRole("button", { name: "Only order" }));
  await waitFor(() => expect(calls("GET", "/findings").at(-1)?.search).toContain("event=order"));
  await userEvent.click(screen.getByRole("radio", { name: "Over" }));
  await waitFor(() => expect(calls("GET", "/findings").at(-1)?.search).toContain("state=closed"));
  await userEvent.click(screen.getByRole("button", { name: "Check now" }));
  await waitFor(() => expect(calls("POST", "/quality/check")).toHaveLength(1));
});

test("a viewer sees findings and no button that would be refused", async () => {
  await openApp(`${P}/quality`, ANSWERS, user("viewer"));
  await userEvent.click(await screen.findByRole("button", { name: "Often empty: order · price" }));
  expect(screen.queryByRole("button", { name: "I know of it" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Check now" })).toBeNull();
});

test("tracking plan: to reject is asked first, to warn is not", async () => {
  const { calls } = await openApp(`${P}/plan`, {
    "GET /api/v1/schemas": { items: [schema], next_cursor: null, mode: "observe" },
    "GET /api/v1/schemas/settings": { mode: "observe", mail_admins: false },
    "PUT /api/v1/schemas/settings": ({ body }: { body: object }) => body,
  });
  expect(await screen.findByRole("link", { name: "order" })).toBeVisible();
  await userEvent.click(await screen.findByRole("radio", { name: "Reject" }));
  expect(calls("PUT", "/settings")).toHaveLength(0);
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Refuse them" }));
  await waitFor(() => expect(calls("PUT", "/settings")[0]?.body).toEqual({ mode: "reject", mail_admins: false }));
  expect(await screen.findByRole("radio", { name: "Reject", checked: true })).toBeInTheDocument();
  await userEvent.click(screen.getByRole("radio", { name: "Warn" }));
  await waitFor(() => expect(calls("PUT", "/settings")[1]?.body).toEqual({ mode: "warn", mail_admins: false }));
});

test("a schema: compared, refused with its reason, an older version taken up again", async () => {
  const { calls } = await openApp(`${P}/plan/s1`, {
    ...SCHEMA,
    "POST /api/v1/schemas/s1/try": {
      compatible: false,
      compatibility: "backward",
      breaks: [{ path: "old", breaks: "backward", change: "required" }],
    },
    "PUT /api/v1/schemas/s1": problem(409, "schema_incompatible", "it promises `backward`, and breaks it at old"),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Put into the editor: 1" }));
  const editor = screen.getByLabelText("JSON Schema of the properties");
  expect(editor).toHaveValue('{\n  "required": [\n    "old"\n  ]\n}');
  await userEvent.click(screen.getByRole("button", { name: "Compare with version 2" }));
  expect(await screen.findByText("old must be there in the new version only")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Save as version 3" }));
  expect(await screen.findByText(/it promises `backward`/)).toBeVisible();
  expect(calls("PUT", "/s1")[0]?.body).toMatchObject({ schema: { required: ["old"] }, compatibility: "backward" });
  await userEvent.clear(editor);
  await userEvent.type(editor, "[[");
  await userEvent.click(screen.getByRole("button", { name: "Save as version 3" }));
  expect(await screen.findByText(/This is not a JSON object/)).toBeVisible();
  expect(calls("PUT", "/s1")).toHaveLength(1);
});

test("dictionary: texts are edited where they stand, Escape leaves them", async () => {
  const item = {
    name: "order",
    volume: 12,
    first_seen: AT,
    last_seen: AT,
    types: {},
    description: "",
    owner: "Ada",
    tags: ["core"],
    hidden: false,
    schema: 2,
  };
  const { calls } = await openApp(`${P}/dictionary`, {
    "GET /api/v1/dictionary": {
      event: "",
      items: [item, { ...item, name: "noise", hidden: true, schema: null, owner: "" }],
      complete: true,
      range: {},
      took_ms: 1,
    },
    "PATCH /api/v1/dictionary": {},
  });
  await userEvent.click(await screen.findByRole("button", { name: "Description of order: empty" }));
  await userEvent.keyboard("Somebody paid{Enter}");
  await waitFor(() =>
    expect(calls("PATCH", "/dictionary")[0]?.body).toEqual({ event: "order", description: "Somebody paid" }),
  );
  await userEvent.click(screen.getByRole("button", { name: "Owner of order: Ada" }));
  await userEvent.keyboard("Bob{Escape}");
  expect(screen.getByRole("button", { name: "Owner of order: Ada" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Tags of order: core" }));
  await userEvent.keyboard("core, money {Enter}");
  await waitFor(() =>
    expect(calls("PATCH", "/dictionary")[1]?.body).toEqual({ event: "order", tags: ["core", "money"] }),
  );
  expect(screen.queryByText("noise")).toBeNull();
  await userEvent.click(screen.getByRole("checkbox", { name: "With hidden ones" }));
  await userEvent.click(screen.getByRole("button", { name: "Show noise again" }));
  await waitFor(() => expect(calls("PATCH", "/dictionary")[2]?.body).toEqual({ event: "noise", hidden: false }));
});
