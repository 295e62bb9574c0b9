import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { Rule } from "../src/api/alerts";
import { drawnPreview } from "../src/charts/alerts";
import { freshRule, isReady, marksOf, wantedRule } from "../src/state/alerts";
import { openApp, PROJECT, problem, user } from "./app";

const ALERTS = "/api/v1/alerts";
const ID = "33333333-3333-4333-8333-333333333333";
const ONE = `${ALERTS}/${ID}`;
const rule: Rule = { ...freshRule("ada@example.org", "en"), name: "too many errors" };
const alert = {
  id: ID,
  rule: { ...rule, query: { ...rule.query, events: ["error"] } },
  paused: false,
  state: "firing",
  value: 412,
  problem: null,
  pending_since: null,
  incident_id: "i1",
  incident: { id: "i1", state: "open" },
  groups: [],
  evaluated_to: "2026-03-31T12:00:00Z",
  created_at: "2026-03-31T12:00:00Z",
  updated_at: "2026-03-31T12:00:00Z",
};
const preview = {
  condition: "count over 1h > 100",
  points: ["10:00", "11:00", "12:00"].map((time, place) => ({
    at: `2026-03-31T${time}:00Z`,
    value: [1, 250, 2][place],
    holds: place === 1,
    state: place === 1 ? "firing" : "ok",
    group: "",
  })),
  incidents: [{ from: "2026-03-31T11:00:00Z", to: "2026-03-31T12:00:00Z", group: "" }],
  range: { from: "2026-03-24T12:00:00Z", to: "2026-03-31T12:00:00Z" },
};
const none = { items: [], next_cursor: null };
const editor = {
  "GET /api/v1/channels": { items: [] },
  "GET /api/v1/webhooks": { items: [] },
  "GET /api/v1/policies": none,
  "GET /api/v1/schema/events": { items: [{ event: "user_registered", count: 3 }] },
};

test("alerts: where each stands in words, its incident, and it is paused and removed after a question", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/alerts`, {
    [`GET ${ALERTS}`]: { items: [alert], next_cursor: null },
    [`POST ${ONE}/pause`]: { ...alert, paused: true },
    [`DELETE ${ONE}`]: {},
  });
  const row = await screen.findByRole("row", { name: /too many errors/ });
  expect(within(row).getByText("firing")).toBeVisible();
  expect(within(row).getByText("error over 1 h > 100")).toBeVisible();
  expect(within(row).getByRole("link", { name: /^Incident/ })).toHaveAttribute(
    "href",
    expect.stringContaining("/incidents/i1"),
  );
  await userEvent.click(within(row).getByRole("button", { name: /^Pause/ }));
  expect(calls("POST", "/pause")).toHaveLength(1);
  await userEvent.click(within(row).getByRole("button", { name: /^Remove/ }));
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(calls("DELETE", ID)).toHaveLength(1));
});

test("alerts: none yet offers three to begin with; one of them is the editor, with events that there are", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/alerts`, {
    ...editor,
    [`GET ${ALERTS}`]: none,
    [`POST ${ALERTS}/preview`]: preview,
    [`POST ${ALERTS}`]: alert,
    [`GET ${ONE}`]: alert,
  });
  await userEvent.click(await screen.findByRole("link", { name: /Unusual signups/ }));
  expect(await screen.findByRole("textbox", { name: "Name" })).toHaveValue("Unusual signups");
  expect(await screen.findByText(/It would have fired 1 time\./)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(calls("POST", "/alerts")).toHaveLength(1));
  expect(calls("POST", "/alerts")[0]?.body).toMatchObject({
    query: { events: ["user_registered"] },
    condition: { type: "anomaly", method: "mad" },
    notify: { emails: ["ada@example.org"] },
  });
});

test("the editor: several conditions are put together, and what is refused is said at its field", async () => {
  let refused = "`window` 40d is not from 1m to 31d";
  const { calls } = await openApp(`/p/${PROJECT}/alerts/new`, {
    ...editor,
    [`POST ${ALERTS}`]: () => (refused ? problem(400, "bad_range", refused) : alert),
    [`GET ${ONE}`]: alert,
  });
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "both");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  const said = await screen.findByText(/is not from 1m to 31d/);
  expect(said).toHaveClass("field-note");
  expect(screen.getByRole("spinbutton", { name: /^Over how long/ }).compareDocumentPosition(said)).toBe(
    Node.DOCUMENT_POSITION_FOLLOWING,
  );
  refused = "";
  const [type] = screen.getAllByLabelText("Condition");
  await userEvent.selectOptions(type as HTMLElement, "composite");
  await userEvent.click(screen.getByRole("radio", { name: "one is enough" }));
  const second = screen.getByRole("group", { name: "Condition 2" });
  await userEvent.selectOptions(within(second).getByLabelText("Condition"), "change");
  await userEvent.clear(within(second).getByLabelText("Value, %"));
  await userEvent.type(within(second).getByLabelText("Value, %"), "30");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(calls("POST", "/alerts")).toHaveLength(2));
  expect(calls("POST", "/alerts")[1]?.body.condition).toEqual({
    type: "composite",
    match: "any",
    conditions: [
      { condition: rule.condition, query: null },
      {
        condition: { type: "change", value: 30, direction: "either", against: "week", recover: null },
        query: null,
      },
    ],
  });
});

test("an alert: its steps and incidents, and what it comes to now; a viewer reads and is offered nothing", async () => {
  const answers = {
    [`GET ${ONE}`]: alert,
    [`GET ${ONE}/history`]: {
      items: [
        {
          id: "h1",
          at: "2026-03-31T12:00:00Z",
          group: "",
          before: "ok",
          after: "firing",
          value: 412,
          incident_id: "i1",
          problem: null,
        },
      ],
      next_cursor: null,
    },
    "GET /api/v1/incidents": none,
    [`POST ${ONE}/test`]: {
      holds: true,
      value: 7,
      groups: [],
      condition: "",
      problem: null,
      range: { from: "2026-03-31T11:00:00Z", to: "2026-03-31T12:00:00Z" },
    },
  };
  const { asked } = await openApp(`/p/${PROJECT}/alerts/${ID}`, answers);
  expect(await screen.findByText("ok →", { exact: false })).toBeVisible();
  expect(asked.find(({ path }) => path === "/api/v1/incidents")?.search).toContain(`rule_id=${ID}`);
  await userEvent.click(screen.getByRole("button", { name: "Test now" }));
  expect(await screen.findByText("The condition holds.")).toBeVisible();
  document.body.innerHTML = "";
  await openApp(`/p/${PROJECT}/alerts/${ID}`, answers, user("viewer"));
  expect(await screen.findByText("ok →", { exact: false })).toBeVisible();
  expect(screen.queryByRole("button", { name: /Pause|Remove|Test/ })).toBeNull();
  expect(screen.queryByRole("link", { name: "Change" })).toBeNull();
});

test("what does not go with a condition is left out of what is sent, and half a funnel is not asked for", () => {
  const grouped: Rule = { ...rule, query: { ...rule.query, events: ["a"], group_by: "country" }, min_volume: 5 };
  const funnel: Rule = {
    ...grouped,
    condition: {
      type: "funnel",
      steps: [{ event: "a" }, { event: "b" }, {}],
      within: "1d",
      op: "lt",
      value: 0.1,
      recover: null,
      order: "sequential",
      ties: "after",
    },
  };
  expect(isReady(funnel)).toBe(true);
  expect(wantedRule(funnel)).toMatchObject({
    query: { events: [], measure: "count", group_by: null },
    condition: { steps: [{ event: "a" }, { event: "b" }] },
  });
  expect(isReady({ ...funnel, condition: { ...funnel.condition, steps: [{ event: "a" }, {}] } as never })).toBe(false);
  expect(wantedRule({ ...grouped, condition: { type: "absence" } })).toMatchObject({
    min_volume: 0,
    query: { group_by: "country" },
  });
  expect(marksOf({ type: "change", value: 50, direction: "either", against: "day", recover: 20 })).toEqual({
    fires: [50, -50],
    over: [20, -20],
  });
});

test("a preview is drawn as a line for each group; the shade of what fired covers its windows", () => {
  const { rows, series, fired } = drawnPreview(preview as never, (at) => at.slice(11, 16), "Value");
  expect(rows).toEqual([
    { point: "10:00", s0: 1 },
    { point: "11:00", s0: 250 },
    { point: "12:00", s0: 2 },
  ]);
  expect(series.map(({ name }) => name)).toEqual(["Value"]);
  expect(fired).toEqual([{ from: "10:00", to: "11:00" }]);
});
