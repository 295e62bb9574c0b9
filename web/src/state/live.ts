import { useEffect, useState } from "react";
import { useApi } from "../api/client";
import { follow, type LiveCounts, type LiveEvent, type LiveWay } from "../api/live";

export interface Live {
  way: LiveWay;
  counts: LiveCounts | undefined;
  /** The newest first. */
  events: readonly LiveEvent[];
  error: Error | null;
}

const KEPT = 12;
const NOTHING: Live = { way: "connecting", counts: undefined, events: [], error: null };

/** What a project gets right now, as it comes. `attempt` grows to begin anew. */
export function useLive(project: string, bots: boolean, attempt: number): Live {
  const api = useApi();
  const [live, setLive] = useState<Live>(NOTHING);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is the reason to begin anew
  useEffect(() => {
    setLive(NOTHING);
    const set = (part: Partial<Live>) => setLive((old) => ({ ...old, ...part }));
    return follow(api, project, bots, {
      way: (way) => set({ way }),
      counts: (counts) => set({ counts, error: null }),
      events: (items) => setLive((old) => ({ ...old, events: newest(items, old.events) })),
      failed: (error) => set({ way: "away", error }),
    });
  }, [api, project, bots, attempt]);
  return live;
}

/** What came and what was there, each once, the newest first. */
export function newest(came: readonly LiveEvent[], known: readonly LiveEvent[]): LiveEvent[] {
  const ids = new Set(came.map(({ event_id }) => event_id));
  return [...[...came].reverse(), ...known.filter(({ event_id }) => !ids.has(event_id))].slice(0, KEPT);
}
