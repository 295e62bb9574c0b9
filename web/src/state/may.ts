import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { me, type Project } from "../api/account";
import { useApi } from "../api/client";

export const ROLES = ["owner", "admin", "editor", "viewer"] as const;
export type Role = (typeof ROLES)[number];

/**
 * What pages ask before they show a button, by who may; the server decides. docs/authorisation.md is the whole of it,
 * and a test compares the two.
 */
export const ALLOWED = {
  "events.read": ["owner", "admin", "editor", "viewer"],
  "rejected.read": ["owner", "admin", "editor", "viewer"],
  "exports.read": ["owner", "admin", "editor"],
  "persons.merge": ["owner", "admin"],
  "definitions.write": ["owner", "admin", "editor"],
  "dashboards.write": ["owner", "admin", "editor"],
  "shares.write": ["owner", "admin", "editor"],
  "annotations.write": ["owner", "admin", "editor"],
  "project.write": ["owner", "admin"],
  "project.create": ["owner", "admin"],
  "project.delete": ["owner", "admin"],
  "keys.read": ["owner", "admin"],
  "keys.write": ["owner", "admin"],
  "members.read": ["owner", "admin", "editor", "viewer"],
  "members.write": ["owner", "admin"],
  "owners.write": ["owner"],
} as const satisfies Record<string, readonly Role[]>;
export type Action = keyof typeof ALLOWED;

export function may(role: string | undefined, action: Action): boolean {
  return (ALLOWED[action] as readonly string[]).includes(role ?? "");
}

/** The project in the address, as far as it is open to whoever is signed in. */
export function useProject(): Project | undefined {
  const { project } = useParams({ strict: false }) as { project?: string };
  const user = useQuery(me(useApi())).data;
  return user?.projects.find(({ id }) => id === project);
}

/** Whether the signed-in user may do something in the project in the address. */
export function useMay(): (action: Action) => boolean {
  const role = useProject()?.role;
  return (action) => may(role, action);
}
