import { queryOptions } from "@tanstack/react-query";
import type { Condition } from "./analysis";
import type { Api } from "./client";

export const MATCHED = "event.matched";
/** What a webhook can be told of. */
export const TYPES = [
  "export.completed",
  "export.failed",
  "alert.firing",
  "alert.resolved",
  "report.ready",
  "erasure.completed",
  "retention.enforced",
  "ledger.gap",
  "quality.found",
  "quality.gone",
  MATCHED,
] as const;
export type Type = (typeof TYPES)[number];

export const KINDS = [
  "slack",
  "mattermost",
  "telegram",
  "pagerduty",
  "jira_service_management",
  "alertmanager",
] as const;
export type Kind = (typeof KINDS)[number];
/** Those that keep incidents: they are told of alerts and of nothing else. */
export const ON_CALL: readonly string[] = ["pagerduty", "jira_service_management", "alertmanager"];
export const ALERTS = ["alert.firing", "alert.resolved"] as const;

/** What webhooks and channels have in common. */
interface Receiver {
  id: string;
  url: string;
  types: string[];
  enabled: boolean;
  disabled_reason: string;
  failing_since: string | null;
  last_delivered_at: string | null;
  created_at: string;
}
export interface Webhook extends Receiver {
  filter: { events: string[]; filters: Condition[] };
  description: string;
  /** Masked, but in the answers that made it or gave it a new one. */
  secret: string;
  previous_secret_until: string | null;
}
export interface Channel extends Receiver {
  name: string;
  type: Kind;
  chat_id: string | null;
  language: "en" | "ru";
}

export type State = "queued" | "delivered" | "failed";
export interface Delivery {
  id: string;
  webhook_id: string | null;
  address: string | null;
  event_type: string;
  state: State;
  attempts: number;
  error: string;
  created_at: string;
  next_at: string | null;
  finished_at: string | null;
}
export interface Attempt {
  number: number;
  at: string;
  took_ms: number;
  status: number | null;
  error: string;
  answer: string;
}
export type WholeDelivery = Delivery & { content: string; log: Attempt[] };

export interface WebhookWanted {
  url: string;
  types: string[];
  description: string;
  filter?: { events: string[]; filters: Condition[] };
}
export interface ChannelWanted {
  name: string;
  /** With its secret; left out where it stays. */
  target?: Record<string, string>;
  types: string[];
  language: string;
}

const WEBHOOKS = "/api/v1/webhooks";
const CHANNELS = "/api/v1/channels";
const DELIVERIES = `${WEBHOOKS}/deliveries`;
export const LISTS = { webhook: WEBHOOKS, channel: CHANNELS } as const;
export type Which = keyof typeof LISTS;

export function receivers<Item extends Webhook | Channel>(api: Api, project: string, which: Which) {
  return queryOptions({
    queryKey: [project, LISTS[which]],
    queryFn: async ({ signal }) => (await api.call<{ items: Item[] }>(LISTS[which], { project, signal })).items,
    refetchInterval: 30_000,
  });
}

export const webhooks = (api: Api, project: string) => receivers<Webhook>(api, project, "webhook");
export const channels = (api: Api, project: string) => receivers<Channel>(api, project, "channel");

/** Makes one, or changes the one of this id. */
export function save<Item>(api: Api, project: string, which: Which, body: object, id = ""): Promise<Item> {
  return api.call(id ? `${LISTS[which]}/${id}` : LISTS[which], { method: id ? "PATCH" : "POST", project, body });
}

export function remove(api: Api, project: string, which: Which, id: string): Promise<void> {
  return api.call(`${LISTS[which]}/${id}`, { method: "DELETE", project });
}

/** A new secret; for a day what is sent bears a signature of the old one too. */
export function rotate(api: Api, project: string, id: string): Promise<Webhook> {
  return api.call(`${WEBHOOKS}/${id}/rotate`, { method: "POST", project });
}

/** Sends a delivery of the type `test`. */
export function sendTest(api: Api, project: string, which: Which, id: string): Promise<{ id: string }> {
  return api.call(`${LISTS[which]}/${id}/test`, { method: "POST", project });
}

/** One page of what was sent: to one receiver, or of the whole project with its mails. */
export function deliveriesPage(
  api: Api,
  project: string,
  of: { which: Which; id: string } | undefined,
  query: { state: string; cursor: string },
  signal: AbortSignal,
) {
  const path = of ? `${LISTS[of.which]}/${of.id}/deliveries` : DELIVERIES;
  return api.call<{ items: Delivery[]; next_cursor: string | null }>(path, {
    project,
    signal,
    query: { ...query, limit: 50 },
  });
}

/** A delivery that was just asked for, before anybody has taken it up. */
const coming = (id: string): WholeDelivery => ({
  id,
  webhook_id: null,
  address: null,
  event_type: "test",
  state: "queued",
  attempts: 0,
  error: "",
  created_at: new Date().toISOString(),
  next_at: null,
  finished_at: null,
  content: "",
  log: [],
});

/** One delivery with its tries, asked again until it has ended; `fresh` names to whom one goes that was just asked for. */
export function delivery(api: Api, project: string, id: string, fresh?: { which: Which; id: string }) {
  return queryOptions({
    queryKey: [project, DELIVERIES, "one", id],
    queryFn: async ({ signal }): Promise<WholeDelivery> => {
      const listed = fresh && (await deliveriesPage(api, project, fresh, { state: "", cursor: "" }, signal)).items;
      if (listed && !listed.some((one) => one.id === id)) return coming(id);
      return api.call<WholeDelivery>(`${DELIVERIES}/${id}`, { project, signal });
    },
    refetchInterval: ({ state }) => (state.data && state.data.state !== "queued" ? false : 1_000),
  });
}

export function resend(api: Api, project: string, id: string): Promise<unknown> {
  return api.call(`${DELIVERIES}/${id}/resend`, { method: "POST", project });
}
