import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import { get } from "./queries";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Annotation = Schemas["Annotation"];
/** What the document calls an object of anything. */
type Free = Record<string, unknown>;
export type Definition = Omit<Schemas["Definition"], "query"> & { query: Free };
export type Kind = Definition["kind"];
export interface InlineQuery {
  kind: Kind;
  query: Free;
  last: string;
}
/** A panel of a dashboard: a definition, a query of its own, or a text. */
export interface Widget {
  id: string;
  title?: string;
  text?: string;
  definition_id?: string | null;
  inline?: InlineQuery | null;
  chart?: string;
  options?: Free;
}
export type DashboardWanted = Omit<Schemas["DashboardWanted"], "widgets" | "layout"> & {
  widgets: Widget[];
  layout: Free;
};
export type Dashboard = Omit<Schemas["Dashboard"], "widgets" | "layout"> & { widgets: Widget[]; layout: Free };
export type Share = Schemas["Share"];
export type NewShare = Schemas["NewShare"];
interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
export interface Version<Content> {
  version: number;
  content: Content;
  saved_by: string | null;
  saved_at: string;
}

/** All of a list, page by page. */
async function all<Item>(
  api: Api,
  project: string,
  path: string,
  query: Record<string, string>,
  signal: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor = "";
  do {
    const page: Page<Item> = await api.call(path, { project, query: { ...query, limit: 1000, cursor }, signal });
    items.push(...page.items);
    cursor = page.next_cursor ?? "";
  } while (cursor);
  return items;
}

const ANNOTATIONS = "/api/v1/annotations";
const DEFINITIONS = "/api/v1/definitions";
const DASHBOARDS = "/api/v1/dashboards";
const SHARES = "/api/v1/shares";

/** The dated notes of a range. */
export function annotations(api: Api, project: string, range: { from: string; to: string; timezone: string }) {
  return get<Page<Annotation>>(api, project, ANNOTATIONS, { ...range, limit: 200 }, 60_000);
}

/** Keep a note, or change the one of this id. */
export function saveAnnotation(api: Api, project: string, body: { at: string; text: string }, id = "") {
  return api.call<Annotation>(id ? `${ANNOTATIONS}/${id}` : ANNOTATIONS, {
    method: id ? "PATCH" : "POST",
    project,
    body,
  });
}

export function removeAnnotation(api: Api, project: string, id: string) {
  return api.call<void>(`${ANNOTATIONS}/${id}`, { method: "DELETE", project });
}

export function definitions(api: Api, project: string, kind: Kind | "" = "") {
  return queryOptions({
    queryKey: [project, DEFINITIONS, kind],
    queryFn: ({ signal }) => all<Definition>(api, project, DEFINITIONS, kind ? { kind } : {}, signal),
  });
}

/** Save a query anew, or the next version of the one that is known. */
export function saveDefinition(api: Api, project: string, body: object, known?: Definition) {
  return api.call<Definition>(known ? `${DEFINITIONS}/${known.id}` : DEFINITIONS, {
    method: known ? "PUT" : "POST",
    project,
    body,
    version: known?.version,
  });
}

export function definitionVersions(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, DEFINITIONS, id, "versions"],
    queryFn: ({ signal }) => api.call<Page<Version<Definition>>>(`${DEFINITIONS}/${id}/versions`, { project, signal }),
  });
}

export function restoreDefinition(api: Api, project: string, known: Definition, version: number) {
  return api.call<Definition>(`${DEFINITIONS}/${known.id}/restore`, {
    project,
    body: { version },
    version: known.version,
  });
}

export function removeDefinition(api: Api, project: string, { id, version }: Definition) {
  return api.call<void>(`${DEFINITIONS}/${id}`, { method: "DELETE", project, version });
}

export function dashboards(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, DASHBOARDS],
    queryFn: ({ signal }) => all<Dashboard>(api, project, DASHBOARDS, {}, signal),
  });
}

export function dashboard(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, DASHBOARDS, id],
    queryFn: ({ signal }) => api.call<Dashboard>(`${DASHBOARDS}/${encodeURIComponent(id)}`, { project, signal }),
  });
}

/** Save a dashboard anew, or the next version of the one that is known. */
export function saveDashboard(
  api: Api,
  project: string,
  body: DashboardWanted,
  known?: Pick<Dashboard, "id" | "version">,
) {
  return api.call<Dashboard>(known ? `${DASHBOARDS}/${known.id}` : DASHBOARDS, {
    method: known ? "PUT" : "POST",
    project,
    body,
    version: known?.version,
  });
}

export function removeDashboard(api: Api, project: string, { id, version }: Dashboard) {
  return api.call<void>(`${DASHBOARDS}/${id}`, { method: "DELETE", project, version });
}

export function dashboardVersions(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, DASHBOARDS, id, "versions"],
    queryFn: ({ signal }) =>
      api.call<Page<Version<DashboardWanted>>>(`${DASHBOARDS}/${id}/versions`, { project, signal }),
  });
}

export function restoreDashboard(api: Api, project: string, known: Dashboard, version: number) {
  return api.call<Dashboard>(`${DASHBOARDS}/${known.id}/restore`, {
    project,
    body: { version },
    version: known.version,
  });
}

/** The shares of one dashboard, or ('') of all of them. */
export function shares(api: Api, project: string, dashboardId = "") {
  return queryOptions({
    queryKey: [project, SHARES, dashboardId],
    queryFn: ({ signal }) => all<Share>(api, project, SHARES, dashboardId ? { dashboard_id: dashboardId } : {}, signal),
  });
}

export function share(api: Api, project: string, body: Schemas["ShareWanted"]) {
  return api.call<NewShare>(SHARES, { project, body });
}

export function revokeShare(api: Api, project: string, id: string) {
  return api.call<Share>(`${SHARES}/${id}`, { method: "DELETE", project });
}
