import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import type { components } from "./schema";

export type SharedDashboard = components["schemas"]["SharedDashboard"];
export type SharedWidget = components["schemas"]["SharedWidget"];

const at = (token: string) => `/api/v1/shared/${encodeURIComponent(token)}`;

/** The dashboard behind a link; it needs nothing but the link. */
export function sharedDashboard(api: Api, token: string) {
  return queryOptions({
    queryKey: ["shared", token],
    queryFn: ({ signal }) => api.call<SharedDashboard>(at(token), { signal }),
  });
}

/** What a widget of it shows now: its query as it was saved. */
export function sharedWidget<Answer>(api: Api, token: string, widget: SharedWidget) {
  return queryOptions({
    queryKey: ["shared", token, widget.id],
    queryFn: ({ signal }) => api.call<Answer>(`${at(token)}/widgets/${encodeURIComponent(widget.id)}`, { signal }),
    refetchInterval: 60_000,
  });
}
