import { queryOptions } from "@tanstack/react-query";
import type { Api } from "./client";

export interface Project {
  id: string;
  name: string;
  timezone: string;
  organisation_id: string;
  role: string;
}

export interface Organisation {
  id: string;
  name: string;
  role: string;
  projects: Project[];
}

export interface Me {
  id: string;
  email: string;
  name: string;
  /** Of mails. */
  language: "en" | "ru";
  email_verified: boolean;
  second_factor: boolean;
  has_password: boolean;
  created_at: string;
  organisations: Organisation[];
  projects: Project[];
}

export interface SignIn {
  id: string;
  method: string;
  address: string;
  user_agent: string;
  created_at: string;
  last_used_at: string;
  current: boolean;
}

/** Who is signed in, with the projects they may see. */
export function me(api: Api) {
  return queryOptions({
    queryKey: ["me"],
    queryFn: ({ signal }) => api.call<Me>("/api/v1/auth/me", { signal }),
    staleTime: 5 * 60_000,
  });
}

export function projects(api: Api) {
  return { ...me(api), select: (user: Me) => user.projects };
}

/** Where the account is signed in, the newest use first. */
export function signIns(api: Api) {
  return queryOptions({
    queryKey: ["sessions"],
    queryFn: async ({ signal }) => {
      const { sessions } = await api.call<{ sessions: SignIn[] }>("/api/v1/auth/sessions", { signal });
      return sessions.sort((a, b) => Date.parse(b.last_used_at) - Date.parse(a.last_used_at));
    },
  });
}

const auth =
  <Given extends object, Answer = unknown>(action: string) =>
  (api: Api, body: Given) =>
    api.call<Answer>(`/api/v1/auth/${action}`, { body });

/** Every other session ends with it; `ended` says how many. */
export const changePassword = auth<{ current_password: string; new_password: string }, { ended: number }>("password");
export const beginTotp = auth<{ password: string }, { secret: string; uri: string }>("totp");
export const confirmTotp = auth<{ code: string }, { recovery_codes: string[] }>("totp/confirm");
export const removeTotp = auth<{ password: string; code: string }>("totp/remove");
export const renewRecoveryCodes = auth<{ code: string }, { recovery_codes: string[] }>("totp/recovery-codes");
export const resendVerification = auth<{ email: string }>("email/resend");
export const endEverySession = auth<Record<string, never>>("logout-all");

export function changeProfile(api: Api, body: { name?: string; language?: Me["language"] }): Promise<Me> {
  return api.call("/api/v1/auth/me", { method: "PATCH", body });
}

export function endSession(api: Api, id: string): Promise<unknown> {
  return api.call(`/api/v1/auth/sessions/${id}`, { method: "DELETE" });
}

/** Every session but the one this is asked with; `ended` says how many. */
export function endOtherSessions(api: Api): Promise<{ ended: number }> {
  return api.call("/api/v1/auth/sessions", { method: "DELETE" });
}
