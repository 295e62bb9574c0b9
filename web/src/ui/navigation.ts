import {
  Activity,
  CircleAlert,
  FlaskConical,
  HeartPulse,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  Rocket,
  Settings,
  Users,
} from "lucide-react";
import type { Action } from "../state/may";

/** A page of a project, as the navigation shows it. A new page is a row here, a route in router.tsx and its texts. */
export interface NavPage {
  to: `/p/$project/${string}`;
  text: string;
  Icon: LucideIcon;
  group: "look" | "manage";
  /** Only who may do this sees it. */
  needs?: Action;
}

export const NAV = [
  { to: "/p/$project/overview", text: "nav.overview", Icon: LayoutDashboard, group: "look", needs: "events.read" },
  { to: "/p/$project/events", text: "nav.events", Icon: Activity, group: "look", needs: "events.read" },
  { to: "/p/$project/rejected", text: "nav.rejected", Icon: CircleAlert, group: "look", needs: "rejected.read" },
  { to: "/p/$project/playground", text: "nav.playground", Icon: FlaskConical, group: "look" },
  { to: "/p/$project/install", text: "nav.install", Icon: Rocket, group: "manage" },
  { to: "/p/$project/keys", text: "nav.keys", Icon: KeyRound, group: "manage", needs: "keys.read" },
  { to: "/p/$project/settings", text: "nav.settings", Icon: Settings, group: "manage", needs: "project.write" },
  { to: "/p/$project/members", text: "nav.members", Icon: Users, group: "manage", needs: "members.read" },
  { to: "/p/$project/system", text: "nav.system", Icon: HeartPulse, group: "manage", needs: "events.read" },
] as const satisfies readonly NavPage[];

export const GROUPS = ["look", "manage"] as const;
/** How many pages a phone's bar holds; the rest is behind one more button. */
export const ON_PHONE = 4;
