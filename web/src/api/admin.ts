import { queryOptions } from "@tanstack/react-query";
import type { Role } from "../state/may";
import type { Api } from "./client";

/** Not by their names in the document: other functions have users and entries too. */
export interface AuditEntry {
  seq: number;
  at: string;
  actor_kind: string;
  actor_id: string;
  actor_name: string;
  action: string;
  target: string;
  project_id: string | null;
  before: unknown;
  after: unknown;
  request_id: string;
  address: string;
  hash: string;
}

/** `actor` is an id or an address, `action` whole or up to its dot, `target` whole or up to its colon. */
export interface AuditFilters {
  organisation_id: string;
  actor?: string;
  action?: string;
  target?: string;
  project?: string;
  since?: string;
  until?: string;
}

export interface Verification {
  sound: boolean;
  rows: number;
  checkpoints: number;
  checked_to: number;
  faults: { kind: string; seq: number; detail: string }[];
}

export interface User {
  id: string;
  email: string;
  name: string;
  created_at: string;
  blocked: boolean;
  blocked_at: string | null;
  last_sign_in_at: string | null;
  sessions: number;
  second_factor: boolean;
  /** Whether who asks may block them, sign them out and end their second factor. */
  manageable: boolean;
  memberships: { organisation_id: string; role: Role }[];
}

/** Null is no limit; `own` names what is the project's and not the instance's. */
export interface Limits {
  events_per_day: number | null;
  events_today: number | null;
  resets_at: string;
  ingest_rate: string | null;
  read_key_rate: string | null;
  read_user_rate: string | null;
  query_rows: number | null;
  query_at_once: number;
  query_budget: string | null;
  own: string[];
}

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

const AUDIT = "/api/v1/audit";
const USERS = "/api/v1/users";
const one = (user: string) => `${USERS}/${user}`;
const at = (organisation: string) => `/api/v1/organisations/${organisation}`;

export function auditPage(api: Api, filters: AuditFilters, cursor: string, signal: AbortSignal) {
  return api.call<Page<AuditEntry>>(AUDIT, { signal, query: { ...filters, cursor, limit: 50 } });
}

/** The same rows as a file of at most ten thousand; that it was taken is on record too. */
export async function auditFile(api: Api, filters: AuditFilters): Promise<{ content: Blob; more: boolean }> {
  const { content, headers } = await api.file(`${AUDIT}/export`, { query: { ...filters, format: "csv" } });
  return { content, more: headers.has("x-next-cursor") };
}

/** Reads the whole log and says what is not as it was recorded. */
export function verifyAudit(api: Api, organisation: string): Promise<Verification> {
  return api.call(`${AUDIT}/verify`, { query: { organisation_id: organisation } });
}

export function usersPage(
  api: Api,
  wanted: { organisation_id: string; search: string },
  cursor: string,
  signal: AbortSignal,
) {
  return api.call<Page<User>>(USERS, { signal, query: { ...wanted, cursor, limit: 50 } });
}

export function blockUser(api: Api, user: string, blocked: boolean): Promise<User> {
  return api.call(one(user), { method: "PATCH", body: { blocked } });
}

/** Signs somebody out everywhere; `ended` says how many sessions that were. */
export function endSessionsOf(api: Api, user: string): Promise<{ ended: number }> {
  return api.call(`${one(user)}/sessions`, { method: "DELETE" });
}

/** For who lost it; their sessions end too. */
export function resetSecondFactor(api: Api, user: string): Promise<User> {
  return api.call(`${one(user)}/second-factor`, { method: "DELETE" });
}

export function limitsOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "limits"],
    queryFn: ({ signal }) => api.call<Limits>(`/api/v1/projects/${project}/limits`, { signal }),
    refetchInterval: 30_000,
  });
}

export function renameOrganisation(api: Api, organisation: string, name: string): Promise<unknown> {
  return api.call(at(organisation), { method: "PATCH", body: { name } });
}

/** Only one without projects ends. */
export function removeOrganisation(api: Api, organisation: string): Promise<unknown> {
  return api.call(at(organisation), { method: "DELETE" });
}
