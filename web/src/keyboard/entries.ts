import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { projects } from "../api/account";
import { useApi } from "../api/client";
import { peopleLike } from "../api/persons";
import { type Definition, dashboards, definitions } from "../api/saved";
import { useTexts } from "../i18n";
import { askedOf, viewOf } from "../state/explore";
import { may } from "../state/may";
import { sharedOf, type View } from "../state/search";
import { NAV, type NavPage } from "../ui/navigation";
import type { Entry } from "./found";
import type { Action, Shortcut } from "./map";
import { TARGETS } from "./map";

const LEAST_TYPED = 2;

/** A saved query's address: its own page where that knows it by name, else where all of them are. */
function savedAt(one: Definition): { page: string; search: (old: object) => object } | undefined {
  const shared = (old: object) => sharedOf(old as View);
  if (one.kind === "sql")
    return { page: "/p/$project/sql", search: (old) => ({ ...shared(old), ask: { saved: one.id } }) };
  if (one.kind === "explore")
    return {
      page: "/p/$project/explore",
      search: (old) => ({ ...shared(old), ...viewOf(one), ask: { ...askedOf(one.query), saved: one.id } }),
    };
  const kept = NAV.find(({ to }) => to.endsWith("/saved"))?.to;
  return kept && { page: kept, search: shared };
}

/** Everything the palette reaches: pages, actions, projects, and of the project its dashboards, saved queries, people. */
export function useEntries(
  project: string | undefined,
  known: readonly Shortcut[],
  run: (action: Action) => void,
  typed: string,
): Entry[] {
  const { t } = useTexts();
  const api = useApi();
  const navigate = useNavigate();
  const mine = useQuery(projects(api)).data ?? [];
  const role = mine.find(({ id }) => id === project)?.role;
  const reads = Boolean(project) && may(role, "events.read");
  const boards = useQuery({ ...dashboards(api, project ?? ""), enabled: reads }).data ?? [];
  const saved = useQuery({ ...definitions(api, project ?? ""), enabled: reads }).data ?? [];
  const wanted = typed.trim();
  const people = useQuery({
    ...peopleLike(api, project ?? "", wanted),
    enabled: reads && wanted.length >= LEAST_TYPED,
  });
  const to = (page: string, more: object = {}) =>
    void navigate({ to: page, params: { project }, search: sharedOf, ...more } as never);
  const keysOf = (page: string) => known.find(({ action }) => action.do === "go" && TARGETS[action.to] === page)?.keys;

  const pages = NAV.filter((one: NavPage) => project && (!one.needs || may(role, one.needs))).map(
    ({ to: page, text }): Entry => ({
      id: page,
      group: t("keys.groups.go"),
      name: t(text),
      words: page.split("/").at(-1),
      keys: keysOf(page),
      run: () => to(page),
    }),
  );
  const own = (["projects", "account"] as const).map((page): Entry => {
    const address = `/${page}`;
    return {
      id: address,
      group: t("keys.groups.go"),
      name: t(`nav.${page}`),
      keys: keysOf(address),
      run: () => to(address),
    };
  });
  const actions = ACTIONS.filter(({ needs }) => project && may(role, needs)).map(
    ({ text, page, opens }): Entry => ({
      id: text,
      group: t("tools.palette.do"),
      name: t(text),
      run: () => to(page, opens ? NEW : {}),
    }),
  );
  const shortcuts = known
    .filter(({ action }) => action.do !== "palette" && action.do !== "close_dialog" && action.do !== "go")
    .map(
      ({ text, group, keys, action }): Entry => ({
        id: text,
        group: group === "page" ? t("tools.palette.do") : t(`keys.groups.${group}`),
        name: t(text as "keys.help"),
        keys,
        run: () => run(action),
      }),
    );
  return [
    ...pages,
    ...own,
    ...actions,
    ...shortcuts,
    ...boards.map(
      ({ id, name }): Entry => ({
        id,
        group: t("nav.dashboards"),
        name,
        run: () => to("/p/$project/dashboards/$dashboard", { params: { project, dashboard: id } }),
      }),
    ),
    ...saved.flatMap((one): Entry[] => {
      const at = savedAt(one);
      const { id, name, tags } = one;
      return at
        ? [
            {
              id,
              group: t("tools.palette.saved"),
              name,
              words: tags.join(" "),
              run: () => to(at.page, { search: at.search }),
            },
          ]
        : [];
    }),
    ...(people.data?.items ?? []).map(
      ({ person }): Entry => ({
        id: person,
        group: t("nav.people"),
        name: person.replace(/^[ua]:/, ""),
        // Found by the server, maybe by another of their ids.
        words: wanted,
        run: () => to("/p/$project/people/$person", { params: { project, person } }),
      }),
    ),
    ...mine
      .filter(({ id }) => id !== project)
      .map(
        ({ id, name }): Entry => ({
          id,
          group: t("shell.project"),
          name,
          run: () => void navigate({ to: "/p/$project", params: { project: id } }),
        }),
      ),
  ];
}

/** What is done on a page, by what it takes to do it. */
const NEW = { search: (old: object) => ({ ...sharedOf(old as View), ask: { new: true } }) };
const ACTIONS = [
  { text: "tools.palette.newDashboard", page: "/p/$project/dashboards", needs: "dashboards.write", opens: true },
  { text: "tools.palette.newSegment", page: "/p/$project/segments/new", needs: "definitions.write", opens: false },
  { text: "tools.palette.newKey", page: "/p/$project/keys", needs: "keys.write", opens: true },
  { text: "tools.palette.invite", page: "/p/$project/members", needs: "members.write", opens: true },
  { text: "tools.palette.newSql", page: "/p/$project/sql", needs: "sql.read", opens: false },
  { text: "tools.palette.newProject", page: "/projects", needs: "project.create", opens: false },
] as const;
