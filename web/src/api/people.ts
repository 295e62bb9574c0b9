import { queryOptions } from "@tanstack/react-query";
import type { Role } from "../state/may";
import type { Api } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
/** Not by its name in the document: another function's members would give it a longer one. */
export interface Member {
  user_id: string;
  email: string;
  name: string;
  role: Role;
  joined_at: string;
}
export type Invitation = Schemas["Invitation"];
export type SentInvitation = Schemas["SentInvitation"];
export type Offer = Schemas["Offer"];

const at = (organisation: string) => `/api/v1/organisations/${organisation}`;
const EVERY = { limit: 1000 };

export function membersOf(api: Api, organisation: string) {
  return queryOptions({
    queryKey: [organisation, "members"],
    queryFn: async ({ signal }) =>
      (await api.call<{ items: Member[] }>(`${at(organisation)}/members`, { signal, query: EVERY })).items,
  });
}

export function changeRole(api: Api, organisation: string, user: string, role: Role): Promise<unknown> {
  return api.call(`${at(organisation)}/members/${user}`, { method: "PATCH", body: { role } });
}

/** Take somebody out, or leave. */
export function removeMember(api: Api, organisation: string, user: string): Promise<unknown> {
  return api.call(`${at(organisation)}/members/${user}`, { method: "DELETE" });
}

export function invitationsOf(api: Api, organisation: string) {
  return queryOptions({
    queryKey: [organisation, "invitations"],
    queryFn: async ({ signal }) =>
      (await api.call<{ items: Invitation[] }>(`${at(organisation)}/invitations`, { signal, query: EVERY })).items,
  });
}

/** Mails a link; it is in the answer too, this once. */
export function invite(
  api: Api,
  organisation: string,
  wanted: { email: string; role: Role; language: "en" | "ru" },
): Promise<SentInvitation> {
  return api.call(`${at(organisation)}/invitations`, { body: wanted });
}

export function inviteAgain(api: Api, organisation: string, id: string): Promise<SentInvitation> {
  return api.call(`${at(organisation)}/invitations/${id}/resend`, { body: {} });
}

export function revokeInvitation(api: Api, organisation: string, id: string): Promise<unknown> {
  return api.call(`${at(organisation)}/invitations/${id}`, { method: "DELETE" });
}

/** What an invitation offers to whoever has its link. */
export function offerOf(api: Api, token: string) {
  return queryOptions({
    queryKey: ["invitation", token],
    queryFn: () => api.call<Offer>("/api/v1/invitations/show", { body: { token } }),
    retry: false,
  });
}

export function acceptInvitation(api: Api, token: string): Promise<unknown> {
  return api.call("/api/v1/invitations/accept", { body: { token } });
}
