import type { AskedScope } from "../state/scope";
import type { Api } from "./client";
import { ask } from "./queries";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
/** By their address: the names of schemas change when another function has one of the same name. */
type Asked<Path extends keyof paths> = paths[Path] extends {
  post: { responses: { 200: { content: { "application/json": infer Answer } } } };
}
  ? Answer
  : never;

export type FunnelAnswer = Asked<"/api/v1/query/funnel">;
export type FunnelStep = FunnelAnswer["steps"][number];
export type RetentionAnswer = Asked<"/api/v1/query/retention">;
export type LifecycleAnswer = Asked<"/api/v1/query/lifecycle">;
export type StickinessAnswer = Asked<"/api/v1/query/stickiness">;
export type PathsAnswer = Asked<"/api/v1/query/paths">;
export type AttributionAnswer = Asked<"/api/v1/query/attribution">;
export type SessionsAnswer = Asked<"/api/v1/query/sessions">;
export type SessionListAnswer = Asked<"/api/v1/sessions">;
export type SessionItem = SessionListAnswer["items"][number];
export type SessionSummary = SessionsAnswer["total"];

/** What counts: an event, one of several, or any; with conditions of its own. */
export interface Act {
  event?: string;
  any_of?: string[];
  filters?: Condition[];
}
export type Condition = { property: string; op: Schemas["Filter"]["op"]; value?: Schemas["Filter"]["value"] };

/** The people behind a number of an analysis. */
export interface Behind {
  items: { id: string; at?: string; seconds?: number }[];
  next_cursor: string | null;
}

export const rangeOf = ({ span, timezone, filters }: AskedScope) => ({ ...span, timezone, filters });

/** An analysis, as `path` names it; asked once, not again and again: it reads much. */
export function analysis<Answer>(api: Api, scope: AskedScope, path: string, question: object) {
  return ask<Answer>(api, scope.project, path, { ...rangeOf(scope), ...question }, false);
}
