import {
  Activity,
  AlarmClock,
  BellRing,
  BookCheck,
  Bookmark,
  BookOpen,
  ChartPie,
  ChartSpline,
  CircleAlert,
  ClipboardCheck,
  DatabaseBackup,
  FileChartColumn,
  FileDown,
  FileJson2,
  FlaskConical,
  Funnel,
  HeartPulse,
  Hourglass,
  KeyRound,
  LayoutDashboard,
  LayoutGrid,
  ListChecks,
  type LucideIcon,
  MessagesSquare,
  Repeat,
  Rocket,
  Route,
  ScrollText,
  Settings,
  ShieldCheck,
  Siren,
  Sprout,
  SquareTerminal,
  Timer,
  UserCog,
  UserRound,
  Users,
  UsersRound,
  Webhook,
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

export const GROUPS = ["analyse", "people", "data", "watch", "manage", "trust"] as const;
/** Those that are open before anybody has opened or closed one. */
export const OPEN_GROUPS: readonly string[] = ["analyse", "people", "data"];

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
  { to: "/p/$project/sql", text: "tools.nav.sql", Icon: SquareTerminal, group: "analyse", needs: "sql.read" },
  { to: "/p/$project/people", text: "nav.people", Icon: UserRound, group: "people", needs: "events.read", phone: true },
  { to: "/p/$project/segments", text: "nav.segments", Icon: UsersRound, group: "people", needs: "events.read" },
  { to: "/p/$project/sessions", text: "nav.sessions", Icon: Timer, group: "people", needs: "events.read" },
  { to: "/p/$project/events", text: "nav.events", Icon: Activity, group: "data", needs: "events.read", phone: true },
  { to: "/p/$project/rejected", text: "nav.rejected", Icon: CircleAlert, group: "data", needs: "rejected.read" },
  { to: "/p/$project/playground", text: "nav.playground", Icon: FlaskConical, group: "data" },
  { to: "/p/$project/dictionary", text: "quality.nav.dictionary", Icon: BookOpen, group: "data", needs: "events.read" },
  { to: "/p/$project/system", text: "nav.system", Icon: HeartPulse, group: "data", needs: "events.read" },
  { to: "/p/$project/ledger", text: "jobs.nav.ledger", Icon: BookCheck, group: "trust", needs: "events.read" },
  { to: "/p/$project/exports", text: "jobs.nav.exports", Icon: FileDown, group: "data", needs: "exports.read" },
  { to: "/p/$project/jobs", text: "jobs.nav.jobs", Icon: ListChecks, group: "data", needs: "jobs.read" },
  { to: "/p/$project/alerts", text: "alerts.nav.alerts", Icon: AlarmClock, group: "watch", needs: "alerts.read" },
  { to: "/p/$project/incidents", text: "alerts.nav.incidents", Icon: Siren, group: "watch", needs: "alerts.read" },
  { to: "/p/$project/policies", text: "alerts.nav.policies", Icon: BellRing, group: "watch", needs: "alerts.read" },
  { to: "/p/$project/quality", text: "quality.nav.quality", Icon: ClipboardCheck, group: "watch", needs: "definitions.read" },
  { to: "/p/$project/plan", text: "quality.nav.plan", Icon: FileJson2, group: "watch", needs: "definitions.read" },
  { to: "/p/$project/reports", text: "reports.nav.reports", Icon: FileChartColumn, group: "watch", needs: "reports.read" },
  { to: "/p/$project/install", text: "nav.install", Icon: Rocket, group: "manage" },
  { to: "/p/$project/keys", text: "nav.keys", Icon: KeyRound, group: "manage", needs: "keys.read" },
  { to: "/p/$project/settings", text: "nav.settings", Icon: Settings, group: "manage", needs: "project.write" },
  { to: "/p/$project/members", text: "nav.members", Icon: Users, group: "manage", needs: "members.read" },
  { to: "/p/$project/privacy", text: "jobs.nav.privacy", Icon: ShieldCheck, group: "trust", needs: "persons.erase" },
  { to: "/p/$project/data-retention", text: "jobs.nav.keeping", Icon: Hourglass, group: "trust", needs: "retention.write" },
  { to: "/p/$project/backups", text: "jobs.nav.backups", Icon: DatabaseBackup, group: "trust", needs: "backups.read" },
  { to: "/p/$project/users", text: "admin.nav.users", Icon: UserCog, group: "manage", needs: "members.write" },
  { to: "/p/$project/saved", text: "admin.nav.saved", Icon: Bookmark, group: "analyse", needs: "definitions.read" },
  { to: "/p/$project/webhooks", text: "admin.nav.webhooks", Icon: Webhook, group: "manage", needs: "webhooks.read" },
  { to: "/p/$project/channels", text: "admin.nav.channels", Icon: MessagesSquare, group: "manage", needs: "webhooks.read" },
  { to: "/p/$project/audit", text: "admin.nav.audit", Icon: ScrollText, group: "trust", needs: "audit.read" },
] as const satisfies readonly NavPage[];

/** Whether a page stands in a phone's bar: those that are meant to, or the first four of who may see none of these. */
export function inPhoneBar(page: NavPage, pages: readonly NavPage[]): boolean {
  const meant = pages.filter(({ phone }) => phone);
  return (meant.length ? meant : pages.slice(0, 4)).includes(page);
}
