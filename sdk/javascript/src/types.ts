/** Anything that JSON can hold; `undefined` members are left out. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };
export type Properties = Record<string, Json | undefined>;

/** Where ids and unsent events are kept: in localStorage, or only in the memory of this page. Never in cookies. */
export type Persistence = "local" | "memory";

export interface Options {
  /** The server's address; by default the origin of the page. */
  host?: string;
  /** `memory` stores nothing on the device: each page load is a new anonymous person. */
  persistence?: Persistence;
  /** `pending` keeps events in memory until `optIn()` or `optOut()` is called. */
  consent?: "granted" | "denied" | "pending";
  /** Whether a browser that asks not to be tracked (Do-Not-Track, Global Privacy Control) sends nothing. On by default. */
  respectDoNotTrack?: boolean;
  /** Sends `page_view` at the start and whenever the address changes. On by default in a browser. */
  pageViews?: boolean;
  /** Sends `element_clicked` and `form_submitted`, never what was typed. Off by default. */
  autocapture?: boolean;
  /** The most milliseconds an event waits for others. */
  flushInterval?: number;
  /** How many events are sent at once, and how many are kept while there is no connection. */
  batchSize?: number;
  queueSize?: number;
  /** Milliseconds without an event after which a session ends. */
  sessionTimeout?: number;
  /** Called with each event that is going to be sent, with the server's answer to each batch, and with what was given up. */
  onTracked?: (event: SentEvent) => void;
  onDelivered?: (answer: Delivery) => void;
  onDropped?: (events: readonly SentEvent[], reason: string) => void;
}

/** One event as it is sent; a retry repeats all of it, so that it is counted once. */
export interface SentEvent {
  id: string;
  event: string;
  timestamp: string;
  anonymous_id: string;
  user_id?: string;
  session_id: string;
  properties: Properties;
  context: Properties;
}

/** What the server said: `receipt` can be asked where the events are now. */
export interface Delivery {
  events: readonly SentEvent[];
  accepted: number;
  receipt: string;
  rejected: readonly { index: number; reason: string; detail: string }[];
}
