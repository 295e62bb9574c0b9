import { queryOptions } from "@tanstack/react-query";
import type { Api, SystemAnswer } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type SqlAnswer = Schemas["SqlAnswer"];
export type SqlTable = Schemas["SqlTable"];
export type SqlValue = string | number | boolean | null;
export interface SqlAsked {
  sql: string;
  parameters?: Record<string, SqlValue>;
  limit?: number;
}
export type Notice = Omit<Schemas["Notice"], "data"> & { data: Record<string, SqlValue> };
export type Inbox = Omit<Schemas["Inbox"], "items"> & { items: Notice[] };

const SQL = "/api/v1/query/sql";
const INBOX = "/api/v1/inbox";
const MINUTE = 60_000;

export function runSql(api: Api, project: string, body: SqlAsked, signal?: AbortSignal) {
  return api.call<SqlAnswer>(SQL, { project, body, signal });
}

export function sqlFile(api: Api, project: string, body: SqlAsked) {
  return api.file(SQL, { project, body: { ...body, format: "csv" } });
}

/** The tables and columns that statements may name. */
export function sqlTables(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, SQL, "tables"],
    queryFn: ({ signal }) => api.call<Schemas["SqlTables"]>(`${SQL}/tables`, { project, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What happened to whoever is signed in; a hidden page does not ask. */
export function inbox(api: Api) {
  return queryOptions({
    queryKey: [INBOX],
    queryFn: ({ signal }) => api.call<Inbox>(INBOX, { query: { limit: 50 }, signal }),
    refetchInterval: MINUTE,
    staleTime: MINUTE / 2,
  });
}

export function readNotices(api: Api, ids?: string[]) {
  return api.call<Schemas["Unread"]>(`${INBOX}/read`, { body: ids ? { ids } : {} });
}

/** How the instance is, as the System page asks it, but once a minute. */
export function systemNow(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "/api/v1/system", {}],
    queryFn: ({ signal }) => api.call<SystemAnswer>("/api/v1/system", { project, query: {}, signal }),
    refetchInterval: MINUTE,
    staleTime: MINUTE - 1_000,
  });
}
