import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type QualityAnswer = Schemas["QualityAnswer"];
export type EventScore = Schemas["EventScore"];
export type ScoresAnswer = Schemas["ScoresAnswer"];
export type Finding = Schemas["QualityFinding"];
export type FindingsAnswer = Schemas["FindingsAnswer"];
export type EventSchema = Schemas["EventSchemaAnswer"];
export type SchemasAnswer = Schemas["SchemasAnswer"];
export type VersionsAnswer = Schemas["VersionsAnswer"];
export type TriedAnswer = Schemas["TriedAnswer"];
export type CheckAnswer = Schemas["CheckAnswer"];
export type Break = Schemas["SchemaBreak"];
export type QualitySettings = Schemas["QualitySettings"];
export type DictionaryAnswer = Schemas["DictionaryAnswer"];
export type DictionaryItem = Schemas["DictionaryItem"];
export type Compatibility = EventSchema["compatibility"];
export type Mode = NonNullable<QualitySettings["mode"]>;
export type Kind = Finding["kind"];
export type JsonObject = Record<string, unknown>;

export const MODES = ["observe", "warn", "reject"] as const satisfies readonly Mode[];
export const PROMISES = ["backward", "forward", "full", "none"] as const satisfies readonly Compatibility[];
export const KINDS = [
  "schema_violation",
  "rejected",
  "new_property",
  "type_change",
  "null_rate",
  "volume",
  "silent",
  "repeats",
  "late",
  "future",
  "bots",
  "id_conflict",
  "unplanned",
] as const satisfies readonly Kind[];

const QUALITY = "/api/v1/quality";
const SCHEMAS = "/api/v1/schemas";
const DICTIONARY = "/api/v1/dictionary";

export const qualityOf = (api: Api, project: string) =>
  queryOptions({
    queryKey: [project, "quality", "scores"],
    queryFn: ({ signal }) => api.call<QualityAnswer>(QUALITY, { project, signal }),
  });

export const historyOf = (api: Api, project: string, event: string, days: number) =>
  queryOptions({
    queryKey: [project, "quality", "history", event, days],
    queryFn: ({ signal }) => api.call<ScoresAnswer>(`${QUALITY}/history`, { project, signal, query: { event, days } }),
  });

export const findingsOf = (
  api: Api,
  project: string,
  state: string,
  event: string,
  cursor: string,
  signal: AbortSignal,
) => api.call<FindingsAnswer>(`${QUALITY}/findings`, { project, signal, query: { state, event, cursor, limit: 50 } });

export const acknowledge = (api: Api, project: string, finding: string, note: string) =>
  api.call<Finding>(`${QUALITY}/findings/${finding}/acknowledge`, { project, body: { note } });

export const checkNow = (api: Api, project: string) => api.call(`${QUALITY}/check`, { project, method: "POST" });

/** All schemas of a project, page by page. */
export const schemasOf = (api: Api, project: string) =>
  infiniteQueryOptions({
    queryKey: [project, "schemas"],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.call<SchemasAnswer>(SCHEMAS, { project, signal, query: { cursor: pageParam, limit: 200 } }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const schemaOf = (api: Api, project: string, schema: string) =>
  queryOptions({
    queryKey: [project, "schemas", schema],
    queryFn: ({ signal }) => api.call<EventSchema>(`${SCHEMAS}/${schema}`, { project, signal }),
  });

export const versionsOf = (api: Api, project: string, schema: string) =>
  queryOptions({
    queryKey: [project, "schemas", schema, "versions"],
    queryFn: ({ signal }) => api.call<VersionsAnswer>(`${SCHEMAS}/${schema}/versions`, { project, signal }),
  });

export interface SchemaWanted {
  schema: JsonObject;
  compatibility: Compatibility;
  note: string;
}

export const saveSchema = (api: Api, project: string, event: string, wanted: SchemaWanted, id?: string) =>
  id === undefined
    ? api.call<EventSchema>(SCHEMAS, { project, body: { event, ...wanted } })
    : api.call<EventSchema>(`${SCHEMAS}/${id}`, { project, method: "PUT", body: wanted });

export const trySchema = (api: Api, project: string, id: string, schema: JsonObject) =>
  api.call<TriedAnswer>(`${SCHEMAS}/${id}/try`, { project, body: { schema } });

export const removeSchema = (api: Api, project: string, id: string) =>
  api.call(`${SCHEMAS}/${id}`, { project, method: "DELETE" });

export const draftOf = (api: Api, project: string, event: string) =>
  api.call<{ schema: JsonObject; rows: number }>(`${SCHEMAS}/draft`, { project, body: { event } });

export const checkSample = (api: Api, project: string, event: string, schema: JsonObject, properties: JsonObject) =>
  api.call<CheckAnswer>(`${SCHEMAS}/check`, { project, body: { event, schema, properties } });

export const settingsOf = (api: Api, project: string) =>
  queryOptions({
    queryKey: [project, "quality", "settings"],
    queryFn: ({ signal }) => api.call<QualitySettings>(`${SCHEMAS}/settings`, { project, signal }),
  });

export const saveSettings = (api: Api, project: string, body: QualitySettings) =>
  api.call<QualitySettings>(`${SCHEMAS}/settings`, { project, method: "PUT", body });

export const dictionaryOf = (api: Api, project: string, event: string) =>
  queryOptions({
    queryKey: [project, "dictionary", event],
    queryFn: ({ signal }) => api.call<DictionaryAnswer>(DICTIONARY, { project, signal, query: { event } }),
  });

export interface EntryChange {
  event: string;
  property?: string;
  description?: string;
  owner?: string;
  tags?: string[];
  hidden?: boolean;
}

export const describe = (api: Api, project: string, body: EntryChange) =>
  api.call(DICTIONARY, { project, method: "PATCH", body });
