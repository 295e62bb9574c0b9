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
  "sql.read": ["owner", "admin", "editor"],
  "exports.read": ["owner", "admin", "editor"],
  "persons.merge": ["owner", "admin"],
  "exports.write": ["owner", "admin", "editor"],
  "jobs.read": ["owner", "admin", "editor"],
  "persons.export": ["owner", "admin"],
  "persons.erase": ["owner", "admin"],
  "retention.write": ["owner", "admin"],
  "pii.write": ["owner", "admin"],
  "backups.read": ["owner"],
  "backups.write": ["owner"],
  "events.replay": ["owner", "admin"],
  "definitions.read": ["owner", "admin", "editor", "viewer"],
  "definitions.write": ["owner", "admin", "editor"],
  "dashboards.write": ["owner", "admin", "editor"],
  "shares.read": ["owner", "admin", "editor"],
  "shares.write": ["owner", "admin", "editor"],
  "annotations.write": ["owner", "admin", "editor"],
  "alerts.read": ["owner", "admin", "editor", "viewer"],
  "alerts.write": ["owner", "admin", "editor"],
  "reports.read": ["owner", "admin", "editor", "viewer"],
  "reports.write": ["owner", "admin", "editor"],
  "webhooks.read": ["owner", "admin"],
  "webhooks.write": ["owner", "admin"],
  "project.write": ["owner", "admin"],
  "project.create": ["owner", "admin"],
  "project.delete": ["owner", "admin"],
  "keys.read": ["owner", "admin"],
  "keys.write": ["owner", "admin"],
  "organisation.write": ["owner", "admin"],
  "organisation.delete": ["owner"],
  "members.read": ["owner", "admin", "editor", "viewer"],
  "members.write": ["owner", "admin"],
  "owners.write": ["owner"],
  "audit.read": ["owner"],
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
