import type { Widget } from "../api/saved";
import { isObject, numberOf } from "./asked";

/** Where a widget stands on a grid of twelve columns, in its units. */
export interface Place {
  i: string;
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface Size {
  w: number;
  h: number;
}

export const COLUMNS = 12;
export const LEAST: Size = { w: 2, h: 2 };
const TALLEST = 20;

/** An id for a new widget. */
export const fresh = (): string => crypto.randomUUID().slice(0, 8);

/** How large a new widget is. */
export function sizeOf({ chart, inline, definition_id, text }: Partial<Widget>): Size {
  if (inline?.kind === "count" || chart === "number") return { w: 3, h: 2 };
  if (text && !inline && !definition_id) return { w: 4, h: 2 };
  if (inline?.kind === "breakdown") return { w: 4, h: 5 };
  return { w: 6, h: 5 };
}

function kept(layout: unknown): Map<string, Place> {
  const items = isObject(layout) && Array.isArray(layout.items) ? layout.items : [];
  return new Map(
    items.filter(isObject).map((one): [string, Place] => {
      const w = numberOf(one.w, 6, LEAST.w, COLUMNS);
      return [
        String(one.i),
        {
          i: String(one.i),
          w,
          h: numberOf(one.h, 5, LEAST.h, TALLEST),
          x: numberOf(one.x, 0, 0, COLUMNS - w),
          y: numberOf(one.y, 0, 0, 10_000),
        },
      ];
    }),
  );
}

const meets = (one: Place, other: Place) =>
  one.i !== other.i &&
  one.x < other.x + other.w &&
  other.x < one.x + one.w &&
  one.y < other.y + other.h &&
  other.y < one.y + one.h;

/** Every widget in its place, without gaps above; what has none yet comes below, beside the last where there is room. */
export function placed(layout: unknown, widgets: readonly Widget[], sizes: Record<string, Size> = {}): Place[] {
  const known = kept(layout);
  const found: Place[] = [];
  for (const widget of widgets) {
    const place = known.get(widget.id);
    if (place) found.push(place);
  }
  for (const widget of widgets) {
    if (known.has(widget.id)) continue;
    const { w, h } = sizes[widget.id] ?? sizeOf(widget);
    found.push(firstFree(found, widget.id, w, h));
  }
  return compacted(found);
}

function firstFree(taken: readonly Place[], i: string, w: number, h: number): Place {
  const bottom = Math.max(0, ...taken.map((one) => one.y + one.h));
  const last = taken.reduce<Place | undefined>(
    (low, one) => (!low || one.y > low.y || (one.y === low.y && one.x > low.x) ? one : low),
    undefined,
  );
  if (last) {
    const beside = { i, x: last.x + last.w, y: last.y, w, h };
    if (beside.x + w <= COLUMNS && !taken.some((one) => meets(one, beside))) return beside;
  }
  return { i, x: 0, y: bottom, w, h };
}

/** Each as far up as it goes, in reading order; of two in one place the first stays. */
export function compacted(places: readonly Place[]): Place[] {
  const found: Place[] = [];
  for (const one of [...places].sort((a, b) => a.y - b.y || a.x - b.x)) {
    let place = { ...one };
    while (found.some((other) => meets(place, other))) place = { ...place, y: place.y + 1 };
    while (place.y > 0 && !found.some((other) => meets({ ...place, y: place.y - 1 }, other)))
      place = { ...place, y: place.y - 1 };
    found.push(place);
  }
  return found;
}

export type Move = "left" | "right" | "up" | "down" | "wider" | "narrower" | "taller" | "shorter";

/** The places after one was moved or resized by the keyboard; those in its way give way. */
export function moved(places: readonly Place[], id: string, move: Move): Place[] {
  const one = places.find(({ i }) => i === id);
  if (!one) return [...places];
  const above = places.filter((other) => other.i !== id && other.y < one.y && overlaps(one, other));
  const below = places.filter((other) => other.i !== id && other.y >= one.y + one.h && overlaps(one, other));
  const next: Place = {
    left: { ...one, x: Math.max(one.x - 1, 0) },
    right: { ...one, x: Math.min(one.x + 1, COLUMNS - one.w) },
    up: { ...one, y: Math.max(...above.map(({ y }) => y), 0) },
    down: { ...one, y: below.length ? Math.min(...below.map(({ y, h }) => y + h)) - one.h + 1 : one.y },
    wider: { ...one, w: Math.min(one.w + 1, COLUMNS - one.x) },
    narrower: { ...one, w: Math.max(one.w - 1, LEAST.w) },
    taller: { ...one, h: Math.min(one.h + 1, TALLEST) },
    shorter: { ...one, h: Math.max(one.h - 1, LEAST.h) },
  }[move];
  const others = places.filter(({ i }) => i !== id);
  if (move !== "down") return settled(next, others);
  const passed = below.filter(({ y, h }) => y + h <= next.y + one.h).map(({ i }) => i);
  const lifted = others.map((other) => (passed.includes(other.i) ? { ...other, y: other.y - one.h } : other));
  return compacted([...lifted, { ...next, y: next.y }]);
}

const overlaps = (one: Place, other: Place) => one.x < other.x + other.w && other.x < one.x + one.w;

/** The first stays where it is; those in its way move down, then all go up. */
function settled(first: Place, others: readonly Place[]): Place[] {
  const found = [first];
  for (const one of [...others].sort((a, b) => a.y - b.y || a.x - b.x)) {
    let place = { ...one };
    while (found.some((other) => meets(place, other))) place = { ...place, y: place.y + 1 };
    found.push(place);
  }
  return compacted(found);
}
