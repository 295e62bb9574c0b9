import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { openApp, PROJECT, problem, user } from "./app";

const points = (...values: (number | null)[]) =>
  values.map((value, place) => [`2026-03-0${place + 1}T00:00:00Z`, value] as const);
const line = (name: string, total: number | null, ...values: (number | null)[]) => ({
  name,
  label: "",
  key: null,
  other: false,
  total,
  points: points(...values),
});
const explored = (...series: object[]) => ({
  series,
  interval: "day",
  incomplete_last: false,
  incomplete_from: null,
  compare: null,
  range: {},
});
const none = { items: [], next_cursor: null };
const SERVER = {
  "GET /api/v1/schema/events": none,
  "GET /api/v1/schema/properties": none,
  "GET /api/v1/annotations": none,
  "GET /api/v1/definitions": none,
  "GET /api/v1/dashboards": none,
};
const board = (more: object = {}) => ({
  id: "d1",
  project_id: PROJECT,
  name: "Shop",
  description: "",
  access: "organisation",
  widgets: [],
  layout: {},
  version: 3,
  created_by: "u1",
  updated_by: "u1",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-02T00:00:00Z",
  ...more,
});

test("explore asks the API for what is chosen and shows a table that says the same", async () => {
  const ask = { series: [{ measure: "users" }, { measure: "count" }], formulas: [{ formula: "B / A" }], kind: "table" };
  const { calls } = await openApp(`/p/${PROJECT}/explore?ask=${encodeURIComponent(JSON.stringify(ask))}`, {
    ...SERVER,
    "POST /api/v1/query/explore": explored(line("A", 2, 1, 2), line("B", 5, 2, 3), line("B / A", 2.5, 2, null)),
  });
  const row = await screen.findByRole("row", { name: /March 2/ });
  expect(
    within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toEqual(["2", "3", ""]);
  expect(screen.getByRole("figure", { description: /Users 2; Number of events 5; B \/ A 2\.5/ })).toBeVisible();
  const { body } = calls("POST", "/query/explore")[0] ?? { body: {} };
  expect(body).toMatchObject({
    series: [{ measure: "users" }, { measure: "count" }],
    formulas: [{ formula: "B / A" }],
    interval: "day",
  });
});

test("explore says what the server refuses, and asks nothing while a measure has no property", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/explore`, {
    ...SERVER,
    "POST /api/v1/query/explore": () => problem(400, "bad_request", "series A cannot be cumulative"),
  });
  expect(await screen.findByRole("alert")).toHaveTextContent("series A cannot be cumulative");
  const asked = calls("POST", "/query/explore").length;
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Measure of series A" }), "sum");
  expect(await screen.findByText(/Choose a property/)).toBeVisible();
  expect(calls("POST", "/query/explore")).toHaveLength(asked);
});

test("who may look only is offered neither to save nor to note nor to change a dashboard", async () => {
  await openApp(`/p/${PROJECT}/dashboards/d1`, { ...SERVER, "GET /api/v1/dashboards/d1": board() }, user("viewer"));
  expect(await screen.findByRole("heading", { level: 1, name: "Shop" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Share" })).toBeNull();
  expect(screen.getByText("Nothing is on this dashboard yet.")).toBeVisible();
});

test("an editor may not change somebody else's dashboard that others only look at", async () => {
  await openApp(
    `/p/${PROJECT}/dashboards/d1`,
    { ...SERVER, "GET /api/v1/dashboards/d1": board({ access: "organisation_reads", created_by: "u2" }) },
    user("editor"),
  );
  expect(await screen.findByRole("heading", { level: 1, name: "Shop" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
});

test("a widget whose definition was removed says so, and the others stay", async () => {
  const widgets = [
    { id: "a", title: "Gone", definition_id: "11111111-1111-4111-8111-00000000000a" },
    { id: "b", title: "Words", text: "<b>plain</b>" },
  ];
  await openApp(`/p/${PROJECT}/dashboards/d1`, { ...SERVER, "GET /api/v1/dashboards/d1": board({ widgets }) });
  expect(await within(await screen.findByRole("region", { name: "Gone" })).findByText(/was removed/)).toBeVisible();
  expect(within(screen.getByRole("region", { name: "Words" })).getByText("<b>plain</b>")).toBeVisible();
});

test("a dashboard is made with a name and opened to be filled", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/dashboards`, {
    ...SERVER,
    "POST /api/v1/dashboards": () => board({ name: "Mine" }),
    "GET /api/v1/dashboards/d1": board({ name: "Mine" }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "New dashboard" }));
  await userEvent.type(screen.getByLabelText("Name"), "Mine");
  await userEvent.click(screen.getByRole("button", { name: "Create" }));
  expect(await screen.findByRole("button", { name: "Add a widget" })).toBeVisible();
  expect(calls("POST", "/dashboards")[0]?.body).toMatchObject({ name: "Mine", access: "organisation", widgets: [] });
});

test("what was saved meanwhile is named, and nothing is overwritten", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/dashboards/d1?ask=${encodeURIComponent('{"edit":true}')}`, {
    ...SERVER,
    "GET /api/v1/dashboards/d1": board(),
    "PUT /api/v1/dashboards/d1": () => problem(412, "version_changed", "the newest version is 4"),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.getByRole("alert")).toHaveTextContent(/Somebody else has saved/));
  expect(calls("PUT", "/dashboards/d1")).toHaveLength(1);
});
