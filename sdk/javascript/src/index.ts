export { Sluice, VERSION } from "./client";
export type { Delivery, Json, Options, Persistence, Properties, SentEvent } from "./types";
