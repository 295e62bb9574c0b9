import { createContext, useContext } from "react";
import { ApiError, problemOf } from "./problem";
import type { components } from "./schema";
import type { Session } from "./session";

type Schemas = components["schemas"];
export type Filter = { property: string; op: Schemas["Filter"]["op"]; value?: Schemas["Filter"]["value"] };
export type TimeseriesAnswer = Schemas["TimeseriesAnswer"];
export type Series = Schemas["Series"];
export type BreakdownAnswer = Schemas["BreakdownAnswer"];
export type CountAnswer = Schemas["CountAnswer"];
export type EventsAnswer = Schemas["EventsAnswer"];
export type StoredEvent = Schemas["StoredEvent"];
export type RejectedAnswer = Schemas["RejectedAnswer"];
export type ReasonsAnswer = Schemas["ReasonsAnswer"];
export type SystemAnswer = Schemas["System"];
export type ReceiptAnswer = Schemas["ReceiptAnswer"];
export type LiveAnswer = Schemas["LiveAnswer"];
export type ValuesAnswer = Schemas["SchemaAnswer_Value_"];

export interface Call {
  method?: string;
  project?: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal;
}

/** The server's API, as the signed-in user. Every call answers the parsed JSON or raises ApiError. */
export class Api {
  constructor(readonly session: Session) {}

  async call<Answer>(path: string, { method, project, query, body, signal }: Call = {}): Promise<Answer> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (project) headers["x-project-id"] = project;
    if (body !== undefined) headers["content-type"] = "application/json";
    let reply: Response;
    try {
      reply = await this.session.fetch(path + search(query), {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
    } catch (error) {
      if (signal?.aborted || error instanceof ApiError) throw error;
      throw new ApiError(0, "unreachable", "", "", 0);
    }
    if (!reply.ok) throw await problemOf(reply);
    return (reply.status === 204 ? undefined : await reply.json()) as Answer;
  }
}

function search(query: Call["query"]): string {
  const set = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  return set.length ? `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}` : "";
}

const ApiContext = createContext<Api | null>(null);
export const ApiProvider = ApiContext.Provider;

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("useApi outside of ApiProvider");
  return api;
}
