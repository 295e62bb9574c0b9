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
  useRouterState,
} from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { projects } from "./api/account";
import { useApi } from "./api/client";
import type { Session } from "./api/session";
import { useTexts } from "./i18n";
import { sentenceOf } from "./panels/Panel";
import { ScopeProvider, scopeOf } from "./state/scope";
import { parseView } from "./state/search";
import { useSignedIn } from "./state/signedIn";
import { useView } from "./state/view";
import { Shell } from "./ui/Shell";

const LAST = "sluice_project";

function Missing() {
  const { t } = useTexts();
  return (
    <div className="blank">
      <h1>{t("missing.title")}</h1>
      <Link to="/" className="button primary">
        {t("missing.back")}
      </Link>
    </div>
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

/** To the project looked at last, else to the first one. */
function Home() {
  const { t } = useTexts();
  const { data, error } = useQuery(projects(useApi()));
  if (error) return <Broken error={error} />;
  if (!data) return <div className="blank" role="status" aria-label={t("panel.loading")} />;
  const project = data.find(({ id }) => id === localStorage.getItem(LAST)) ?? data[0];
  return project ? (
    <Navigate to="/p/$project/overview" params={{ project: project.id }} replace />
  ) : (
    <Navigate to="/welcome" replace />
  );
}

/** The pages of a project share its shell and the scope out of the address. */
function ProjectPages() {
  const { project } = projectRoute.useParams();
  const { view } = useView();
  const timezone = useQuery(projects(useApi())).data?.find(({ id }) => id === project)?.timezone;
  const now = useMinute();
  useEffect(() => localStorage.setItem(LAST, project), [project]);
  return (
    <Shell project={project}>
      {timezone ? (
        <ScopeProvider value={scopeOf(view, project, timezone, now)}>
          <Outlet />
        </ScopeProvider>
      ) : null}
    </Shell>
  );
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
  const signedIn = useSignedIn();
  const here = useRouterState({ select: ({ location }) => location.href });
  return signedIn === "no" ? <Navigate to="/sign-in" search={{ next: here, expired: true }} replace /> : <Outlet />;
}

export function makeRouter(session: Session) {
  return createRouter({
    routeTree: root.addChildren([
      signInRoute,
      registerRoute,
      forgotRoute,
      resetRoute,
      verifyRoute,
      inside.addChildren([homeRoute, welcomeRoute, invitationRoute, projectRoute.addChildren(pageRoutes)]),
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
const own = (value: unknown) => (/^\/(?![/\\])/.test(text(value) ?? "") ? text(value) : undefined);

const signInRoute = createRoute({
  ...at("sign-in"),
  component: lazyRouteComponent(() => import("./pages/SignIn")),
  validateSearch: (search: Record<string, unknown>): { next?: string; expired?: boolean; saved?: boolean } => ({
    ...(own(search.next) ? { next: own(search.next) } : {}),
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
const invitationRoute = createRoute({
  getParentRoute: () => inside,
  path: "invitation",
  component: lazyRouteComponent(() => import("./pages/Invitation")),
});
const projectRoute = createRoute({
  getParentRoute: () => inside,
  path: "p/$project",
  component: ProjectPages,
  validateSearch: parseView,
});
const page = <Path extends string>(path: Path) => ({ getParentRoute: () => projectRoute, path });
const pageRoutes = [
  createRoute({ ...page("overview"), component: lazyRouteComponent(() => import("./pages/Overview")) }),
  createRoute({ ...page("events"), component: lazyRouteComponent(() => import("./pages/Events")) }),
  createRoute({ ...page("rejected"), component: lazyRouteComponent(() => import("./pages/Rejected")) }),
  createRoute({ ...page("playground"), component: lazyRouteComponent(() => import("./pages/Playground")) }),
  createRoute({ ...page("keys"), component: lazyRouteComponent(() => import("./pages/Keys")) }),
  createRoute({ ...page("install"), component: lazyRouteComponent(() => import("./pages/Install")) }),
] as const;

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
