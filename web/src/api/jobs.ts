import { queryOptions } from "@tanstack/react-query";
import type { Condition } from "./analysis";
import type { Api } from "./client";
import { ask, get } from "./queries";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
/** By their address: the names of schemas change when another function has one of the same name. */
type Got<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Answer } } } };
}
  ? Answer
  : never;

export const JOB_STATES = ["queued", "running", "completed", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];
export const isOver = (state: JobState) => state !== "queued" && state !== "running";

/** Work the server accepted: `progress` goes from 0 to 1, `result` is there once it is completed. */
export interface Job<Request, Result> {
  id: string;
  state: JobState;
  progress: number;
  attempts: number;
  request: Request;
  result: Result | null;
  error: { code: string; detail: string } | null;
  created_at: string;
  started_at: string | null;
  updated_at: string;
  finished_at: string | null;
  expired_at: string | null;
}
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
/** What a job has made: without `url` the file is gone. */
export interface MadeFile {
  name: string;
  rows?: number;
  bytes?: number;
  sha256?: string;
  url?: string;
}

export const EXPORTS = "/api/v1/exports";
export const SCHEDULES = `${EXPORTS}/schedules`;
export const ERASURES = "/api/v1/erasures";
export const ACCESS = "/api/v1/access-requests";
export const RETENTION = "/api/v1/retention";
export const HOLDS = `${RETENTION}/holds`;
export const RULES = "/api/v1/pii/rules";
export const SCANS = "/api/v1/pii/scans";
export const BACKUPS = "/api/v1/backups";

export type AnyJob = Got<"/api/v1/jobs">["items"][number];

export const FORMATS = ["parquet", "csv", "json"] as const;
export type Format = (typeof FORMATS)[number];
export interface ExportRequest {
  format: Format;
  compression?: string | null;
  formulas?: "escape" | "keep";
  from?: string;
  to?: string;
  timezone?: string | null;
  events?: string[];
  filters?: Condition[];
  columns?: string[];
  destination?: string;
  notify?: string[] | { emails: string[]; webhooks?: string[]; language?: string };
  schedule_id?: string | null;
  keep_days?: number | null;
}
export interface ExportResult {
  rows: number;
  bytes: number;
  version: number;
  stable: boolean;
  files: MadeFile[];
  manifest: MadeFile;
  links_expire_at?: string;
  expired?: boolean;
}
export type ExportJob = Job<ExportRequest, ExportResult>;

export interface ScheduleRequest extends Omit<ExportRequest, "to" | "schedule_id"> {
  name: string;
  every?: "hourly" | "daily" | null;
  cron?: string;
  delay_minutes?: number;
  enabled?: boolean;
}
export interface Schedule {
  id: string;
  request: ScheduleRequest;
  next_window: { from: string; to: string; due_at: string };
  created_at: string;
  updated_at: string;
}

export interface ErasureRequest {
  people: number;
  fingerprint: string;
  reason: string;
  linked?: boolean;
  mode?: "erase" | "anonymise";
  properties?: "drop" | "keep";
}
export interface Certificate {
  erasure_id: string;
  mode: "erase" | "anonymise";
  linked: boolean;
  people: number;
  tombstones: number;
  fingerprint: string;
  requested_at: string;
  hidden_at: string;
  verified_at: string;
  issued_at: string;
  events: number;
  anonymised: number;
  hours: number;
  stores: { store: string; erased: number; left: number }[];
  disk: { partitions: number; rewritten_at: string; gone_at: string | null; old_parts: number };
  withdrawn: {
    id: string;
    kind: string;
    finished_at: string | null;
    rows: number;
    files: number;
    destination: string;
    remade?: string | null;
    beyond_reach?: boolean;
  }[];
  delivered: { kind: string; webhook_id: string | null; messages: number }[];
  backups: { id: string; created_at: string; until: string | null }[];
  bus: { kept_hours: number | null; rewritten: boolean };
  key_id: string;
  algorithm: string;
  signature: string;
}
export type ErasureJob = Job<ErasureRequest, { certificate: Certificate }>;
export interface ErasureWanted {
  people: string[];
  linked: boolean;
  mode: "erase" | "anonymise";
  properties?: "drop" | "keep";
  reason: string;
}

export interface AccessResult {
  rows: number;
  counts: Record<string, number>;
  ids: number;
  gathered_at: string;
  files: MadeFile[];
  links_expire_at?: string;
  expired?: boolean;
}
export type AccessJob = Job<{ fingerprint: string; linked: boolean; reason: string }, AccessResult>;

export interface RetentionRule {
  event: string;
  days: number | null;
}
export interface RetentionPlan {
  days: number | null;
  rejected_days: number | null;
  rules: RetentionRule[];
}
export type Retention = Got<"/api/v1/retention">;
export type Hold = Got<"/api/v1/retention/holds">["items"][number];
export type Due = Schemas["Due"];

export type PiiRule = Got<"/api/v1/pii/rules">["items"][number];
export type PiiRuleWanted = Pick<PiiRule, "match" | "text" | "action" | "length" | "description">;
export interface Finding {
  property: string;
  kind: string;
  seen: number;
  found: number;
  share: number;
  examples: string[];
  covered: boolean;
}
export type ScanJob = Job<
  { days: number; rows: number },
  { since: string; events: number; rejected: number; findings: Finding[] }
>;

export type Backups = Got<"/api/v1/backups">;
export type Copy = Backups["items"][number];
export type Proof = Got<"/api/v1/ledger">;

const SOON_MS = 1500;
/** Links of a job hold for an hour; a page that stays open asks for new ones before. */
const LINKS_MS = 20 * 60_000;

/** One job, asked for again and again while it runs. */
export function jobOf<Found extends Job<unknown, unknown>>(api: Api, project: string, path: string, id: string) {
  return queryOptions({
    queryKey: [project, path, id],
    queryFn: ({ signal }) => api.call<Found>(`${path}/${id}`, { project, signal }),
    refetchInterval: (known) => (known.state.data && isOver(known.state.data.state) ? LINKS_MS : SOON_MS),
  });
}

export const startJob = (api: Api, project: string, path: string, body: object): Promise<{ id: string }> =>
  api.call(path, { project, body });

export const cancelJob = (api: Api, project: string, path: string, id: string): Promise<unknown> =>
  api.call(`${path}/${id}`, { method: "DELETE", project });

export function schedulesOf(api: Api, project: string) {
  return get<Page<Schedule>>(api, project, SCHEDULES, { limit: 100 }, false);
}

export function scheduleOf(api: Api, project: string, id: string) {
  return get<Schedule>(api, project, `${SCHEDULES}/${id}`, {}, false);
}

/** Makes a schedule, or changes the one of this id from its next window on. */
export function saveSchedule(api: Api, project: string, wanted: ScheduleRequest, id?: string): Promise<Schedule> {
  return id
    ? api.call(`${SCHEDULES}/${id}`, { method: "PUT", project, body: wanted })
    : api.call(SCHEDULES, { project, body: wanted });
}

export function retentionOf(api: Api, project: string) {
  return get<Retention>(api, project, RETENTION, {}, 15_000);
}

export function saveRetention(api: Api, project: string, plan: RetentionPlan): Promise<Retention> {
  return api.call(RETENTION, { method: "PUT", project, body: plan });
}

/** What would go if the project kept this; nothing goes. */
export function dueOf(api: Api, project: string, plan: RetentionPlan) {
  return ask<Due>(api, project, `${RETENTION}/preview`, plan, false);
}

export function holdsOf(api: Api, project: string) {
  return get<{ items: Hold[] }>(api, project, HOLDS, {}, 15_000);
}

export function rulesOf(api: Api, project: string) {
  return get<{ items: PiiRule[] }>(api, project, RULES, {}, false);
}

export function saveRule(api: Api, project: string, wanted: PiiRuleWanted, id?: string): Promise<PiiRule> {
  return id
    ? api.call(`${RULES}/${id}`, { method: "PUT", project, body: wanted })
    : api.call(RULES, { project, body: wanted });
}

/** What the rules, with this one among them, make of properties as a client would send them. */
export function tryRule(
  api: Api,
  project: string,
  sample: object,
  rule: PiiRuleWanted,
  id?: string,
): Promise<{ after: Record<string, unknown>; changed: string[] }> {
  return api.call("/api/v1/pii/preview", { project, body: { sample, rule, ...(id && { id }) } });
}

export function backupsOf(api: Api, project: string) {
  return queryOptions({
    queryKey: [project, "backups"],
    queryFn: ({ signal }) => api.call<Backups>(BACKUPS, { project, signal, query: { limit: 100 } }),
    refetchInterval: (known) => (known.state.data?.items.some(({ state }) => state === "running") ? 3_000 : 30_000),
  });
}

export function proofOf(api: Api, project: string, query: Record<string, string>) {
  return get<Proof>(api, project, "/api/v1/ledger", query, 15_000);
}

export interface Consent {
  state: "withdrawn" | "granted" | "unknown";
  source: string;
  changed_at: string | null;
}

export function consentOf(api: Api, project: string, person: string) {
  return get<Consent>(api, project, `/api/v1/people/${encodeURIComponent(person)}/consent`, {}, false);
}

export function sayConsent(
  api: Api,
  project: string,
  person: string,
  state: "withdrawn" | "granted",
  source: string,
): Promise<Consent> {
  return api.call(`/api/v1/people/${encodeURIComponent(person)}/consent`, {
    method: "PUT",
    project,
    body: { state, source },
  });
}
