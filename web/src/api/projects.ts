import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type ProjectSettings = Schemas["Project"];
export type ProjectChange = Partial<
  Pick<ProjectSettings, "name" | "timezone" | "retention_days" | "allowed_origins" | "ip_mode">
>;
export const SCOPES = ["ingest", "read", "export", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  id: string;
  kind: "public" | "secret";
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  /** The key it takes the place of. */
  rotated_from: string | null;
}

export interface KeyWanted {
  name: string;
  kind: "public" | "secret";
  scopes?: readonly Scope[];
  expires_at?: string | null;
}

export interface MadeProject {
  id: string;
  keys: { write: { key: string } } | null;
}

const at = (project: string) => `/api/v1/projects/${project}`;
const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A new project; its keys are in this answer only. */
export function createProject(
  api: Api,
  wanted: { name: string; timezone?: string; organisation_id?: string },
): Promise<MadeProject> {
  return api.call("/api/v1/projects", { body: { timezone: browserZone(), ...wanted } });
}

export function projectSettings(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "settings"],
    queryFn: ({ signal }) => api.call<ProjectSettings>(at(project), { signal }),
  });
}

export function changeProject(api: Api, project: string, change: ProjectChange): Promise<ProjectSettings> {
  return api.call(at(project), { method: "PATCH", body: change });
}

/** Its events stay for 30 days, in which it can be brought back. `name` is asked to be sure. */
export function deleteProject(api: Api, project: string, name: string): Promise<unknown> {
  return api.call(at(project), { method: "DELETE", body: { name } });
}

export function deletedProjects(api: Api) {
  return queryOptions({
    queryKey: ["deleted projects"],
    queryFn: async ({ signal }) =>
      (
        await api.call<{ items: ProjectSettings[] }>("/api/v1/projects", {
          signal,
          query: { deleted: "true", limit: 1000 },
        })
      ).items,
  });
}

export function restoreProject(api: Api, project: string): Promise<unknown> {
  return api.call(`${at(project)}/restore`, { method: "POST" });
}

/** A new key; its text is in this answer only. A public one can only send events. */
export async function createKey(api: Api, project: string, wanted: KeyWanted): Promise<string> {
  return (await api.call<{ key: string }>(`${at(project)}/keys`, { body: wanted })).key;
}

/** The same key anew; the old one is taken for `hours` more. */
export async function rotateKey(api: Api, project: string, key: string, hours: number): Promise<string> {
  return (await api.call<{ key: string }>(`${at(project)}/keys/${key}/rotate`, { body: { overlap_hours: hours } })).key;
}

export function revokeKey(api: Api, project: string, key: string): Promise<unknown> {
  return api.call(`${at(project)}/keys/${key}`, { method: "DELETE" });
}

export function keysOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "keys"],
    queryFn: async ({ signal }) =>
      (await api.call<{ items: ApiKey[] }>(`${at(project)}/keys`, { signal, query: { limit: 1000 } })).items,
  });
}
