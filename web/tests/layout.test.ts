import { expect, test } from "vitest";
import { linesOf, namesOf } from "../src/charts/lines";
import { marksOf } from "../src/panels/Notes";
import { askedOf, exploreOf, questionOf, savedRange, viewOf } from "../src/state/explore";
import { instantOf, wallOf } from "../src/state/instant";
import { COLUMNS, compacted, moved, type Place, placed } from "../src/state/layout";

const place = (i: string, x: number, y: number, w = 4, h = 2): Place => ({ i, x, y, w, h });
const at = (places: readonly Place[], id: string) => places.find(({ i }) => i === id);

function apart(places: readonly Place[]): boolean {
  return places.every((one, index) =>
    places
      .slice(index + 1)
      .every(
        (other) =>
          one.x + one.w <= other.x ||
          other.x + other.w <= one.x ||
          one.y + one.h <= other.y ||
          other.y + other.h <= one.y,
      ),
  );
}

test("widgets keep their places, close gaps, and new ones come beside or below", () => {
  const layout = { items: [place("a", 0, 3), place("b", 4, 0, 8, 4), { i: "c", x: 99, y: "x", w: 0, h: 900 }] };
  const found = placed(layout, [{ id: "a" }, { id: "b" }, { id: "c" }, { id: "n", chart: "number" }]);
  expect(at(found, "a")).toMatchObject({ x: 0, y: 0 });
  expect(at(found, "b")).toMatchObject({ x: 4, y: 0, w: 8 });
  expect(at(found, "c")).toMatchObject({ w: 2, h: 20 });
  expect(apart(found)).toBe(true);
  expect(placed("nonsense", [{ id: "a" }, { id: "b" }]).map(({ x, y }) => [x, y])).toEqual([
    [0, 0],
    [6, 0],
  ]);
});

test("the keyboard moves and resizes within the grid, and others give way", () => {
  const start = compacted([place("a", 0, 0), place("b", 4, 0), place("c", 0, 2)]);
  expect(at(moved(start, "a", "left"), "a")).toMatchObject({ x: 0 });
  expect(at(moved(start, "b", "wider"), "b")).toMatchObject({ w: 5 });
  expect(at(moved(start, "a", "right"), "a")).toMatchObject({ x: 1, y: 0 });
  expect(at(moved(start, "c", "up"), "c")).toMatchObject({ y: 0 });
  expect(at(moved(start, "a", "down"), "a")?.y).toBeGreaterThan(0);
  expect(at(moved(start, "a", "down"), "c")?.y).toBe(0);
  let places = start;
  for (const move of ["wider", "right", "taller", "down", "narrower", "up", "left", "shorter"] as const)
    for (const id of ["a", "b", "c"]) {
      places = moved(places, id, move);
      expect(apart(places), `${move} ${id}`).toBe(true);
      expect(places.every(({ x, w }) => x >= 0 && x + w <= COLUMNS)).toBe(true);
    }
});

test("a question goes into a saved query and comes back the same", () => {
  const asked = exploreOf({
    series: [
      { measure: "sum:price", act: { event: "purchase", filters: [{ property: "country", op: "eq", value: "DE" }] } },
      { measure: "users", treatment: "average", points: 3, hidden: true, label: "People" },
    ],
    formulas: [{ formula: " A / B ", treatment: "cumulative" }],
    group: "country",
    limit: 3,
    kind: "bar",
  });
  const question = questionOf(asked);
  expect(question).toEqual({
    series: [
      { measure: "sum:price", events: ["purchase"], filters: [{ property: "country", op: "eq", value: "DE" }] },
      { measure: "users", events: [], label: "People", hidden: true, moving_average: 3 },
    ],
    formulas: [{ formula: "A / B", cumulative: true }],
    group_by: "country",
    limit: 3,
  });
  expect(questionOf(askedOf(question ?? {}, "bar"))).toEqual(question);
});

test("what is not chosen yet is not asked, and an address of anybody's is read as far as it is understood", () => {
  expect(questionOf(exploreOf({ series: [{ measure: "sum:" }] }))).toBeUndefined();
  expect(questionOf(exploreOf({ series: [{ hidden: true }] }))).toBeUndefined();
  expect(questionOf(exploreOf({ formulas: [{ formula: "  " }] }))).toBeUndefined();
  const odd = exploreOf({ series: [7, { measure: "median:x", act: "?" }], kind: "sphere", limit: 9e9 });
  expect(odd).toMatchObject({ kind: "line", limit: 50, series: [{ measure: "count" }] });
});

test("a period is saved as it moves, or as it was named", () => {
  expect(savedRange({ range: "12m" })).toEqual({ last: "365d", range: {} });
  expect(savedRange({ from: "2026-03-01", to: "2026-03-05" }).range).toEqual({ from: "2026-03-01", to: "2026-03-05" });
  expect(viewOf({ last: "7d", query: {} })).toMatchObject({ range: "7d", from: undefined });
  expect(viewOf({ last: "", query: { from: "2026-03-01", to: "2026-03-05" } })).toMatchObject({ from: "2026-03-01" });
});

test("a note's moment is that of the project's clocks, on the days they change too", () => {
  expect(instantOf("2026-03-29", "01:30", "Europe/Berlin").toISOString()).toBe("2026-03-29T00:30:00.000Z");
  expect(instantOf("2026-03-29", "03:30", "Europe/Berlin").toISOString()).toBe("2026-03-29T01:30:00.000Z");
  expect(instantOf("2026-07-01", "", "America/New_York").toISOString()).toBe("2026-07-01T04:00:00.000Z");
  expect(wallOf("2026-10-25T00:30:00Z", "Europe/Berlin")).toEqual({ date: "2026-10-25", time: "02:30" });
});

test("a note stands at the last point that begins before it", () => {
  const note = (at: string) => ({
    id: at,
    project_id: "",
    at,
    text: at,
    created_by: null,
    created_at: at,
    updated_at: at,
  });
  const points = ["2026-03-01T00:00:00+01:00", "2026-03-02T00:00:00+01:00"];
  const marks = marksOf(
    [note("2026-02-20T00:00:00Z"), note("2026-03-01T22:00:00Z"), note("2026-03-01T23:00:00Z")],
    points,
  );
  expect(marks.map(({ point, number }) => [point.slice(0, 10), number])).toEqual([
    ["2026-03-01", 2],
    ["2026-03-02", 3],
  ]);
});

test("lines are named by what tells them apart, and the bucket that is still counting is apart", () => {
  const line = (name: string, key: string | null, other = false) => ({
    name,
    label: "",
    key,
    other,
    total: 3,
    points: [
      ["2026-03-01T00:00:00Z", 1],
      ["2026-03-02T00:00:00Z", 2],
    ] as [string, number | null][],
  });
  const names = { of: ({ name }: { name: string }) => `series ${name}`, other: "Other", none: "(none)" };
  expect(namesOf({ series: [line("A", "x"), line("A", null), line("A", null, true)] }, names)).toEqual([
    "x",
    "(none)",
    "Other",
  ]);
  expect(namesOf({ series: [line("A", "x"), line("B", "x")] }, names)).toEqual(["series A · x", "series B · x"]);
  expect(new Set(namesOf({ series: [line("A", null), line("A", null)] }, { ...names, of: () => "same" })).size).toBe(2);
  const answer = {
    series: [line("A", null)],
    interval: "day" as const,
    incomplete_last: true,
    incomplete_from: "2026-03-02T00:00:00Z",
    compare: null,
    exact: true,
    took_ms: 1,
    rows_read: 1,
    range: {},
    plan: {} as never,
  };
  const { rows, openFrom } = linesOf(answer, names, true);
  expect(openFrom).toBe(1);
  expect(rows).toEqual([
    { point: "2026-03-01T00:00:00Z", s0: 1, s0__open: 1 },
    { point: "2026-03-02T00:00:00Z", s0__open: 2 },
  ]);
});
