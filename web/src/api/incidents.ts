import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Incident = Schemas["IncidentAnswer"];
export type Step = Omit<Schemas["StepAnswer"], "data"> & { data: Record<string, unknown> };
export interface Detail {
  incident: Incident;
  timeline: Step[];
}
export type Policy = Schemas["Policy"];
export type SavedPolicy = Schemas["PolicyAnswer"];
export type Window = Schemas["WindowAnswer"];
export type WindowWanted = Schemas["WindowRequest"];
interface List<Item> {
  items: Item[];
  next_cursor: string | null;
}

export const INCIDENTS = "/api/v1/incidents";
export const POLICIES = "/api/v1/policies";
export const MAINTENANCE = "/api/v1/maintenance";
export const SEVERITIES = ["info", "warning", "error", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Act = "acknowledge" | "snooze" | "resolve" | "comment";

/** A page of incidents; `''` is any. */
export function incidentsPage(
  api: Api,
  project: string,
  asked: { state: string; severity: string },
  cursor: string,
  signal: AbortSignal,
): Promise<List<Incident>> {
  return api.call(INCIDENTS, { project, signal, query: { ...asked, limit: 50, cursor } });
}

export function incidentOf(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, "incidents", id],
    queryFn: ({ signal }) => api.call<Detail>(`${INCIDENTS}/${encodeURIComponent(id)}`, { project, signal }),
    refetchInterval: 10_000,
  });
}

export function act(api: Api, project: string, id: string, what: Act, body: object): Promise<Detail> {
  return api.call(`${INCIDENTS}/${encodeURIComponent(id)}/${what}`, { project, body });
}

export function policiesOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "policies"],
    queryFn: async ({ signal }) =>
      (await api.call<List<SavedPolicy>>(POLICIES, { project, signal, query: { limit: 1000 } })).items,
  });
}

export function policyOf(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, "policies", id],
    queryFn: ({ signal }) => api.call<SavedPolicy>(`${POLICIES}/${encodeURIComponent(id)}`, { project, signal }),
  });
}

export function savePolicy(api: Api, project: string, policy: Policy, id?: string): Promise<SavedPolicy> {
  return id
    ? api.call(`${POLICIES}/${encodeURIComponent(id)}`, { method: "PUT", project, body: policy })
    : api.call(POLICIES, { project, body: policy });
}

export function removePolicy(api: Api, project: string, id: string): Promise<void> {
  return api.call(`${POLICIES}/${encodeURIComponent(id)}`, { method: "DELETE", project });
}

export function windowsOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "maintenance"],
    queryFn: async ({ signal }) =>
      (await api.call<List<Window>>(MAINTENANCE, { project, signal, query: { limit: 1000 } })).items,
    refetchInterval: 60_000,
  });
}

export function saveWindow(api: Api, project: string, wanted: WindowWanted, id?: string): Promise<Window> {
  return id
    ? api.call(`${MAINTENANCE}/${encodeURIComponent(id)}`, { method: "PUT", project, body: wanted })
    : api.call(MAINTENANCE, { project, body: wanted });
}

export function removeWindow(api: Api, project: string, id: string): Promise<void> {
  return api.call(`${MAINTENANCE}/${encodeURIComponent(id)}`, { method: "DELETE", project });
}

/** The names of the project's alert rules by their ids. */
export function ruleNames(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "alerts", "names"],
    queryFn: async ({ signal }) => {
      const { items } = await api.call<List<{ id: string; rule: { name: string } }>>("/api/v1/alerts", {
        project,
        signal,
        query: { limit: 1000 },
      });
      return items.map(({ id, rule }) => ({ id, name: rule.name }));
    },
  });
}
