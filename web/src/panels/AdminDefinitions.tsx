import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Bookmark, Ellipsis } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { ask } from "../api/queries";
import {
  type Definition,
  dashboards,
  definitions,
  definitionVersions,
  removeDefinition,
  restoreDefinition,
  saveDefinition,
  type Version,
} from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { askedOf, viewOf } from "../state/explore";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { lastSpan } from "../state/savedRange";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";
import { Menu, MenuItem } from "../ui/menu";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";
import { Versions } from "./Versions";
import { WidgetView } from "./WidgetView";

const KEY = "/api/v1/definitions";
type Opened = { what: "show" | "rename" | "versions" | "remove"; one: Definition };
type Named = (id: string | null) => string;

/** Every saved query of the project: whose, when changed, where it is shown; opened, renamed, taken back, removed. */
export function SavedQueries({ nameOf }: { nameOf: Named }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const now = useNow(60_000);
  const writes = useMay()("definitions.write");
  const query = useQuery(definitions(api, project));
  const places = useQuery(dashboards(api, project)).data ?? [];
  const [open, setOpen] = useState<Opened>();
  const shownOn = (one: Definition) =>
    places.filter(({ widgets }) => widgets.some(({ definition_id }) => definition_id === one.id));
  return (
    <>
      <Panel
        title={t("admin.saved.queries")}
        query={query}
        className="short"
        isEmpty={(found) => found.length === 0}
        empty={
          <div className="empty">
            <Bookmark size={24} aria-hidden="true" />
            <p>{t("admin.saved.none")}</p>
            <Link to="/p/$project/explore" params={{ project }} className="button">
              {t("nav.explore")}
            </Link>
          </div>
        }
      >
        {(found) => (
          <ListTable
            caption={t("admin.saved.queries")}
            className="saved-table"
            rows={found.toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at))}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("projects.name"),
                cell: (one) => (
                  <>
                    <Opener one={one} show={() => setOpen({ what: "show", one })} />
                    <span className="under">
                      {one.description || t(`admin.saved.kinds.${one.kind as "explore"}`, { defaultValue: one.kind })}
                    </span>
                  </>
                ),
              },
              { name: t("admin.saved.by"), kind: "wide", cell: (one) => <bdi>{nameOf(one.created_by)}</bdi> },
              {
                name: t("admin.saved.shownOn"),
                kind: "wide",
                cell: (one) =>
                  shownOn(one).length ? (
                    <span className="wrapped">
                      {shownOn(one).map(({ id, name }) => (
                        <Link
                          key={id}
                          to="/p/$project/dashboards/$dashboard"
                          params={{ project, dashboard: id }}
                          className="line"
                        >
                          <bdi>{name}</bdi>
                        </Link>
                      ))}
                    </span>
                  ) : (
                    "–"
                  ),
              },
              {
                name: t("dashboards.changed"),
                cell: (one) => (
                  <>
                    <time dateTime={one.updated_at}>{formatAgo(one.updated_at, now, language)}</time>
                    <span className="under">{t("dashboards.version", { version: one.version })}</span>
                  </>
                ),
              },
              {
                name: t("admin.saved.actions"),
                kind: "bare",
                cell: (one) => (
                  <Menu
                    label={`${t("admin.saved.actions")}: ${one.name}`}
                    className="icon-button"
                    align="end"
                    trigger={<Ellipsis size={18} />}
                  >
                    {writes ? (
                      <MenuItem onSelect={() => setOpen({ what: "rename", one })}>{t("admin.saved.rename")}</MenuItem>
                    ) : null}
                    <MenuItem onSelect={() => setOpen({ what: "versions", one })}>{t("dashboards.versions")}</MenuItem>
                    {writes ? (
                      <MenuItem onSelect={() => setOpen({ what: "remove", one })}>{t("admin.saved.remove")}</MenuItem>
                    ) : null}
                  </Menu>
                ),
              },
            ]}
          />
        )}
      </Panel>
      {open ? (
        <Opened
          {...open}
          shownOn={shownOn(open.one).map(({ name }) => name)}
          nameOf={nameOf}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
    </>
  );
}

/** What was asked in Explore goes on there; what was saved by the API is shown as it is. */
function Opener({ one, show }: { one: Definition; show: () => void }) {
  const { project } = useScope();
  return one.kind === "explore" ? (
    <Link
      to="/p/$project/explore"
      params={{ project }}
      search={{ ...viewOf(one), ask: { ...askedOf(one.query), saved: one.id } } as never}
      className="event-name"
    >
      <bdi>{one.name}</bdi>
    </Link>
  ) : (
    <button type="button" className="row-button" onClick={show}>
      <bdi>{one.name}</bdi>
    </button>
  );
}

function Opened({
  what,
  one,
  shownOn,
  nameOf,
  onClose,
}: Opened & { shownOn: string[]; nameOf: Named; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("definitions.write");
  if (what === "show") return <Shown one={one} onClose={onClose} />;
  if (what === "rename") return <Rename one={one} onClose={onClose} />;
  if (what === "versions")
    return (
      <Versions
        newest={one.version}
        query={definitionVersions(api, project, one.id) as never}
        restore={(version) => restoreDefinition(api, project, one, version)}
        changes={[project, KEY]}
        contents={{
          name: t("admin.saved.by"),
          cell: ({ saved_by }: Version<Definition>) => <bdi>{nameOf(saved_by)}</bdi>,
        }}
        may={writes}
        onClose={onClose}
      />
    );
  return (
    <Confirm
      title={t("explore.removeTitle", { name: one.name })}
      about={shownOn.length ? t("admin.saved.removeShown", { names: shownOn.join(", ") }) : t("explore.removeAbout")}
      action={t("admin.saved.remove")}
      run={async () => {
        await removeDefinition(api, project, one);
        await client.invalidateQueries({ queryKey: [project, KEY] });
      }}
      onClose={onClose}
    />
  );
}

/** The query as it is now, in the range it was saved with. */
function Shown({ one, onClose }: { one: Definition; onClose: () => void }) {
  const { t } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const [now] = useState(() => new Date());
  const own = one.query.from ? {} : { ...lastSpan(one.last, timezone, now), timezone };
  return (
    <Dialog title={one.name} close={t("events.close")} onClose={onClose} wide>
      <WidgetView
        widget={{ id: one.id, title: one.name, chart: "", kind: one.kind, query: one.query, gone: false }}
        ask={() => ask(api, project, `/api/v1/query/${one.kind}`, { ...one.query, ...own }, false) as never}
      />
    </Dialog>
  );
}

function Rename({ one, onClose }: { one: Definition; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const { busy, error, submit } = useSubmit(async ({ name = "", description = "" }) => {
    const { kind, query, last, tags } = one;
    const body = { kind, query, last, tags, name: name.trim(), description: description.trim() };
    await saveDefinition(api, project, body, one);
    await client.invalidateQueries({ queryKey: [project, KEY] });
    onClose();
  });
  return (
    <Dialog title={t("admin.saved.rename")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field label={t("projects.name")} name="name" maxLength={200} defaultValue={one.name} required />
        <Field
          label={t("dashboards.description")}
          name="description"
          maxLength={2_000}
          defaultValue={one.description}
        />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
      </form>
    </Dialog>
  );
}
