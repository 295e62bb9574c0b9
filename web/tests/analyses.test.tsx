import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { layoutOf } from "../src/charts/sankey";
import { formatDuration } from "../src/i18n/format";
import { conditionOf } from "../src/state/asked";
import { definitionOf, groupOf, isComplete, simplest } from "../src/state/condition";
import { askedOf, viewOf } from "../src/state/explore";
import { asFunnel, funnelOf, goalOf } from "../src/state/funnel";
import { asRetention, bracketsOf, retentionOf } from "../src/state/retention";
import { parseView } from "../src/state/search";
import { openApp, PROJECT, user } from "./app";

const span = { from: "2026-01-01", to: "2026-01-31" };

test("ribbons are as wide as their people, and lie in a node without overlapping", () => {
  const nodes = [
    { id: "1:1", step: 1, people: 10, ended: 0 },
    { id: "2:1", step: 2, people: 6, ended: 6 },
    { id: "2:2", step: 2, people: 4, ended: 4 },
  ];
  const links = [
    { source: "1:1", target: "2:2", people: 4 },
    { source: "1:1", target: "2:1", people: 6 },
    { source: "1:1", target: "gone", people: 1 },
  ];
  const { nodes: placed, ribbons } = layoutOf(nodes, links, { width: 300, height: 218, labels: 90 });
  expect(placed.map(({ x, height }) => [x, height])).toEqual([
    [0, 200],
    [200, 120],
    [200, 80],
  ]);
  expect(ribbons.map(({ link, width }) => [link.target, width])).toEqual([
    ["2:1", 120],
    ["2:2", 80],
  ]);
  expect(ribbons[0]?.path).toMatch(/^M10 60C/);
  expect(ribbons[1]?.path).toMatch(/^M10 160C/);
});

test("lengths of time are said in their two largest units", () => {
  expect([0, 0.25, 59.6, 90, 3_600, 90_061].map((one) => formatDuration(one, "en"))).toEqual([
    "0 sec",
    "250 ms",
    "1 min",
    "1 min 30 sec",
    "1 hr",
    "1 day 1 hr",
  ]);
});

test("a funnel out of an address anybody may have written asks what the server takes", () => {
  const asked = funnelOf({
    steps: [{ event: "a" }, { any_of: ["b", 7], filters: [{ property: "x", op: "drop" }, { property: "y" }, 1] }, {}],
    window: "soon",
    order: "any",
    exclude: [{ act: { event: "c" }, from: 1, to: 9 }],
    hold: ["country", "", {}],
  });
  expect(asFunnel(asked)).toEqual({
    steps: [{ event: "a" }, { any_of: ["b", "7"], filters: [{ property: "y", op: "eq", value: "" }] }],
    window: "7d",
    order: "any",
    count_by: "users",
    hold: ["country"],
  });
  expect(funnelOf({}).steps).toBeUndefined();
  expect(goalOf(["page_view", "sign_up", "purchase"])).toBe("purchase");
});

test("conditions on several values and patterns stay what they are", () => {
  const listed = { property: "country", op: "in", value: ["DE", "FR"] };
  const pattern = { property: "path", op: "regex", value: "^/p/[0-9]+, x$" };
  const { series } = askedOf({ series: [{ measure: "count", events: ["a"], filters: [listed, pattern] }] });
  expect(series[0]?.act.filters).toEqual([listed, pattern]);
  const { filters } = viewOf({ last: "7d", query: { filters: [listed, pattern] } });
  expect(parseView({ filters }).filters).toEqual([listed, pattern]);
  expect(conditionOf({ property: "country", op: "not_in", value: "DE, FR," })?.value).toEqual(["DE", "FR"]);
});

test("options of retention that do not go together are not sent", () => {
  const money = asRetention(retentionOf({ measure: "sum", mode: "bracket", cohorts: "every", rolling: true }), span);
  expect(money).toMatchObject({ measure: "sum:revenue", mode: "exact", cumulative: true, first_time: false });
  expect(money).not.toHaveProperty("rolling");
  const seen = asRetention(retentionOf({ cohorts: "first_seen", start: { event: "a" } }), span);
  expect(seen).not.toHaveProperty("start");
  const dated = asRetention(retentionOf({ cohorts: "profile", date: "profile.born", count_by: "sessions" }), span);
  expect(dated).toMatchObject({ cohort_by: "profile.born", count_by: "users" });
  const byThen = asRetention(retentionOf({ by_then: true, mode: "bracket", breakdown: "plan" }), span);
  expect(byThen).toMatchObject({ mode: "exact", cumulative: true, breakdown: "plan" });
  expect(byThen).not.toHaveProperty("brackets");
  expect(bracketsOf("1-3, 4, x, 9–7")).toEqual([
    [1, 3],
    [4, 4],
    [9, 7],
  ]);
});

test("a definition is shown as a group, saved as simply as it can be said, and complete or not", () => {
  const did = { kind: "did", act: { event: "a" }, measure: "count", op: "gte", value: 1, days: 7 } as const;
  const nested = definitionOf({ kind: "and", of: [did, { kind: "not", of: { kind: "or", of: [] } }, { kind: "x" }] });
  expect(nested).toMatchObject({ of: [did, { kind: "not", of: { kind: "or" } }] });
  expect(nested && isComplete(nested)).toBe(false);
  expect(simplest(groupOf(did))).toEqual(did);
  expect(isComplete({ kind: "property", property: "plan", op: "is_set" })).toBe(true);
  expect(isComplete({ kind: "property", property: "plan", op: "eq", value: "" })).toBe(false);
});

const range = { from: "", to: "", timezone: "UTC" };
const step = (label: string, count: number, dropoff: number) => ({
  label,
  count,
  conversion: count / 10,
  from_previous: null,
  dropoff,
  median_seconds: 61,
  p90_seconds: 3_700,
});
const funnel = {
  steps: [step("a", 10, 6), step("b", 4, 0)],
  conversion: 0.4,
  times: [],
  trend: [],
  breakdown: null,
  hint: "",
  range,
};

test("funnel: who left after a step are those who came to it and no further", async () => {
  const ask = encodeURIComponent(JSON.stringify({ steps: [{ event: "a" }, { event: "b" }] }));
  const { calls } = await openApp(`/p/${PROJECT}/funnel?ask=${ask}`, {
    "POST /api/v1/query/funnel": funnel,
    "POST /api/v1/query/funnel/people": {
      items: [
        { id: "u:<b>eve</b>", entered_at: "2026-01-01T00:00:00Z", reached_at: "2026-01-01T00:00:05Z", seconds: 5 },
      ],
      next_cursor: null,
      range,
    },
  });
  await userEvent.click(await screen.findByRole("button", { name: /^6 – Left after step 1/ }));
  const dialog = screen.getByRole("dialog", { name: "Left after step 1" });
  expect(await within(dialog).findByRole("link", { name: "<b>eve</b>" })).toHaveAttribute(
    "href",
    expect.stringContaining("people/u%3A%3Cb%3Eeve%3C%2Fb%3E"),
  );
  expect(calls("POST", "/funnel/people")[0]?.body).toMatchObject({
    step: 1,
    dropped: true,
    steps: [{ event: "a" }, { event: "b" }],
  });
});

test("segment: a condition is turned into its opposite, counted at once, and saved", async () => {
  const did = { kind: "did", act: { event: "buy" }, measure: "count", op: "gte", value: 2, days: 30 };
  const ask = encodeURIComponent(JSON.stringify({ definition: { kind: "and", of: [did] } }));
  const { calls } = await openApp(`/p/${PROJECT}/segments/new?ask=${ask}`, {
    "GET /api/v1/segments": { items: [], next_cursor: null },
    "GET /api/v1/segments/presets": [],
    "POST /api/v1/segments/preview": { size: 3, of_people: 12, share: 0.25, points: [] },
    "POST /api/v1/segments": { id: "s1", name: "Quiet", kind: "dynamic", description: "", definition: did },
  });
  expect(await screen.findByText("of 12 people, 25%")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Not" }));
  await waitFor(() => expect(calls("POST", "/preview").at(-1)?.body).toEqual({ definition: { kind: "not", of: did } }));
  await userEvent.type(screen.getByLabelText("Name"), "Quiet");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(calls("POST", "/segments")[0]?.body).toMatchObject({ name: "Quiet", definition: { kind: "not", of: did } }),
  );
});

const person = {
  person: "u:1",
  keys: ["a:x", "u:1"],
  profile: { name: "Ada", plan: "pro" },
  traits: {
    first_seen: null,
    last_seen: null,
    events: 0,
    sessions: 0,
    active_days: 0,
    revenue: { EUR: 5 },
    counts: [],
  },
  links: [],
  merges: [
    {
      id: "m1",
      from_key: "a:x",
      to_key: "u:1",
      merged_at: "2026-01-01T00:00:00Z",
      merged_by: "user:u1",
      reason: "same phone",
      removed_at: null,
      removed_by: null,
    },
  ],
  history: [],
};
const ofPerson = {
  "GET /api/v1/people/u%3A1": person,
  "GET /api/v1/people/u%3A1/timeline": { items: [], next_cursor: null },
  "GET /api/v1/people/u%3A1/sessions": { items: [], next_cursor: null },
  "GET /api/v1/organisations/22222222-2222-4222-8222-222222222222/members": {
    items: [{ user_id: "u1", email: "ada@example.org", name: "Ada L.", role: "owner", joined_at: "" }],
  },
};

test("person: who merged them, when and why; who may not merge sees no button for it", async () => {
  await openApp(`/p/${PROJECT}/people/u%3A1`, ofPerson, user("viewer"));
  const identity = await screen.findByRole("region", { name: "Identity" });
  expect(await within(identity).findByText(/Ada L\., Jan 1/)).toBeVisible();
  expect(within(identity).getByText("same phone")).toBeVisible();
  expect(within(identity).queryByRole("button")).toBeNull();
});

test("person: a merge is taken back with a reason", async () => {
  const { calls } = await openApp(`/p/${PROJECT}/people/u%3A1`, {
    ...ofPerson,
    "DELETE /api/v1/people/u%3A1/merges/m1": { person: "u:1", merge: person.merges[0], keys: [] },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Take back: a:x" }));
  await userEvent.type(screen.getByLabelText("Why"), "mistake");
  await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Take back" }));
  await waitFor(() => expect(calls("DELETE", "/m1")[0]?.search).toBe("?reason=mistake"));
});
