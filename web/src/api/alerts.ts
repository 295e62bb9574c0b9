import { queryOptions } from "@tanstack/react-query";
import type { Act, Condition as Filter } from "./analysis";
import type { Api } from "./client";
import type { Incident } from "./incidents";
import type { components } from "./schema";

type Schemas = components["schemas"];

/** What a number of a rule counts. */
export interface Counted {
  events: string[];
  filters: Filter[];
  measure: string;
}
export type FunnelCondition = Omit<Schemas["Funnel"], "steps"> & { steps: Act[] };
export type RatioCondition = Omit<Schemas["Ratio"], "of"> & { of: Counted };
export type PlainCondition =
  | Schemas["Threshold"]
  | Schemas["Absence"]
  | Schemas["Change"]
  | Schemas["Rate"]
  | RatioCondition
  | FunnelCondition
  | Schemas["Anomaly"];
/** One condition of several; without a query of its own it is about the rule's. */
export interface Part {
  condition: PlainCondition;
  query: Counted | null;
}
export type CompositeCondition = Omit<Schemas["Composite"], "conditions"> & { conditions: Part[] };
export type RuleCondition = PlainCondition | CompositeCondition;
type Written = Schemas["functions.alert_evaluate.rules.Rule"];
export type Rule = Omit<Written, "query" | "condition"> & {
  query: Counted & { group_by: string | null; top: number };
  condition: RuleCondition;
};
export type Alert = Omit<Schemas["AlertAnswer"], "rule"> & { rule: Rule };
export type AlertState = Alert["state"];
export type AlertGroup = Alert["groups"][number];
export type Preview = Schemas["PreviewAnswer"];
export type Trial = Schemas["TrialAnswer"];
export type AlertStep = Schemas["ChangeAnswer"];
interface List<Item> {
  items: Item[];
  next_cursor: string | null;
}

const ALERTS = "/api/v1/alerts";
const one = (id: string) => `${ALERTS}/${encodeURIComponent(id)}`;

export function alertsPage(api: Api, project: string, cursor: string, signal: AbortSignal): Promise<List<Alert>> {
  return api.call(ALERTS, { project, signal, query: { limit: 50, cursor } });
}

export function alertOf(api: Api, project: string, id: string) {
  return queryOptions({
    queryKey: [project, "alerts", id],
    queryFn: ({ signal }) => api.call<Alert>(one(id), { project, signal }),
    refetchInterval: 15_000,
  });
}

export function saveAlert(api: Api, project: string, rule: Rule, id?: string): Promise<Alert> {
  return id ? api.call(one(id), { method: "PUT", project, body: rule }) : api.call(ALERTS, { project, body: rule });
}

export function removeAlert(api: Api, project: string, id: string): Promise<void> {
  return api.call(one(id), { method: "DELETE", project });
}

/** Stops judging a rule, or goes on. */
export function pauseAlert(api: Api, project: string, id: string, paused: boolean): Promise<Alert> {
  return api.call(`${one(id)}/${paused ? "pause" : "resume"}`, { method: "POST", project });
}

/** What it comes to now; nobody is told. */
export function testAlert(api: Api, project: string, id: string): Promise<Trial> {
  return api.call(`${one(id)}/test`, { method: "POST", project });
}

/** What a rule would have come to in the last days. */
export function previewOf(api: Api, project: string, rule: Rule, days: number) {
  return queryOptions({
    // Not among the rules: what is asked anew when one changes must not ask two hundred windows again.
    queryKey: [project, "alert-preview", rule, days],
    queryFn: ({ signal }) => {
      const to = Math.floor(Date.now() / 60_000) * 60_000;
      const range = { from: new Date(to - days * 86_400_000).toISOString(), to: new Date(to).toISOString() };
      return api.call<Preview>(`${ALERTS}/preview`, { project, signal, body: { rule, ...range } });
    },
    staleTime: 60_000,
    retry: false,
  });
}

export function alertSteps(
  api: Api,
  project: string,
  id: string,
  cursor: string,
  signal: AbortSignal,
): Promise<List<AlertStep>> {
  return api.call(`${one(id)}/history`, { project, signal, query: { limit: 20, cursor } });
}

export function incidentsOfRule(
  api: Api,
  project: string,
  rule_id: string,
  cursor: string,
  signal: AbortSignal,
): Promise<List<Incident>> {
  return api.call("/api/v1/incidents", { project, signal, query: { rule_id, limit: 10, cursor } });
}
