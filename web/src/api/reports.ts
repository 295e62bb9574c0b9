import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import { ask, get } from "./queries";
import type { Widget } from "./saved";

export const REPORTS = "/api/v1/reports";
export const BUILT_INS = [
  "overview",
  "dau",
  "wau",
  "mau",
  "stickiness",
  "revenue",
  "retention",
  "top-events",
  "top-pages",
  "top-sources",
  "quality",
] as const;
export type BuiltIn = (typeof BUILT_INS)[number];
export const FORMATS = ["html", "pdf", "xlsx", "csv", "json"] as const;
export type Format = (typeof FORMATS)[number];
export const SCHEDULES = ["none", "daily", "weekly", "cron"] as const;
export type Schedule = (typeof SCHEDULES)[number];
export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export const LASTS = ["7d", "14d", "30d", "90d", "12w", "365d"] as const;

/** What is asked of a report; docs/reports.md says what each means. */
export interface ReportRequest {
  name: string;
  report: BuiltIn | "custom";
  options?: { events?: string[]; measure?: string; limit?: number };
  parts: Widget[];
  dashboard_id: string | null;
  last: string;
  schedule: Schedule;
  hour: number;
  weekday: (typeof WEEKDAYS)[number];
  cron: string;
  timezone: string | null;
  emails: string[];
  channels: string[];
  attach: Format[];
  language: "en" | "ru";
}
export interface Report {
  id: string;
  report: ReportRequest;
  next_at: string | null;
  created_at: string;
  updated_at: string;
}
export interface BuiltInReport {
  slug: BuiltIn;
  title: string;
  description: string;
  last: string;
}
export interface ReportsAnswer {
  items: Report[];
  built_ins: BuiltInReport[];
  next_cursor: string | null;
}

type Cell = string | number | null;
export interface ReportSection {
  id: string;
  kind: "text" | "number" | "series" | "breakdown" | "table" | "funnel" | "retention";
  title?: string;
  text?: string;
  numbers?: {
    label: string;
    value: number | null;
    before: number | null;
    change: number | null;
    kind: "number" | "share";
    compared: string;
  }[];
  labels?: string[];
  lines?: { name: string; values: (number | null)[]; other: boolean; total?: number | null }[];
  others?: boolean;
  columns?: { label: string; kind: "text" | "number" | "share" | "change" | "date" }[];
  rows?: Cell[][];
  chart?: "" | "line" | "area" | "bar" | "bars" | "heat";
  note?: string;
  problem?: { code: string; detail: string } | null;
}
export interface ReportResult {
  name: string;
  project: string;
  report: string;
  language: "en" | "ru";
  days: string;
  range: Record<string, string>;
  due_at: string;
  sections: ReportSection[];
}
export interface Run {
  id: string;
  report_id: string;
  due_at: string;
  trigger: "schedule" | "request";
  state: "completed" | "failed";
  sent: boolean;
  report: ReportRequest;
  files: Format[];
  problem: { code: string; detail: string } | null;
  created_at: string;
}
export interface RunsAnswer {
  items: Run[];
  next_cursor: string | null;
}
export interface ReportShare {
  id: string;
  prefix: string;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
}
export interface NewReportShare extends ReportShare {
  token: string;
  link: string;
}

export const at = (report: string) => `${REPORTS}/${report}`;
export const runAt = (report: string, run: string) => `${at(report)}/runs/${run}`;
export const fileAt = (report: string, run: string, format: Format) => `${runAt(report, run)}/files/${format}`;

/** The project's reports, all of them, and the built-in ones in the reader's language. */
export function reportsOf(api: Api, project: string, language: string) {
  return queryOptions({
    queryKey: [project, REPORTS, language],
    queryFn: async ({ signal }) => {
      const items: Report[] = [];
      let cursor = "";
      for (;;) {
        const query = { limit: 1000, cursor, language };
        const page = await api.call<ReportsAnswer>(REPORTS, { project, signal, query });
        items.push(...page.items);
        cursor = page.next_cursor ?? "";
        if (!cursor) return { items, built_ins: page.built_ins };
      }
    },
  });
}

export function reportOf(api: Api, project: string, report: string) {
  return get<Report>(api, project, at(report), {}, false);
}

export function runOf(api: Api, project: string, report: string, run: string) {
  return get<Run>(api, project, runAt(report, run), {}, false);
}

export function resultOf(api: Api, project: string, report: string, run: string) {
  return get<ReportResult>(api, project, fileAt(report, run, "json"), {}, false);
}

/** A built-in report as of now. */
export function builtInOf(api: Api, project: string, slug: string, query: Record<string, string>) {
  return get<ReportResult>(api, project, at(slug), query, false);
}

/** What a report would say now. */
export function previewOf(api: Api, project: string, wanted: ReportRequest) {
  return { ...ask<ReportResult>(api, project, `${REPORTS}/preview`, wanted, false), retry: false };
}

/** Makes a report, or writes the one of this id anew. */
export function saveReport(api: Api, project: string, wanted: ReportRequest, id?: string): Promise<Report> {
  return id ? api.call(at(id), { method: "PUT", project, body: wanted }) : api.call(REPORTS, { project, body: wanted });
}

export function removeReport(api: Api, project: string, id: string): Promise<void> {
  return api.call(at(id), { method: "DELETE", project });
}

export function runReport(api: Api, project: string, id: string): Promise<Run> {
  return api.call(`${at(id)}/run`, { method: "POST", project, body: {} });
}

export function sharesOf(api: Api, project: string, report: string, run: string) {
  return get<{ items: ReportShare[] }>(api, project, `${runAt(report, run)}/shares`, {}, false);
}

export function shareRun(api: Api, project: string, run: Run, expires_at: string | null): Promise<NewReportShare> {
  return api.call(`${runAt(run.report_id, run.id)}/shares`, { project, body: { expires_at } });
}

export function endShare(api: Api, project: string, run: Run, share: string): Promise<ReportShare> {
  return api.call(`${runAt(run.report_id, run.id)}/shares/${share}`, { method: "DELETE", project });
}
