import { uuid } from "./ids";
import type { Store } from "./store";
import type { Delivery, Options, SentEvent } from "./types";

const BEACON_BYTES = 60_000; // browsers refuse beacons from 64 KiB on
const LONGEST_WAIT = 60_000;
const RETRIED = new Set([0, 408, 425, 429]);

interface Settings extends Required<Pick<Options, "host" | "flushInterval" | "batchSize" | "queueSize">> {
  key: string;
  onDelivered?: Options["onDelivered"];
  onDropped?: Options["onDropped"];
}

/**
 * Unsent events in order. They leave in batches, one at a time; a failed batch is repeated unchanged, which the server
 * counts once. What waits is also kept in the store, where the next page finds it.
 */
export class Queue {
  private waiting: SentEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | undefined;
  private failures = 0;
  private readonly name: string;

  constructor(
    private readonly settings: Settings,
    private readonly store: Store,
  ) {
    const prefix = `sluice_queue_${settings.key.slice(-8)}_`;
    this.name = prefix + uuid();
    // Another open tab may send the same ones too: equal ids are counted once.
    for (const name of store.names(prefix)) {
      try {
        this.waiting.push(...(JSON.parse(store.get(name) ?? "[]") as SentEvent[]));
      } catch {
        // Unreadable: written by something else.
      }
      store.remove(name);
    }
    if (this.waiting.length) this.plan(0);
  }

  get length(): number {
    return this.waiting.length;
  }

  add(event: SentEvent): void {
    this.waiting.push(event);
    const over = this.waiting.length - this.settings.queueSize;
    if (over > 0) this.settings.onDropped?.(this.waiting.splice(0, over), "queue_full");
    this.keep();
    if (this.failures === 0 && this.waiting.length >= this.settings.batchSize) void this.flush();
    else this.plan(this.settings.flushInterval);
  }

  /** Forget what waits. */
  clear(): void {
    this.waiting = [];
    this.keep();
  }

  /** Send all that waits; resolves when it is delivered or the server cannot be reached. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.send().finally(() => {
      this.sending = undefined;
      if (this.waiting.length && this.failures === 0) this.plan(0);
    });
    return this.sending;
  }

  /** The page may end at any moment: hand what waits to the browser. */
  leave(): void {
    if (globalThis.navigator?.onLine === false || !navigator.sendBeacon) return;
    let batch = this.waiting.slice(0, this.settings.batchSize);
    while (batch.length) {
      const body = this.body(batch);
      if (body.length > BEACON_BYTES && batch.length > 1) {
        batch = batch.slice(0, batch.length >> 1);
        continue;
      }
      if (!navigator.sendBeacon(this.address(), new Blob([body], { type: "text/plain" }))) break;
      this.waiting.splice(0, batch.length);
      batch = this.waiting.slice(0, this.settings.batchSize);
    }
    this.keep();
  }

  private async send(): Promise<void> {
    while (this.waiting.length) {
      const batch = this.waiting.slice(0, this.settings.batchSize);
      const { status, answer, retryAfter } = await this.post(batch);
      if (RETRIED.has(status) || status >= 500) {
        this.failures += 1;
        const wait = retryAfter || Math.min(LONGEST_WAIT, 1000 * 2 ** (this.failures - 1)) * (0.5 + Math.random() / 2);
        this.plan(wait);
        return;
      }
      this.failures = 0;
      // What waits may have been cleared or beaconed meanwhile.
      const sent = new Set(batch.map((event) => event.id));
      this.waiting = this.waiting.filter((event) => !sent.has(event.id));
      this.keep();
      if (status < 300 && answer) this.settings.onDelivered?.({ ...answer, events: batch });
      else this.settings.onDropped?.(batch, `status ${status}`);
    }
  }

  private async post(
    batch: SentEvent[],
  ): Promise<{ status: number; answer?: Omit<Delivery, "events">; retryAfter: number }> {
    try {
      // text/plain with the key in the body: no preflight from another origin, and the same body as a beacon's.
      const reply = await fetch(this.address(), {
        method: "POST",
        body: this.body(batch),
        headers: { "content-type": "text/plain" },
        credentials: "omit",
      });
      const retryAfter = Number(reply.headers.get("retry-after")) * 1000 || 0;
      return { status: reply.status, answer: reply.ok ? await reply.json() : undefined, retryAfter };
    } catch {
      return { status: 0, retryAfter: 0 };
    }
  }

  private address(): string {
    return `${this.settings.host}/api/v1/events`;
  }

  private body(batch: SentEvent[]): string {
    return JSON.stringify({ batch, key: this.settings.key, sent_at: new Date().toISOString() });
  }

  private plan(wait: number): void {
    this.timer ??= setTimeout(() => void this.flush(), wait);
  }

  private keep(): void {
    if (this.waiting.length) this.store.set(this.name, JSON.stringify(this.waiting));
    else this.store.remove(this.name);
  }
}
