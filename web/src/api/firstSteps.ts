import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";

export const STEPS = ["event", "source", "colleague", "dashboard", "alert"] as const;
const DAY_MS = 86_400_000;
export type Step = (typeof STEPS)[number];
interface Some {
  items: unknown[];
}

/** Which of the first steps are done, each asked of what is there; several sources are several libraries. */
export function stepsDone(api: Api, project: string, organisation: string, wanted: readonly Step[]) {
  const list = async (path: string, signal: AbortSignal, limit: number, own = true) =>
    (await api.call<Some>(path, { ...(own && { project }), query: { limit }, signal })).items.length;
  const asks: Record<Step, (signal: AbortSignal) => Promise<boolean>> = {
    event: async (signal) => {
      const found = await api.call<Some>("/api/v1/query/events", { project, body: { limit: 1 }, signal });
      return found.items.length > 0;
    },
    source: async (signal) => {
      const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
      const body = { from: day(30), to: day(-1), by: "library", measure: "count", limit: 2 };
      const found = await api.call<{ rows: unknown[] }>("/api/v1/query/breakdown", { project, body, signal });
      return found.rows.length > 1;
    },
    colleague: async (signal) => (await list(`/api/v1/organisations/${organisation}/members`, signal, 2, false)) > 1,
    dashboard: async (signal) => (await list("/api/v1/dashboards", signal, 1)) > 0,
    alert: async (signal) => (await list("/api/v1/alerts", signal, 1)) > 0,
  };
  return queryOptions({
    queryKey: [project, "first-steps", wanted],
    queryFn: async ({ signal }) => {
      const found = await Promise.all(wanted.map(async (step) => [step, await asks[step](signal)] as const));
      return Object.fromEntries(found) as Partial<Record<Step, boolean>>;
    },
    retry: false,
    staleTime: 60_000,
  });
}
