import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";
import { ask, get } from "./queries";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type PeopleAnswer = Schemas["PeopleAnswer"];
export type FoundPerson = Omit<PeopleAnswer["items"][number], "profile"> & { profile: Record<string, unknown> };
export type PersonAnswer = Omit<Schemas["PersonAnswer"], "profile"> & { profile: Record<string, unknown> };
export type TimelineAnswer = Schemas["TimelineAnswer"];
export type TimelineEvent = TimelineAnswer["items"][number];
export type Merge = Schemas["Merge"];

export interface PersonSession {
  session_id: string | null;
  started: string;
  ended: string;
  seconds: number;
  events: number;
  active: number;
  bounced: boolean;
  entry_page: string | null;
  exit_page: string | null;
}

/** Found people and the cursor of those after them. */
export interface FoundPeople {
  items: FoundPerson[];
  next_cursor: string | null;
}

export interface Did {
  event: string;
  op: "gte" | "lte" | "eq";
  times: number;
}

/** The properties that profiles have or had, as filters and columns name them. */
export const profileProperties = (api: Api, project: string) =>
  get<Schemas["ProfilePropertiesAnswer"]>(api, project, "/api/v1/people/properties", {}, false);

export const at = (person: string) => `/api/v1/people/${encodeURIComponent(person)}`;

/** Some people whose id, name or email has `q` in it; by their ids. */
export function peopleLike(api: Api, project: string, q: string) {
  return ask<FoundPeople>(api, project, "/api/v1/people", { q, limit: 20 }, false);
}

export function personOf(api: Api, project: string, person: string) {
  return queryOptions({
    queryKey: [project, "person", person],
    queryFn: ({ signal }) => api.call<PersonAnswer>(at(person), { project, signal }),
  });
}

export function mergePerson(api: Api, project: string, person: string, into: string, reason: string) {
  return api.call<{ person: string }>(`${at(person)}/merges`, { project, body: { into, reason } });
}

/** Takes a merge back: whoever was made one with another is themselves again. */
export function unmerge(api: Api, project: string, person: string, merge: string, reason: string) {
  return api.call<{ person: string }>(`${at(person)}/merges/${merge}`, {
    method: "DELETE",
    project,
    query: { reason },
  });
}
