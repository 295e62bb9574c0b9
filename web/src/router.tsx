import { useQuery } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  Navigate,
  Outlet,
  redirect,
  useRouter,
} from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { me, projects } from "./api/account";
import { useApi } from "./api/client";
import type { Session } from "./api/session";
import { useTexts } from "./i18n";
import { sentenceOf } from "./panels/Panel";
import { keep, kept } from "./state/kept";
import { may } from "./state/may";
import { ScopeProvider, scopeOf } from "./state/scope";
import { parseView } from "./state/search";
import { useSignedIn } from "./state/signedIn";
import { useView } from "./state/view";
import { Shell } from "./ui/Shell";

const LAST = "sluice_project";

function Missing() {
  const { t } = useTexts();
  return (
    <main className="blank">
      <h1>{t("missing.title")}</h1>
      <Link to="/" className="button primary">
        {t("missing.back")}
      </Link>
    </main>
  );
}

function Broken({ error }: { error: Error }) {
  const { t } = useTexts();
  return (
    <div className="blank" role="alert">
      <h1>{t("broken.title")}</h1>
      <p>{sentenceOf(error, t)}</p>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        {t("broken.reload")}
      </button>
    </div>
  );
}

/** The project looked at last, else the first one. */
function useLastProject() {
  const query = useQuery(projects(useApi()));
  return { ...query, project: query.data?.find(({ id }) => id === kept(LAST)) ?? query.data?.[0] };
}

function Home() {
  const { t } = useTexts();
  const { data, error, project } = useLastProject();
  if (error) return <Broken error={error} />;
  if (!data) return <div className="blank" role="status" aria-label={t("panel.loading")} />;
  return project ? (
    <Navigate to="/p/$project" params={{ project: project.id }} replace />
  ) : (
    <Navigate to="/welcome" replace />
  );
}

/** Who may see numbers begins with them, the others with the playground. */
function ProjectHome() {
  const { project } = projectRoute.useParams();
  const role = useQuery(projects(useApi())).data?.find(({ id }) => id === project)?.role;
  const page = may(role, "events.read") ? "/p/$project/overview" : "/p/$project/playground";
  return <Navigate to={page} params={{ project }} search={(old) => old} replace />;
}

/** The pages of a project share its shell and the scope out of the address. */
function ProjectPages() {
  const { project } = projectRoute.useParams();
  const { view } = useView();
  const { data, error } = useQuery(me(useApi()));
  const found = data?.projects.find(({ id }) => id === project);
  const now = useMinute();
  const id = found?.id;
  useEffect(() => {
    if (id) keep(LAST, id);
  }, [id]);
  if (error && !data) return <Broken error={error} />;
  if (data && !found) return <Missing />;
  return (
    <Shell project={project}>
      {found ? (
        <ScopeProvider value={scopeOf(view, project, found.timezone, now)}>
          <Outlet />
        </ScopeProvider>
      ) : null}
    </Shell>
  );
}

/** Pages that belong to the account stand in the shell of the project looked at last. */
function OwnPages() {
  const { data, error, project } = useLastProject();
  if (error && !data) return <Broken error={error} />;
  return <Shell project={project?.id}>{data ? <Outlet /> : null}</Shell>;
}

const minute = () => Math.floor(Date.now() / 60_000);

/** The time, to the minute. */
function useMinute(): Date {
  const [now, setNow] = useState(minute);
  useEffect(() => {
    const timer = setInterval(() => setNow(minute()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return new Date(now * 60_000);
}

/** A session that ends while a page is open leads to sign-in and back to the same address. */
function SignedInOnly() {
  const ended = useSignedIn() === "no";
  const router = useRouter();
  // Once, with the address it ended at: while sign-in is being loaded the address is that of sign-in already.
  useEffect(() => {
    if (!ended) return;
    const search = { next: router.state.location.href, expired: true };
    void router.navigate({ to: "/sign-in", search, replace: true });
  }, [ended, router]);
  return ended ? null : <Outlet />;
}

export function makeRouter(session: Session) {
  return createRouter({
    routeTree: root.addChildren([
      signInRoute,
      registerRoute,
      forgotRoute,
      resetRoute,
      verifyRoute,
      invitationRoute,
      sharedRoute,
      inside.addChildren([
        homeRoute,
        welcomeRoute,
        ownRoute.addChildren(ownRoutes),
        projectRoute.addChildren(pageRoutes),
      ]),
    ]),
    basepath: "/app",
    context: { session },
    defaultErrorComponent: ({ error }) => <Broken error={error instanceof Error ? error : new Error(String(error))} />,
    defaultNotFoundComponent: Missing,
    scrollRestoration: true,
  });
}

const root = createRootRoute({ component: Outlet });
const at = <Path extends string>(path: Path) => ({ getParentRoute: () => root, path });
const text = (value: unknown) => (typeof value === "string" ? value : undefined);
/** Only our own pages: an address of somebody else's in `next` is not followed. */
const ours = (value: unknown) => (/^\/(?![/\\])/.test(text(value) ?? "") ? text(value) : undefined);

const signInRoute = createRoute({
  ...at("sign-in"),
  component: lazyRouteComponent(() => import("./pages/SignIn")),
  validateSearch: (search: Record<string, unknown>): { next?: string; expired?: boolean; saved?: boolean } => ({
    ...(ours(search.next) ? { next: ours(search.next) } : {}),
    ...(search.expired ? { expired: true } : {}),
    ...(search.saved ? { saved: true } : {}),
  }),
});
const registerRoute = createRoute({
  ...at("register"),
  component: lazyRouteComponent(() => import("./pages/Register")),
});
const forgotRoute = createRoute({ ...at("forgot"), component: lazyRouteComponent(() => import("./pages/Forgot")) });
const resetRoute = createRoute({
  ...at("reset-password"),
  component: lazyRouteComponent(() => import("./pages/Reset")),
});
const verifyRoute = createRoute({
  ...at("verify-email"),
  component: lazyRouteComponent(() => import("./pages/VerifyEmail")),
});
const invitationRoute = createRoute({
  ...at("invitation"),
  component: lazyRouteComponent(() => import("./pages/Invitation")),
  // Somebody who is signed in already needs no form.
  beforeLoad: async ({ context }) => {
    await (context as unknown as { session: Session }).session.restore();
  },
});
const sharedRoute = createRoute({
  ...at("shared/$token"),
  component: lazyRouteComponent(() => import("./pages/Shared")),
});
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: SignedInOnly,
  beforeLoad: async ({ context, location }) => {
    const { session } = context as unknown as { session: Session };
    if (!(await session.restore()))
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { next: location.href } });
  },
});
const homeRoute = createRoute({ getParentRoute: () => inside, path: "/", component: Home });
const welcomeRoute = createRoute({
  getParentRoute: () => inside,
  path: "welcome",
  component: lazyRouteComponent(() => import("./pages/Welcome")),
});
const ownRoute = createRoute({ getParentRoute: () => inside, id: "own", component: OwnPages });
const own = <Path extends string>(path: Path) => ({ getParentRoute: () => ownRoute, path });
const ownRoutes = [
  createRoute({ ...own("account"), component: lazyRouteComponent(() => import("./pages/Account")) }),
  createRoute({ ...own("projects"), component: lazyRouteComponent(() => import("./pages/Projects")) }),
] as const;
const projectRoute = createRoute({
  getParentRoute: () => inside,
  path: "p/$project",
  component: ProjectPages,
  validateSearch: parseView,
});
const page = <Path extends string>(path: Path) => ({ getParentRoute: () => projectRoute, path });
const pageRoutes = [
  createRoute({ ...page("/"), component: ProjectHome }),
  createRoute({ ...page("overview"), component: lazyRouteComponent(() => import("./pages/Overview")) }),
  createRoute({ ...page("explore"), component: lazyRouteComponent(() => import("./pages/Explore")) }),
  createRoute({ ...page("dashboards"), component: lazyRouteComponent(() => import("./pages/Dashboards")) }),
  createRoute({ ...page("dashboards/$dashboard"), component: lazyRouteComponent(() => import("./pages/Dashboard")) }),
  createRoute({ ...page("funnel"), component: lazyRouteComponent(() => import("./pages/Funnel")) }),
  createRoute({ ...page("retention"), component: lazyRouteComponent(() => import("./pages/Retention")) }),
  createRoute({ ...page("lifecycle"), component: lazyRouteComponent(() => import("./pages/Lifecycle")) }),
  createRoute({ ...page("paths"), component: lazyRouteComponent(() => import("./pages/Paths")) }),
  createRoute({ ...page("attribution"), component: lazyRouteComponent(() => import("./pages/Attribution")) }),
  createRoute({ ...page("people"), component: lazyRouteComponent(() => import("./pages/People")) }),
  createRoute({ ...page("people/$person"), component: lazyRouteComponent(() => import("./pages/Person")) }),
  createRoute({ ...page("segments"), component: lazyRouteComponent(() => import("./pages/Segments")) }),
  createRoute({ ...page("segments/new"), component: lazyRouteComponent(() => import("./pages/SegmentForm")) }),
  createRoute({ ...page("segments/$segment"), component: lazyRouteComponent(() => import("./pages/Segment")) }),
  createRoute({
    ...page("segments/$segment/edit"),
    component: lazyRouteComponent(() => import("./pages/SegmentForm")),
  }),
  createRoute({ ...page("sessions"), component: lazyRouteComponent(() => import("./pages/Sessions")) }),
  createRoute({ ...page("events"), component: lazyRouteComponent(() => import("./pages/Events")) }),
  createRoute({ ...page("rejected"), component: lazyRouteComponent(() => import("./pages/Rejected")) }),
  createRoute({ ...page("rejected/replay"), component: lazyRouteComponent(() => import("./pages/Replay")) }),
  createRoute({ ...page("playground"), component: lazyRouteComponent(() => import("./pages/Playground")) }),
  createRoute({ ...page("sql"), component: lazyRouteComponent(() => import("./pages/Sql")) }),
  createRoute({ ...page("keys"), component: lazyRouteComponent(() => import("./pages/Keys")) }),
  createRoute({ ...page("install"), component: lazyRouteComponent(() => import("./pages/Install")) }),
  createRoute({ ...page("settings"), component: lazyRouteComponent(() => import("./pages/Settings")) }),
  createRoute({ ...page("members"), component: lazyRouteComponent(() => import("./pages/Members")) }),
  createRoute({ ...page("users"), component: lazyRouteComponent(() => import("./pages/Users")) }),
  createRoute({ ...page("audit"), component: lazyRouteComponent(() => import("./pages/Audit")) }),
  createRoute({ ...page("webhooks"), component: lazyRouteComponent(() => import("./pages/Webhooks")) }),
  createRoute({ ...page("webhooks/$receiver"), component: lazyRouteComponent(() => import("./pages/Webhook")) }),
  createRoute({ ...page("channels"), component: lazyRouteComponent(() => import("./pages/Channels")) }),
  createRoute({ ...page("channels/$receiver"), component: lazyRouteComponent(() => import("./pages/Channel")) }),
  createRoute({ ...page("saved"), component: lazyRouteComponent(() => import("./pages/Saved")) }),
  createRoute({ ...page("alerts"), component: lazyRouteComponent(() => import("./pages/Alerts")) }),
  createRoute({ ...page("alerts/new"), component: lazyRouteComponent(() => import("./pages/AlertForm")) }),
  createRoute({ ...page("alerts/$alert"), component: lazyRouteComponent(() => import("./pages/Alert")) }),
  createRoute({ ...page("alerts/$alert/edit"), component: lazyRouteComponent(() => import("./pages/AlertForm")) }),
  createRoute({ ...page("incidents"), component: lazyRouteComponent(() => import("./pages/Incidents")) }),
  createRoute({ ...page("incidents/$incident"), component: lazyRouteComponent(() => import("./pages/Incident")) }),
  createRoute({ ...page("policies"), component: lazyRouteComponent(() => import("./pages/Policies")) }),
  createRoute({ ...page("policies/new"), component: lazyRouteComponent(() => import("./pages/PolicyForm")) }),
  createRoute({ ...page("policies/$policy"), component: lazyRouteComponent(() => import("./pages/PolicyForm")) }),
  createRoute({ ...page("reports"), component: lazyRouteComponent(() => import("./pages/Reports")) }),
  createRoute({ ...page("reports/new"), component: lazyRouteComponent(() => import("./pages/ReportForm")) }),
  createRoute({
    ...page("reports/built-in/$slug"),
    component: lazyRouteComponent(() => import("./pages/BuiltInReport")),
  }),
  createRoute({ ...page("reports/$report"), component: lazyRouteComponent(() => import("./pages/Report")) }),
  createRoute({ ...page("reports/$report/edit"), component: lazyRouteComponent(() => import("./pages/ReportForm")) }),
  createRoute({
    ...page("reports/$report/runs/$run"),
    component: lazyRouteComponent(() => import("./pages/ReportRun")),
  }),
  createRoute({ ...page("system"), component: lazyRouteComponent(() => import("./pages/System")) }),
  createRoute({ ...page("exports"), component: lazyRouteComponent(() => import("./pages/Exports")) }),
  createRoute({ ...page("exports/new"), component: lazyRouteComponent(() => import("./pages/ExportForm")) }),
  createRoute({
    ...page("exports/schedules/new"),
    component: lazyRouteComponent(() => import("./pages/ExportSchedule")),
  }),
  createRoute({
    ...page("exports/schedules/$schedule"),
    component: lazyRouteComponent(() => import("./pages/ExportSchedule")),
  }),
  createRoute({ ...page("exports/$export"), component: lazyRouteComponent(() => import("./pages/ExportJob")) }),
  createRoute({ ...page("jobs"), component: lazyRouteComponent(() => import("./pages/Jobs")) }),
  createRoute({ ...page("ledger"), component: lazyRouteComponent(() => import("./pages/Ledger")) }),
  createRoute({ ...page("privacy"), component: lazyRouteComponent(() => import("./pages/Erasures")) }),
  createRoute({ ...page("privacy/erase"), component: lazyRouteComponent(() => import("./pages/ErasureForm")) }),
  createRoute({
    ...page("privacy/erasures/$erasure"),
    component: lazyRouteComponent(() => import("./pages/Erasure")),
  }),
  createRoute({ ...page("privacy/access"), component: lazyRouteComponent(() => import("./pages/AccessRequests")) }),
  createRoute({
    ...page("privacy/access/$request"),
    component: lazyRouteComponent(() => import("./pages/AccessRequest")),
  }),
  createRoute({ ...page("privacy/rules"), component: lazyRouteComponent(() => import("./pages/PiiRules")) }),
  createRoute({ ...page("privacy/scans"), component: lazyRouteComponent(() => import("./pages/PiiScans")) }),
  createRoute({ ...page("data-retention"), component: lazyRouteComponent(() => import("./pages/Keeping")) }),
  createRoute({ ...page("backups"), component: lazyRouteComponent(() => import("./pages/Backups")) }),
  createRoute({ ...page("quality"), component: lazyRouteComponent(() => import("./pages/Quality")) }),
  createRoute({ ...page("plan"), component: lazyRouteComponent(() => import("./pages/TrackingPlan")) }),
  createRoute({ ...page("plan/$schema"), component: lazyRouteComponent(() => import("./pages/TrackingSchema")) }),
  createRoute({ ...page("dictionary"), component: lazyRouteComponent(() => import("./pages/Dictionary")) }),
] as const;

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
