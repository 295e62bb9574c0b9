import type { Api } from "./client";
import { ApiError, problemOf } from "./problem";

export interface LiveMinute {
  minute: string;
  total: number;
}

export interface LiveCounts {
  minutes: LiveMinute[];
  events: Record<string, number>;
  /** The last five minutes; null until it is known. */
  active: { minutes: number; events: number; people: number | null } | null;
  incomplete_last: boolean;
}

export interface LiveEvent {
  event_id: string;
  event: string;
  timestamp: string;
  received_at: string;
  user_id: string | null;
  anonymous_id: string | null;
  path: string | null;
}

/** `live` is told at once, `polling` is asked every few seconds, `away` gets no answer for now. */
export type LiveWay = "connecting" | "live" | "polling" | "away";

export interface LiveListener {
  way: (way: LiveWay) => void;
  counts: (counts: LiveCounts) => void;
  events: (items: LiveEvent[]) => void;
  failed: (error: Error) => void;
}

export interface ServerEvent {
  event: string;
  id: string;
  data: string;
}

const POLL_MS = 10_000;
const SLOWEST_MS = 30_000;
/** The server says something every ten seconds; a stream that is silent for longer is dead. */
const SILENT_MS = 25_000;

/** The Server-Sent Events of a body, as far as they are complete. `retry` is told as it comes. */
export async function* serverEvents(
  body: ReadableStream<Uint8Array>,
  retry: (ms: number) => void = () => undefined,
): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  let now: ServerEvent = { event: "", id: "", data: "" };
  try {
    for (;;) {
      const { value, done } = await inTime(reader.read());
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (now.data) yield { ...now, event: now.event || "message" };
          now = { event: "", id: "", data: "" };
          continue;
        }
        const [, name = "", text = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
        if (name === "data") now.data += now.data ? `\n${text}` : text;
        else if (name === "event" || name === "id") now[name] = text;
        else if (name === "retry" && /^\d+$/.test(text)) retry(Number(text));
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function inTime<T>(wanted: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error("the stream fell silent")), SILENT_MS);
  });
  return Promise.race([wanted, late]).finally(() => clearTimeout(timer));
}

/**
 * Follow what a project gets: by the stream, which is opened again from where it ended; while it cannot be opened, by
 * asking. Nothing is asked while the page is hidden. Answers how to stop.
 */
export function follow(api: Api, project: string, bots: boolean, to: LiveListener): () => void {
  const stopped = new AbortController();
  let current = new AbortController();
  let wake: () => void = () => undefined;
  const onVisible = () => {
    if (document.hidden) current.abort();
    wake();
  };
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onVisible);

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (document.hidden) return;
        clearTimeout(timer);
        resolve();
      };
      stopped.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });

  const run = async () => {
    let lastId = "";
    let failures = 0;
    let retryMs = 2_000;
    to.way("connecting");
    while (!stopped.signal.aborted) {
      if (document.hidden) {
        await pause(24 * 3_600_000);
        continue;
      }
      current = new AbortController();
      const signal = AbortSignal.any([stopped.signal, current.signal]);
      try {
        const reply = await open(api, project, bots, lastId, signal);
        for await (const { event, id, data } of serverEvents(reply, (ms) => {
          retryMs = ms;
        })) {
          failures = 0;
          if (id) lastId = id;
          if (event === "end") break;
          if (event === "counts") to.counts(JSON.parse(data) as LiveCounts);
          else if (event === "events") to.events((JSON.parse(data) as { items: LiveEvent[] }).items);
          if (event === "problem") to.way("away");
          else if (event === "counts") to.way("live");
        }
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (!current.signal.aborted) {
          failures += 1;
          if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return to.failed(error);
          to.way(await poll(api, project, to, stopped.signal));
        }
      }
      if (stopped.signal.aborted) return;
      await pause(failures ? Math.min(Math.max(retryMs, POLL_MS) * failures, SLOWEST_MS) : retryMs);
    }
  };
  void run();
  return () => {
    stopped.abort();
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onVisible);
  };
}

async function open(api: Api, project: string, bots: boolean, lastId: string, signal: AbortSignal) {
  const headers: Record<string, string> = { accept: "text/event-stream", "x-project-id": project };
  if (lastId) headers["last-event-id"] = lastId;
  const reply = await api.session.fetch(`/api/v1/live/stream${bots ? "?bots=true" : ""}`, { headers, signal });
  if (!reply.ok || !reply.body) throw await problemOf(reply);
  return reply.body;
}

async function poll(api: Api, project: string, to: LiveListener, signal: AbortSignal): Promise<LiveWay> {
  try {
    const found = await api.call<Omit<LiveCounts, "active" | "events">>("/api/v1/live/counts", { project, signal });
    to.counts({ ...found, events: {}, active: null });
    return "polling";
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) return "away";
    throw error;
  }
}
