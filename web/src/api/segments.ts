import { queryOptions } from "@tanstack/react-query";
import type { Act, Condition as Filter } from "./analysis";
import type { Api } from "./client";
import { ask, get } from "./queries";
import type { components } from "./schema";

type Schemas = components["schemas"];

/** What a segment is made of; docs/segments.md says what each kind means. */
export type Condition =
  | { kind: "and" | "or"; of: Condition[] }
  | { kind: "not"; of: Condition }
  | { kind: "did"; act: Act; measure: string; op: string; value: number; days?: number | null }
  | { kind: "seen"; which: "first" | "last"; act: Act; op: "within" | "before"; days: number }
  | { kind: "sequence"; first: Act; then: Act; within?: string | null; happens: boolean; days?: number | null }
  | ({ kind: "property" } & Filter)
  | { kind: "segment"; id: string };

export interface Segment {
  id: string;
  name: string;
  description: string;
  kind: "dynamic" | "static";
  definition: Condition | null;
  size: number | null;
  seen_at: string | null;
  created_at: string;
  updated_at: string;
}
export interface Preset {
  id: string;
  name: string;
  description: string;
  definition: Condition;
}
export type SizeAnswer = Schemas["SizeAnswer"];
export type Uploaded = Schemas["UploadedAnswer"];
export type OverlapAnswer = Schemas["OverlapAnswer"];
export type MembersAnswer = Schemas["MembersAnswer"];

export interface SegmentWanted {
  name: string;
  description: string;
  definition: Condition;
}

const ALL = "/api/v1/segments";
export const at = (segment: string) => `${ALL}/${segment}`;

/** All segments of a project; there are at most a few hundred. */
export function segmentsOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "segments"],
    queryFn: async ({ signal }) => {
      const found: Segment[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page: { items: unknown[]; next_cursor: string | null } = await api.call(ALL, {
          project,
          signal,
          query: { limit: 1000, cursor },
        });
        found.push(...(page.items as Segment[]));
        cursor = page.next_cursor;
      }
      return found;
    },
  });
}

export function segmentOf(api: Api, project: string, segment: string) {
  return queryOptions({
    queryKey: [project, "segments", segment],
    queryFn: ({ signal }) => api.call<Segment>(at(segment), { project, signal }),
  });
}

export function presetsOf(api: Api, project: string) {
  return get<Preset[]>(api, project, `${ALL}/presets`, {}, false);
}

export function sizeOf(api: Api, project: string, segment: string, over: Record<string, string> = {}) {
  return get<SizeAnswer>(api, project, `${at(segment)}/size`, over, false);
}

/** How many a definition holds of, without saving it. */
export function previewOf(api: Api, project: string, definition: Condition) {
  return ask<SizeAnswer>(api, project, `${ALL}/preview`, { definition }, false);
}

export function overlapOf(api: Api, project: string, segments: readonly string[]) {
  return ask<OverlapAnswer>(api, project, `${ALL}/overlap`, { segments }, false);
}

/** Makes a segment, or writes the one of this id anew. */
export function saveSegment(api: Api, project: string, wanted: SegmentWanted, id?: string): Promise<Segment> {
  return id ? api.call(at(id), { method: "PUT", project, body: wanted }) : api.call(ALL, { project, body: wanted });
}

export function removeSegment(api: Api, project: string, id: string): Promise<void> {
  return api.call(at(id), { method: "DELETE", project });
}

export interface ListWanted {
  name: string;
  ids: "user_id" | "anonymous_id";
  on_error: "refuse" | "skip";
}

/** Makes a segment of a list, an id a line, or gives the one of this id a new list. */
export function uploadList(
  api: Api,
  project: string,
  list: string,
  wanted: ListWanted,
  id?: string,
): Promise<Uploaded> {
  return id
    ? api.call(`${at(id)}/list`, { method: "PUT", project, text: list, query: { ...wanted } })
    : api.call(`${ALL}/lists`, { project, text: list, query: { ...wanted } });
}
