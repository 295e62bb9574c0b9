import type { ReportRequest } from "../api/reports";
import type { useTexts } from "../i18n";

export const NEW_REPORT: ReportRequest = {
  name: "",
  report: "overview",
  parts: [],
  dashboard_id: null,
  last: "",
  schedule: "weekly",
  hour: 8,
  weekday: "monday",
  cron: "",
  timezone: null,
  emails: [],
  channels: [],
  attach: [],
  language: "en",
};

/** What is sent: only what goes with the kind of report and of schedule that was chosen. */
export function wantedOf(draft: ReportRequest): ReportRequest {
  const custom = draft.report === "custom";
  const { options, ...rest } = draft;
  return {
    ...rest,
    ...(options && !custom && { options }),
    parts: custom && !draft.dashboard_id ? draft.parts : [],
    dashboard_id: custom ? draft.dashboard_id : null,
    last: draft.report === "overview" ? "" : draft.last,
    cron: draft.schedule === "cron" ? draft.cron.trim() : "",
  };
}

/** Whether there is anything to show. */
export const isComplete = (draft: ReportRequest) =>
  draft.report !== "custom" || draft.parts.length > 0 || Boolean(draft.dashboard_id);

/** Addresses as people write them into a field. */
export const addressesOf = (text: string) => [
  ...new Set(
    text
      .split(/[\s,;]+/)
      .map((one) => one.trim())
      .filter(Boolean),
  ),
];

/** When a report comes, in words. */
export function whenOf(report: ReportRequest, t: ReturnType<typeof useTexts>["t"]): string {
  const hour = `${String(report.hour).padStart(2, "0")}:00`;
  if (report.schedule === "daily") return t("reports.when.daily", { hour });
  if (report.schedule === "weekly")
    return t("reports.when.weekly", { weekday: t(`reports.weekdays.${report.weekday}`), hour });
  if (report.schedule === "cron") return t("reports.when.cron", { cron: report.cron });
  return t("reports.never");
}
