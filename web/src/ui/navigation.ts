import {
  Activity,
  ChartPie,
  ChartSpline,
  CircleAlert,
  FlaskConical,
  Funnel,
  HeartPulse,
  KeyRound,
  LayoutDashboard,
  LayoutGrid,
  type LucideIcon,
  Repeat,
  Rocket,
  Route,
  Settings,
  Sprout,
  Timer,
  UserRound,
  Users,
  UsersRound,
} from "lucide-react";
import type { Action } from "../state/may";

/** A page of a project, as the navigation shows it. A new page is a row here, a route in router.tsx and its texts. */
export interface NavPage {
  to: `/p/$project/${string}`;
  text: string;
  Icon: LucideIcon;
  group: (typeof GROUPS)[number];
  /** Only who may do this sees it. */
  needs?: Action;
  /** Stands in a phone's bar; the others are behind one more button. */
  phone?: true;
}

export const GROUPS = ["analyse", "people", "data", "manage"] as const;

// biome-ignore format: one page a line
export const NAV = [
  { to: "/p/$project/overview", text: "nav.overview", Icon: LayoutDashboard, group: "analyse", needs: "events.read", phone: true },
  { to: "/p/$project/dashboards", text: "nav.dashboards", Icon: LayoutGrid, group: "analyse", needs: "events.read" },
  { to: "/p/$project/explore", text: "nav.explore", Icon: ChartSpline, group: "analyse", needs: "events.read" },
  { to: "/p/$project/funnel", text: "nav.funnel", Icon: Funnel, group: "analyse", needs: "events.read", phone: true },
  { to: "/p/$project/retention", text: "nav.retention", Icon: Repeat, group: "analyse", needs: "events.read" },
  { to: "/p/$project/lifecycle", text: "nav.lifecycle", Icon: Sprout, group: "analyse", needs: "events.read" },
  { to: "/p/$project/paths", text: "nav.paths", Icon: Route, group: "analyse", needs: "events.read" },
  { to: "/p/$project/attribution", text: "nav.attribution", Icon: ChartPie, group: "analyse", needs: "events.read" },
  { to: "/p/$project/people", text: "nav.people", Icon: UserRound, group: "people", needs: "events.read", phone: true },
  { to: "/p/$project/segments", text: "nav.segments", Icon: UsersRound, group: "people", needs: "events.read" },
  { to: "/p/$project/sessions", text: "nav.sessions", Icon: Timer, group: "people", needs: "events.read" },
  { to: "/p/$project/events", text: "nav.events", Icon: Activity, group: "data", needs: "events.read", phone: true },
  { to: "/p/$project/rejected", text: "nav.rejected", Icon: CircleAlert, group: "data", needs: "rejected.read" },
  { to: "/p/$project/playground", text: "nav.playground", Icon: FlaskConical, group: "data" },
  { to: "/p/$project/system", text: "nav.system", Icon: HeartPulse, group: "data", needs: "events.read" },
  { to: "/p/$project/install", text: "nav.install", Icon: Rocket, group: "manage" },
  { to: "/p/$project/keys", text: "nav.keys", Icon: KeyRound, group: "manage", needs: "keys.read" },
  { to: "/p/$project/settings", text: "nav.settings", Icon: Settings, group: "manage", needs: "project.write" },
  { to: "/p/$project/members", text: "nav.members", Icon: Users, group: "manage", needs: "members.read" },
] as const satisfies readonly NavPage[];

/** Whether a page stands in a phone's bar: those that are meant to, or the first four of who may see none of these. */
export function inPhoneBar(page: NavPage, pages: readonly NavPage[]): boolean {
  const meant = pages.filter(({ phone }) => phone);
  return (meant.length ? meant : pages.slice(0, 4)).includes(page);
}
