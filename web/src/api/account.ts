import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";

export interface Project {
  id: string;
  name: string;
  timezone: string;
  role: string;
}

export interface Me {
  id: string;
  email: string;
  name: string;
  email_verified: boolean;
  projects: Project[];
}

/** Who is signed in, with the projects they may see. */
export function me(api: Api) {
  return queryOptions({
    queryKey: ["me"],
    queryFn: ({ signal }) => api.call<Me>("/api/v1/auth/me", { signal }),
    staleTime: 5 * 60_000,
  });
}

export function projects(api: Api) {
  return { ...me(api), select: (user: Me) => user.projects };
}

export interface MadeProject {
  id: string;
  keys: { write: { key: string } } | null;
}

/** A new project; its keys are in this answer only. */
export function createProject(api: Api, name: string): Promise<MadeProject> {
  const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();
  return api.call("/api/v1/projects", { body: { name, timezone } });
}

/** A new key; its text is in this answer only. A public one can only send events, a secret one also reads and exports. */
export async function createKey(api: Api, project: string, name: string, kind: "public" | "secret"): Promise<string> {
  const body = kind === "public" ? { name, kind } : { name, kind, scopes: ["ingest", "read", "export"] };
  return (await api.call<{ key: string }>(`/api/v1/projects/${project}/keys`, { body })).key;
}

export function revokeKey(api: Api, project: string, key: string): Promise<unknown> {
  return api.call(`/api/v1/projects/${project}/keys/${key}`, { method: "DELETE" });
}

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
}

export function keysOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "keys"],
    queryFn: async ({ signal }) =>
      (await api.call<{ items: ApiKey[] }>(`/api/v1/projects/${project}/keys`, { signal, query: { limit: 1000 } }))
        .items,
  });
}
