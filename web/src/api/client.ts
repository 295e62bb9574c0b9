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
export type EventNamesAnswer = Schemas["SchemaAnswer_EventName_"];
export type PropertiesAnswer = Schemas["SchemaAnswer_Property_"];

export interface Call {
  method?: string;
  project?: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Sent as it is, as plain text, instead of a JSON body. */
  text?: string;
  signal?: AbortSignal;
  /** Of what is changed: it is refused where it is not the newest any more. */
  version?: number;
}

/** The server's API, as the signed-in user. Every call answers the parsed JSON or raises ApiError. */
export class Api {
  constructor(readonly session: Session) {}

  async call<Answer>(path: string, call: Call = {}): Promise<Answer> {
    const reply = await this.#reply(path, "application/json", call);
    return (reply.status === 204 ? undefined : await reply.json()) as Answer;
  }

  /** The answer as a file to be saved, and its headers. */
  async file(path: string, call: Call = {}): Promise<{ content: Blob; headers: Headers }> {
    const reply = await this.#reply(path, "*/*", call);
    return { content: await reply.blob(), headers: reply.headers };
  }

  async #reply(
    path: string,
    accept: string,
    { method, project, query, body, text, signal, version }: Call,
  ): Promise<Response> {
    const headers: Record<string, string> = { accept };
    if (project) headers["x-project-id"] = project;
    if (version !== undefined) headers["if-match"] = `"${version}"`;
    if (body !== undefined) headers["content-type"] = "application/json";
    if (text !== undefined) headers["content-type"] = "text/plain; charset=utf-8";
    const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
    let reply: Response;
    try {
      reply = await this.session.fetch(path + search(query), {
        method: method ?? (sent === undefined ? "GET" : "POST"),
        headers,
        body: sent,
        signal,
      });
    } catch (error) {
      if (signal?.aborted || error instanceof ApiError) throw error;
      throw new ApiError(0, "unreachable", "", "", 0);
    }
    if (!reply.ok) throw await problemOf(reply);
    return reply;
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
