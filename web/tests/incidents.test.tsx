import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { daysOf, lengthOf } from "../src/state/policy";
import { openApp, PROJECT, problem, user } from "./app";

const INCIDENTS = "/api/v1/incidents";
const POLICIES = "/api/v1/policies";
const MAINTENANCE = "/api/v1/maintenance";
const incident = {
  id: "33333333-3333-4333-8333-333333333333",
  name: "no signups",
  group: "DE",
  severity: "error",
  state: "open",
  rule_id: null,
  policy_id: "p1",
  dedup_key: "k",
  snoozed_until: null,
  held: "",
  in_maintenance: false,
  step: 1,
  next_at: "2026-03-31T12:30:00Z",
  condition: "count of signup over 5m = 0",
  value: 0,
  threshold: null,
  window: "5m",
  since: null,
  opened_at: "2026-03-31T12:00:00Z",
  acknowledged_at: null,
  acknowledged_by: "",
  resolved_at: null,
};
const step = (kind: string, more: object = {}) => ({
  id: `${kind}${JSON.stringify(more)}`,
  at: "2026-03-31T12:00:00Z",
  kind,
  actor: "",
  who: "",
  note: "",
  data: {},
  ...more,
});
const ONE = `${INCIDENTS}/${incident.id}`;
const timeline = [
  step("opened"),
  step("notified", { data: { step: 1, repeat: 0, emails: ["a@b.example"], channels: ["c1", "c2"] } }),
  step("held", { data: { why: "quiet", until: "2026-03-31T20:00:00Z" } }),
];
const policy = {
  id: "p1",
  policy: {
    name: "office",
    steps: [{ emails: ["a@b.example"], channels: [], after: "0m", repeat: "30m" }],
    quiet_hours: {
      timezone: "UTC",
      severities: ["info"],
      spans: [{ days: ["mon", "tue", "wed", "sun"], from: "22:00", to: "08:00" }],
    },
    language: "en",
  },
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
};

test("incidents: what is not over is listed, and others are a choice in the address", async () => {
  const { asked } = await openApp(`/p/${PROJECT}/incidents`, {
    [`GET ${INCIDENTS}`]: { items: [incident], next_cursor: null },
  });
  const row = await screen.findByRole("row", { name: /no signups/ });
  expect(within(row).getByText("open")).toBeVisible();
  expect(asked.find(({ path }) => path === INCIDENTS)?.search).toContain("state=unresolved");
  await userEvent.click(screen.getByRole("radio", { name: "All" }));
  await userEvent.selectOptions(screen.getByLabelText("Severity"), "critical");
  await waitFor(() => expect(asked.at(-1)?.search).toContain("severity=critical"));
  expect(asked.at(-1)?.search).not.toContain("state=");
});

test("an incident: its timeline in words, and it is acknowledged with a reason", async () => {
  const after = { ...incident, state: "acknowledged", acknowledged_by: "ada@example.org" };
  const { calls } = await openApp(`/p/${PROJECT}/incidents/${incident.id}`, {
    [`GET ${ONE}`]: { incident, timeline },
    [`GET ${POLICIES}`]: { items: [policy], next_cursor: null },
    [`POST ${ONE}/acknowledge`]: {
      incident: after,
      timeline: [...timeline, step("acknowledged", { actor: "user:1", who: "ada@example.org", note: "on it" })],
    },
  });
  expect(await screen.findByText("Step 1: told a@b.example, 2 channels")).toBeVisible();
  expect(screen.getByText(/^Nobody told: quiet hours until/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Acknowledge" }));
  const dialog = screen.getByRole("dialog");
  await userEvent.type(within(dialog).getByRole("textbox"), "on it");
  await userEvent.click(within(dialog).getByRole("button", { name: "Acknowledge" }));
  expect(await screen.findByText("ada@example.org acknowledged it")).toBeVisible();
  expect(calls("POST", "/acknowledge")[0]?.body).toEqual({ note: "on it" });
  expect(screen.queryByRole("button", { name: "Acknowledge" })).toBeNull();
  expect(screen.getByRole("button", { name: "Snooze" })).toBeVisible();
});

test("an incident: a viewer reads it and is offered nothing that would be refused", async () => {
  await openApp(`/p/${PROJECT}/incidents/${incident.id}`, { [`GET ${ONE}`]: { incident, timeline } }, user("viewer"));
  expect(await screen.findByText("It opened")).toBeVisible();
  expect(screen.queryByRole("button", { name: /Acknowledge|Snooze|Resolve|Comment/ })).toBeNull();
});

test("policies: steps, repeats and quiet hours are put together; what is refused is said", async () => {
  let refused = true;
  const { calls } = await openApp(`/p/${PROJECT}/policies/new`, {
    "GET /api/v1/channels": { items: [{ id: "c1", name: "ops", type: "slack" }] },
    [`GET ${POLICIES}`]: { items: [], next_cursor: null },
    [`GET ${MAINTENANCE}`]: { items: [], next_cursor: null },
    [`POST ${POLICIES}`]: () => (refused ? problem(409, "conflict", "the project has 100 policies") : policy),
  });
  await userEvent.type(await screen.findByLabelText("Name"), "office");
  await userEvent.click(await screen.findByRole("checkbox", { name: /^ops/ }));
  await userEvent.click(screen.getByRole("button", { name: "One more step" }));
  await userEvent.type(screen.getByLabelText("E-mail addresses: Step 2"), "boss@b.example{Enter}");
  await userEvent.click(screen.getByRole("checkbox", { name: /^Quiet hours/ }));
  await userEvent.click(screen.getByRole("checkbox", { name: "Sat" }));
  expect(screen.getByRole("region", { name: "What happens" })).toHaveTextContent(/after 15.min boss@b.example/);
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("the project has 100 policies");
  refused = false;
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Who is told" })).toBeVisible();
  expect(calls("POST", "/policies")[1]?.body).toEqual({
    name: "office",
    language: "en",
    steps: [
      { emails: ["ada@example.org"], channels: ["c1"], after: "0m", repeat: null },
      { emails: ["boss@b.example"], channels: [], after: "15m", repeat: null },
    ],
    quiet_hours: {
      timezone: "UTC",
      severities: ["info", "warning"],
      spans: [{ days: ["mon", "tue", "wed", "thu", "fri", "sun"], from: "22:00", to: "08:00" }],
    },
  });
});

test("maintenance: a window is planned by the clocks of its zone, for the rules that were ticked", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/policies`, {
    [`GET ${POLICIES}`]: { items: [policy], next_cursor: null },
    [`GET ${MAINTENANCE}`]: { items: [], next_cursor: null },
    "GET /api/v1/alerts": { items: [{ id: "r1", rule: { name: "no signups" } }], next_cursor: null },
    [`POST ${MAINTENANCE}`]: {},
  });
  expect(await screen.findByText("Mon–Wed, Sun 22:00–08:00")).toBeVisible();
  await userEvent.click(await screen.findByRole("button", { name: "Plan maintenance" }));
  const dialog = screen.getByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Name"), "move");
  await userEvent.click(await within(dialog).findByRole("checkbox", { name: "no signups" }));
  await userEvent.click(within(dialog).getByRole("checkbox", { name: /each week/ }));
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(calls("POST", "/maintenance")).toHaveLength(1));
  const body = calls("POST", "/maintenance")[0]?.body;
  expect(body).toMatchObject({ name: "move", timezone: "UTC", weekly: true, rules: ["r1"] });
  expect(Date.parse(`${body?.to}Z`) - Date.parse(`${body?.from}Z`)).toBe(7_200_000);
});

test("days that follow on each other are said as a span, and lengths with their unit", () => {
  expect(daysOf(["sun", "mon", "tue", "wed"], (day) => day)).toBe("mon–wed, sun");
  expect(daysOf(["sat", "sun"], (day) => day)).toBe("sat, sun");
  expect(lengthOf("15m", (unit) => `${unit}in`)).toBe("15\u00a0min");
});
