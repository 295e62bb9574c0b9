import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronsUpDown, CircleHelp, CircleUser, Ellipsis, WifiOff } from "lucide-react";
import { Fragment, lazy, type ReactNode, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { me, projects } from "../api/account";
import { useApi } from "../api/client";
import { changeLanguage, LANGUAGES, type Language, useTexts } from "../i18n";
import { KeysDialog } from "../keyboard/dialogs";
import { type Action, keyHandler, SHORTCUTS, TARGETS } from "../keyboard/map";
import { PaletteDialog } from "../keyboard/palette";
import { ToolsBell } from "../panels/ToolsBell";
import { ToolsStrip } from "../panels/ToolsStrip";
import { hasHelp, pageOfPath } from "../state/help";
import { keep, kept } from "../state/kept";
import { may, type Action as Right } from "../state/may";
import { sharedOf } from "../state/search";
import { THEMES, useTheme } from "../state/theme";
import { useView } from "../state/view";
import { Logo } from "./Logo";
import { Menu, MenuChoice, MenuItem, MenuLine, MenuTitle } from "./menu";
import { GROUPS, inPhoneBar, NAV, type NavPage, OPEN_GROUPS } from "./navigation";

type Opened = "keys" | "palette" | "help";
// What is opened now and then is loaded then.
const ToolsHelp = lazy(() => import("../panels/ToolsHelp"));

/** What stands around every page: navigation, project, settings, keyboard. Without a project there are no pages of one. */
export function Shell({ project, children }: { project: string | undefined; children: ReactNode }) {
  const { t } = useTexts();
  const [open, setOpen] = useState<Opened | null>(null);
  const page = pageOfPath(useLocation().pathname);
  const role = useQuery(projects(useApi())).data?.find(({ id }) => id === project)?.role;
  const allowed = (needs: Right | undefined) => !needs || may(role, needs);
  const known = SHORTCUTS.filter(
    ({ action, needs }) => allowed(needs) && (project || action.do !== "go" || !TARGETS[action.to].includes("$")),
  );
  const run = useActions(project, setOpen);
  useEffect(() => {
    const handler = keyHandler((action) => {
      if (known.some((one) => one.action === action)) run(action);
    });
    document.addEventListener("keydown", handler);
    return () => document.removeEventListener("keydown", handler);
  }, [run, known]);
  return (
    <div className="shell">
      <a href="#content" className="skip">
        {t("skip")}
      </a>
      <aside className="side">
        <div className="brand">
          <Logo />
          <span>Sluice</span>
        </div>
        <ProjectMenu project={project} />
        <div className="side-tools">
          {hasHelp(page) ? (
            <button
              type="button"
              className="icon-button"
              aria-label={t("tools.help.open")}
              onClick={() => setOpen("help")}
            >
              <CircleHelp size={18} />
            </button>
          ) : null}
          <ToolsBell />
        </div>
        {project ? <Navigation project={project} pages={NAV.filter((one: NavPage) => allowed(one.needs))} /> : null}
        <AccountMenu onOpen={setOpen} />
      </aside>
      <main id="content" tabIndex={-1}>
        <Offline />
        {project && allowed("events.read") ? <ToolsStrip project={project} /> : null}
        {children}
      </main>
      {open === "keys" ? <KeysDialog known={known} onClose={() => setOpen(null)} /> : null}
      <Suspense fallback={null}>
        {open === "palette" ? (
          <PaletteDialog project={project} known={known} onClose={() => setOpen(null)} run={run} />
        ) : null}
        {open === "help" ? (
          <ToolsHelp page={page} onClose={() => setOpen(null)} onKeys={() => setOpen("keys")} />
        ) : null}
      </Suspense>
    </div>
  );
}

type Pages = readonly (typeof NAV)[number][];
const OPENED = "sluice_nav";

/** Which groups of pages are open, as this browser was left; that of the page that is shown always is. */
function useGroups(current: string | undefined): [isOpen: (group: string) => boolean, turn: (group: string) => void] {
  const [open, setOpen] = useState<readonly string[]>(() => kept(OPENED)?.split(",") ?? OPEN_GROUPS);
  const turn = (group: string) => {
    const next = open.includes(group) ? open.filter((one) => one !== group) : [...open, group];
    setOpen(next);
    keep(OPENED, next.join());
  };
  return [(group) => group === current || open.includes(group), turn];
}

function Navigation({ project, pages }: { project: string; pages: Pages }) {
  const { t } = useTexts();
  const shown = pageOfPath(useLocation().pathname);
  const rest = pages.filter((one) => !inPhoneBar(one, pages));
  const groups = GROUPS.filter((group) => pages.some((one) => one.group === group));
  const current = pages.find(({ to }) => to === `/p/$project/${shown}`)?.group;
  const [isOpen, turn] = useGroups(current);
  return (
    <nav aria-label={t("nav.label")}>
      {groups.map((group) => (
        <div key={group} className={isOpen(group) ? "nav-group" : "nav-group closed"}>
          <button
            type="button"
            className="nav-title"
            aria-expanded={isOpen(group)}
            aria-controls={`nav-${group}`}
            onClick={() => turn(group)}
          >
            {t(`nav.groups.${group}`)}
            <ChevronDown size={14} aria-hidden="true" />
          </button>
          <div id={`nav-${group}`} className="nav-links">
            {pages
              .filter((one) => one.group === group)
              .map(({ to, text, Icon }) => (
                <Link
                  key={to}
                  to={to}
                  params={{ project }}
                  search={sharedOf}
                  className={rest.some((one) => one.to === to) ? "nav-link phone-off" : "nav-link"}
                  activeProps={{ className: "active" }}
                >
                  <Icon size={18} aria-hidden="true" />
                  <span>{t(text)}</span>
                </Link>
              ))}
          </div>
        </div>
      ))}
      {rest.length ? <More project={project} pages={rest} /> : null}
    </nav>
  );
}

/** On a phone: the pages that have no place in its bar, by their groups. */
function More({ project, pages }: { project: string; pages: Pages }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  return (
    <Menu
      className="nav-link nav-more"
      align="end"
      trigger={
        <>
          <Ellipsis size={18} aria-hidden="true" />
          <span>{t("nav.more")}</span>
        </>
      }
    >
      {GROUPS.filter((group) => pages.some((one) => one.group === group)).map((group) => (
        <Fragment key={group}>
          <MenuTitle>{t(`nav.groups.${group}`)}</MenuTitle>
          {pages
            .filter((one) => one.group === group)
            .map(({ to, text, Icon }) => (
              <MenuItem key={to} onSelect={() => void navigate({ to, params: { project }, search: sharedOf as never })}>
                <Icon size={16} aria-hidden="true" />
                {t(text)}
              </MenuItem>
            ))}
        </Fragment>
      ))}
    </Menu>
  );
}

function useActions(project: string | undefined, open: (dialog: Opened) => void): (action: Action) => void {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { change } = useView();
  return (action) => {
    if (action.do === "help") open("keys");
    else if (action.do === "palette") open("palette");
    else if (action.do === "refresh") void client.invalidateQueries();
    else if (action.do === "search") document.querySelector<HTMLElement>("[data-key=search]")?.[searchDoes()]();
    else if (action.do === "range")
      change({
        range: action.range === "30d" ? undefined : action.range,
        from: undefined,
        to: undefined,
        interval: undefined,
      });
    else if (action.do === "go")
      void navigate({ to: TARGETS[action.to], params: { project } as never, search: sharedOf as never });
  };
}

/** A search field is focused, a filter button is pressed. */
function searchDoes(): "focus" | "click" {
  return document.querySelector("[data-key=search]") instanceof HTMLInputElement ? "focus" : "click";
}

function ProjectMenu({ project }: { project: string | undefined }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const known = useQuery(projects(useApi())).data ?? [];
  const name = known.find(({ id }) => id === project)?.name ?? (project ? "…" : t("projects.none"));
  return (
    <Menu
      className="project-button"
      label={`${t("shell.project")}: ${name}`}
      trigger={
        <>
          <span className="project-dot" aria-hidden="true">
            {name.slice(0, 1)}
          </span>
          <bdi>{name}</bdi>
          <ChevronsUpDown size={15} aria-hidden="true" />
        </>
      }
    >
      <MenuChoice
        label={t("shell.project")}
        value={project ?? ""}
        options={known.map(({ id, name: text }) => ({ value: id, text }))}
        onChange={(id) => void navigate({ to: "/p/$project", params: { project: id } })}
      />
      <MenuLine />
      <MenuItem onSelect={() => void navigate({ to: "/projects" })}>{t("projects.all")}</MenuItem>
    </Menu>
  );
}

function AccountMenu({ onOpen }: { onOpen: (dialog: Opened) => void }) {
  const { t, chosen, instance } = useTexts();
  const [theme, setTheme] = useTheme();
  const api = useApi();
  const navigate = useNavigate();
  const client = useQueryClient();
  const user = useQuery(me(api)).data;
  const signOut = async () => {
    await api.session.logout();
    client.clear();
    await navigate({ to: "/sign-in" });
  };
  return (
    <Menu
      className="account-button"
      label={t("shell.account")}
      align="end"
      trigger={
        <>
          <CircleUser size={20} aria-hidden="true" />
          <bdi className="phone-off">{user?.name || user?.email}</bdi>
        </>
      }
    >
      <p className="menu-who">
        <b>{user?.name || user?.email}</b>
        {user?.name ? <span className="faint">{user.email}</span> : null}
      </p>
      <MenuItem onSelect={() => void navigate({ to: "/account" })} hint="g a">
        {t("nav.account")}
      </MenuItem>
      <MenuLine />
      <MenuChoice
        label={t("shell.theme")}
        value={theme}
        options={THEMES.map((value) => ({ value, text: t(`shell.${value}`) }))}
        onChange={setTheme}
      />
      <MenuLine />
      <MenuChoice<Language>
        label={t("shell.language")}
        value={chosen}
        options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, text: LANGUAGES[value] }))}
        onChange={(value) => void changeLanguage(instance, value)}
      />
      <MenuLine />
      <MenuItem onSelect={() => onOpen("palette")} hint="Ctrl K">
        {t("shell.palette")}
      </MenuItem>
      <MenuItem onSelect={() => onOpen("keys")} hint="?">
        {t("shell.keys")}
      </MenuItem>
      <MenuLine />
      <MenuItem onSelect={() => void signOut()}>{t("shell.signOut")}</MenuItem>
    </Menu>
  );
}

function Offline() {
  const { t } = useTexts();
  const online = useSyncExternalStore(
    (changed) => {
      addEventListener("online", changed);
      addEventListener("offline", changed);
      return () => {
        removeEventListener("online", changed);
        removeEventListener("offline", changed);
      };
    },
    () => navigator.onLine,
  );
  if (online) return null;
  return (
    <div className="offline" role="status">
      <WifiOff size={16} aria-hidden="true" />
      {t("shell.offline")}
    </div>
  );
}
