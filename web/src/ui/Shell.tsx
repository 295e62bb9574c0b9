import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  Activity,
  ChevronsUpDown,
  CircleAlert,
  CircleUser,
  FlaskConical,
  KeyRound,
  LayoutDashboard,
  Rocket,
  WifiOff,
} from "lucide-react";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { projects } from "../api/account";
import { useApi } from "../api/client";
import { changeLanguage, LANGUAGES, type Language, useTexts } from "../i18n";
import { KeysDialog, PaletteDialog } from "../keyboard/dialogs";
import { type Action, keyHandler } from "../keyboard/map";
import { THEMES, useTheme } from "../state/theme";
import { useView } from "../state/view";
import { Logo } from "./Logo";
import { Menu, MenuChoice, MenuItem, MenuLine } from "./menu";

const PAGES = [
  { to: "/p/$project/overview", text: "nav.overview", Icon: LayoutDashboard },
  { to: "/p/$project/events", text: "nav.events", Icon: Activity },
  { to: "/p/$project/rejected", text: "nav.rejected", Icon: CircleAlert },
  { to: "/p/$project/playground", text: "nav.playground", Icon: FlaskConical },
  { to: "/p/$project/keys", text: "nav.keys", Icon: KeyRound },
  { to: "/p/$project/install", text: "nav.install", Icon: Rocket },
] as const;

/** What stands around every page of a project: navigation, project, settings, keyboard. */
export function Shell({ project, children }: { project: string; children: ReactNode }) {
  const { t } = useTexts();
  const [open, setOpen] = useState<"keys" | "palette" | null>(null);
  const run = useActions(project, setOpen);
  useEffect(() => {
    const handler = keyHandler(run);
    document.addEventListener("keydown", handler);
    return () => document.removeEventListener("keydown", handler);
  }, [run]);
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
        <nav aria-label={t("nav.label")}>
          {PAGES.map(({ to, text, Icon }) => (
            <Link
              key={to}
              to={to}
              params={{ project }}
              search={(old) => old}
              className="nav-link"
              activeProps={{ className: "nav-link active" }}
            >
              <Icon size={18} aria-hidden="true" />
              <span>{t(text)}</span>
            </Link>
          ))}
        </nav>
        <AccountMenu onOpen={setOpen} />
      </aside>
      <main id="content" tabIndex={-1}>
        <Offline />
        {children}
      </main>
      {open === "keys" ? <KeysDialog onClose={() => setOpen(null)} /> : null}
      {open === "palette" ? <PaletteDialog onClose={() => setOpen(null)} run={run} /> : null}
    </div>
  );
}

function useActions(project: string, open: (dialog: "keys" | "palette") => void): (action: Action) => void {
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
      void navigate({ to: `/p/$project/${action.to}`, params: { project }, search: (old: object) => old as never });
  };
}

/** A search field is focused, a filter button is pressed. */
function searchDoes(): "focus" | "click" {
  return document.querySelector("[data-key=search]") instanceof HTMLInputElement ? "focus" : "click";
}

function ProjectMenu({ project }: { project: string }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const known = useQuery(projects(useApi())).data ?? [];
  const name = known.find(({ id }) => id === project)?.name ?? "…";
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
        value={project}
        options={known.map(({ id, name: text }) => ({ value: id, text }))}
        onChange={(id) => void navigate({ to: "/p/$project/overview", params: { project: id } })}
      />
    </Menu>
  );
}

function AccountMenu({ onOpen }: { onOpen: (dialog: "keys" | "palette") => void }) {
  const { t, language, instance } = useTexts();
  const [theme, setTheme] = useTheme();
  const api = useApi();
  const navigate = useNavigate();
  const client = useQueryClient();
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
      trigger={<CircleUser size={20} aria-hidden="true" />}
    >
      <MenuChoice
        label={t("shell.theme")}
        value={theme}
        options={THEMES.map((value) => ({ value, text: t(`shell.${value}`) }))}
        onChange={setTheme}
      />
      <MenuLine />
      <MenuChoice<Language>
        label={t("shell.language")}
        value={language}
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
