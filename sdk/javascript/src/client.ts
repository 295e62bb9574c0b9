import { watchLeaving, watchPages, watchPointer } from "./browser";
import { uuid } from "./ids";
import { Queue } from "./queue";
import { openStore, type Store } from "./store";
import type { Options, Properties, SentEvent } from "./types";

export const VERSION = "0.1.0";
const STATE = "sluice_state";

interface State {
  anonymous_id: string;
  user_id?: string;
  session_id: string;
  seen: number;
  super: Properties;
  groups: Record<string, string>;
  consent?: "granted" | "denied";
}

/** Sends what happens on a page. No method throws, and none waits for the network. */
export class Sluice {
  private readonly options: Options;
  private store: Store;
  private queue: Queue;
  private state: State;
  private held: SentEvent[] = [];
  private readonly stops: (() => void)[] = [];

  /** `key` is a project's public key (`slp_…`). */
  constructor(
    private readonly key: string,
    options: Options = {},
  ) {
    this.options = { respectDoNotTrack: true, sessionTimeout: 30 * 60_000, ...options };
    this.store = openStore(options.persistence ?? "local");
    this.state = this.read();
    this.queue = this.openQueue();
    if (typeof document === "undefined") return;
    this.stops.push(
      watchLeaving(
        () => this.queue.leave(),
        () => void this.queue.flush(),
      ),
    );
    if (options.pageViews ?? true) this.stops.push(watchPages(() => this.page()));
    if (options.autocapture) this.stops.push(watchPointer((event, properties) => this.track(event, properties)));
  }

  /** Something happened. */
  track(event: string, properties: Properties = {}): void {
    const consent = this.consent;
    if (consent === "denied") return;
    const made = this.make(event, properties);
    this.options.onTracked?.(made);
    if (consent === "pending") this.held.push(made);
    else this.queue.add(made);
  }

  /** A page was seen; by default the one shown. */
  page(properties: Properties = {}): void {
    this.track("page_view", typeof document === "undefined" ? properties : { title: document.title, ...properties });
  }

  /** From here on events belong to this user; links what the anonymous visitor did before. */
  identify(userId: string | number, traits: Properties = {}): void {
    this.state.user_id = String(userId);
    this.write();
    this.track("identify", traits);
  }

  /** The user belongs to a group, such as a company; later events carry it. */
  group(type: string, id: string | number, traits: Properties = {}): void {
    this.state.groups[type] = String(id);
    this.write();
    this.track("group", { ...traits, group_type: type, group_id: String(id) });
  }

  /** Properties that every later event carries. */
  register(properties: Properties): void {
    Object.assign(this.state.super, properties);
    this.write();
  }

  unregister(name: string): void {
    delete this.state.super[name];
    this.write();
  }

  /** The user signed out: the next event is somebody new's. */
  reset(): void {
    const { consent } = this.state;
    this.state = { ...fresh(), consent };
    this.write();
  }

  optIn(): void {
    this.state.consent = "granted";
    this.write();
    for (const event of this.held.splice(0)) this.queue.add(event);
  }

  /** Nothing is sent any more, and what waited is forgotten. */
  optOut(): void {
    this.state = { ...fresh(), consent: "denied" };
    this.held = [];
    this.queue.clear();
    this.write();
  }

  get consent(): "granted" | "denied" | "pending" {
    if (this.options.respectDoNotTrack && asksNotToBeTracked()) return "denied";
    return this.state.consent ?? this.options.consent ?? "granted";
  }

  get anonymousId(): string {
    return this.state.anonymous_id;
  }

  get sessionId(): string {
    return this.state.session_id;
  }

  /** Send at once what waits; resolves when it is delivered or the server cannot be reached. */
  flush(): Promise<void> {
    return this.queue.flush();
  }

  /** Stop watching the page; what waits is sent. */
  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
    void this.queue.flush();
  }

  private make(event: string, properties: Properties): SentEvent {
    const now = Date.now();
    if (now - this.state.seen > (this.options.sessionTimeout as number)) this.state.session_id = uuid();
    this.state.seen = now;
    if (this.consent === "granted") this.write();
    const { anonymous_id, user_id, session_id, groups } = this.state;
    return {
      id: uuid(),
      event,
      timestamp: new Date(now).toISOString(),
      anonymous_id,
      user_id,
      session_id,
      properties: { ...this.state.super, ...properties },
      context: {
        library: { name: "sluice.js", version: VERSION },
        ...(Object.keys(groups).length && { groups }),
        ...surroundings(),
      },
    };
  }

  private openQueue(): Queue {
    const {
      host = globalThis.location?.origin ?? "",
      flushInterval = 1000,
      batchSize = 50,
      queueSize = 1000,
      onDelivered,
      onDropped,
    } = this.options;
    return new Queue(
      { key: this.key, host: host.replace(/\/$/, ""), flushInterval, batchSize, queueSize, onDelivered, onDropped },
      this.store,
    );
  }

  private read(): State {
    try {
      return { ...fresh(), ...JSON.parse(this.store.get(STATE) ?? "{}") };
    } catch {
      return fresh();
    }
  }

  private write(): void {
    // Before consent nothing is stored on the device; a refusal is, or it would be forgotten.
    if (this.consent === "pending") return;
    this.store.set(STATE, JSON.stringify(this.consent === "denied" ? { consent: this.state.consent } : this.state));
  }
}

function fresh(): State {
  return { anonymous_id: uuid(), session_id: uuid(), seen: Date.now(), super: {}, groups: {} };
}

function asksNotToBeTracked(): boolean {
  const asked = globalThis.navigator as (Navigator & { globalPrivacyControl?: boolean }) | undefined;
  return asked?.globalPrivacyControl === true || asked?.doNotTrack === "1";
}

function surroundings(): Properties {
  if (typeof document === "undefined") return {};
  return {
    page: { url: location.href, path: location.pathname, title: document.title, referrer: document.referrer },
    screen: { width: screen.width, height: screen.height },
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
