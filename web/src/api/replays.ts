import type { Edit } from "../state/edits";
import type { Api } from "./client";
import type { Job, Page } from "./jobs";

/** A refused event before and after the edits, and as it would be stored. */
export interface Sample {
  batch_id: string;
  position: number;
  before: string;
  after: string;
  event: Record<string, unknown> | null;
  reason: string | null;
  detail: string;
}
export interface ReplayResult {
  dry_run: boolean;
  waiting: number;
  seen: number;
  passed: number;
  refused: number;
  unusable: number;
  events: number;
  reasons: Record<string, number>;
  samples: Sample[];
}
export interface ReplayWanted {
  reason: string;
  event: string;
  edits: Edit[];
  dry_run: boolean;
  from?: string;
  to?: string;
  timezone?: string;
}
export type Replay = Job<ReplayWanted, ReplayResult>;

export const REPLAYS = "/api/v1/rejected/replays";

export function replaysPage(api: Api, project: string, cursor: string, signal: AbortSignal) {
  return api.call<Page<Replay>>(REPLAYS, { project, signal, query: { cursor, limit: 20 } });
}
