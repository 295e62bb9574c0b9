import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Ellipsis, History, Pencil, Plus, RefreshCw, Share2, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { me } from "../api/account";
import { useApi } from "../api/client";
import { ApiError } from "../api/problem";
import { ask } from "../api/queries";
import {
  type DashboardWanted,
  type Definition,
  dashboard,
  dashboardVersions,
  definitions,
  removeDashboard,
  restoreDashboard,
  type Dashboard as Saved,
  saveDashboard,
  type Version,
  type Widget,
} from "../api/saved";
import { useTexts } from "../i18n";
import { AddWidget } from "../panels/AddWidget";
import { Controls } from "../panels/Controls";
import { marksOf, useNotes } from "../panels/Notes";
import { sentenceOf } from "../panels/Panel";
import { Shares } from "../panels/Shares";
import { Versions } from "../panels/Versions";
import { WidgetGrid } from "../panels/WidgetGrid";
import { type ShownWidget, WidgetView } from "../panels/WidgetView";
import { useAsk } from "../state/ask";
import { type Asked, isObject, oneOf } from "../state/asked";
import { placed, sizeOf } from "../state/layout";
import { useMay, useProject } from "../state/may";
import { type AskedScope, BOT, useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Field, Select } from "../ui/form";
import { Menu, MenuChoice, MenuItem, MenuLine } from "../ui/menu";
import { ACCESSES } from "./Dashboards";

const WidgetEditor = lazy(() => import("../panels/WidgetEditor"));
const EVERY = ["0", "10", "60"] as const;
type Opened = "add" | "shares" | "versions" | "delete";

const pageOf = (asked: Asked) => ({ edit: asked.edit === true, every: oneOf(EVERY, String(asked.every ?? ""), "60") });

/** A dashboard: its widgets over the period and with the filters of the page; who may changes it here. */
export default function Dashboard() {
  const { dashboard: id } = useParams({ from: "/inside/p/$project/dashboards/$dashboard" });
  const { t } = useTexts();
  const { project } = useScope();
  const query = useQuery(dashboard(useApi(), project, id));
  if (query.data) return <Opened key={query.data.version} saved={query.data} />;
  return query.error ? (
    <div className="blank" role="alert">
      <h1>{t("dashboards.title")}</h1>
      <p>{sentenceOf(query.error, t)}</p>
      <button type="button" className="button" onClick={() => void query.refetch()}>
        {t("panel.retry")}
      </button>
    </div>
  ) : (
    <>
      <div className="controls">
        <h1>{t("dashboards.title")}</h1>
      </div>
      <div className="skeleton tall" role="status" aria-label={t("panel.loading")} />
    </>
  );
}

function useMayEdit(saved: Saved): boolean {
  const may = useMay();
  const role = useProject()?.role;
  const user = useQuery(me(useApi())).data?.id;
  const anybodys = saved.access === "organisation" || saved.created_by === user;
  return may("dashboards.write") && (anybodys || role === "owner" || role === "admin");
}

function Opened({ saved }: { saved: Saved }) {
  const { t } = useTexts();
  const scope = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [page, change] = useAsk(pageOf);
  const [open, setOpen] = useState<Opened>();
  const mayEdit = useMayEdit(saved);
  const mayShare = useMay()("shares.write") && mayEdit;
  const notes = useNotes();
  const known = useQuery(definitions(api, scope.project)).data;
  const show = (widget: Widget) => (
    <Asking
      widget={shownOf(widget, known)}
      every={Number(page.every) * 1000}
      marks={(points) => marksOf(notes, points)}
    />
  );
  const editing = page.edit && mayEdit;
  return (
    <>
      <Controls title={saved.name} interval />
      {saved.description && !editing ? <p className="about">{saved.description}</p> : null}
      {editing ? (
        <Editing saved={saved} show={show} onDone={() => change({ edit: false })} />
      ) : (
        <>
          <div className="toolbar">
            {mayEdit ? (
              <button type="button" className="button" onClick={() => change({ edit: true })}>
                <Pencil size={15} aria-hidden="true" />
                {t("dashboards.edit")}
              </button>
            ) : null}
            {mayShare ? (
              <button type="button" className="button" onClick={() => setOpen("shares")}>
                <Share2 size={15} aria-hidden="true" />
                {t("dashboards.share")}
              </button>
            ) : null}
            <Menu
              label={t("dashboards.every")}
              trigger={
                <>
                  <RefreshCw size={15} aria-hidden="true" />
                  {t(`dashboards.everies.${page.every}`)}
                </>
              }
            >
              <MenuChoice
                label={t("dashboards.every")}
                value={page.every}
                options={EVERY.map((value) => ({ value, text: t(`dashboards.everies.${value}`) }))}
                onChange={(every) => change({ every })}
              />
            </Menu>
            <Menu
              label={t("panel.more", { title: saved.name })}
              className="icon-button framed"
              trigger={<Ellipsis size={16} />}
            >
              <MenuItem onSelect={() => setOpen("versions")}>
                <History size={15} aria-hidden="true" />
                {t("dashboards.versions")}
              </MenuItem>
              {mayEdit ? (
                <>
                  <MenuLine />
                  <MenuItem onSelect={() => setOpen("delete")}>
                    <Trash2 size={15} aria-hidden="true" />
                    {t("dashboards.delete")}
                  </MenuItem>
                </>
              ) : null}
            </Menu>
          </div>
          {saved.widgets.length ? (
            <WidgetGrid layout={saved.layout} widgets={saved.widgets}>
              {show}
            </WidgetGrid>
          ) : (
            <section className="panel">
              <div className="empty">
                <p>{t("dashboards.empty")}</p>
                {mayEdit ? (
                  <button type="button" className="button primary" onClick={() => change({ edit: true })}>
                    {t("dashboards.addWidget")}
                  </button>
                ) : null}
              </div>
            </section>
          )}
        </>
      )}
      {open === "shares" ? (
        <Shares project={scope.project} dashboard={saved.id} onClose={() => setOpen(undefined)} />
      ) : open === "versions" ? (
        <Versions
          newest={saved.version}
          query={dashboardVersions(api, scope.project, saved.id) as never}
          restore={(version) => restoreDashboard(api, scope.project, saved, version)}
          changes={[scope.project, "/api/v1/dashboards"]}
          contents={{
            name: t("dashboards.contents"),
            cell: ({ content }: Version<DashboardWanted>) =>
              t("dashboards.widgets", { count: content.widgets?.length ?? 0 }),
          }}
          may={mayEdit}
          onClose={() => setOpen(undefined)}
        />
      ) : open === "delete" ? (
        <Confirm
          title={t("dashboards.deleteTitle", { name: saved.name })}
          about={t("dashboards.deleteAbout")}
          action={t("dashboards.delete")}
          run={async () => {
            await removeDashboard(api, scope.project, saved);
            await navigate({ to: "/p/$project/dashboards", params: { project: scope.project } });
            client.removeQueries({ queryKey: [scope.project, "/api/v1/dashboards"] });
          }}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
    </>
  );
}

/** A widget with what it asks: its own, or that of the definition it names. */
function shownOf(widget: Widget, known: readonly Definition[] | undefined): ShownWidget {
  const definition = widget.definition_id ? known?.find(({ id }) => id === widget.definition_id) : undefined;
  const asked = widget.inline ?? definition;
  return {
    ...widget,
    chart: widget.chart || textOfChart(definition),
    kind: asked?.kind ?? null,
    query: asked?.query ?? null,
    gone: Boolean(widget.definition_id) && known !== undefined && !definition,
  };
}

const textOfChart = (definition: Definition | undefined) => (definition?.kind === "breakdown" ? "bar" : "");

/** The question of a widget over the period and with the filters of the page. */
function bodyOf({ kind, query }: ShownWidget, scope: AskedScope): Asked {
  const { compare, from: _from, to: _to, cursor: _cursor, ...rest } = query ?? {};
  // Whether bots count is the page's to say.
  const filters: unknown[] = Array.isArray(rest.filters) ? rest.filters : [];
  const own = filters.filter((one) => !isObject(one) || one.property !== BOT.property);
  const events = scope.events.length ? [{ property: "event", op: "in", value: scope.events } as const] : [];
  return {
    ...rest,
    ...scope.span,
    timezone: scope.timezone,
    filters: [...own, ...scope.filters, ...events],
    ...((kind === "timeseries" || kind === "explore") && {
      interval: scope.interval,
      ...(compare !== undefined && { compare: scope.compared }),
    }),
  };
}

function Asking({
  widget,
  every,
  marks,
}: {
  widget: ShownWidget;
  every: number;
  marks: (points: readonly string[]) => ReturnType<typeof marksOf>;
}) {
  const api = useApi();
  const scope = useScope();
  return (
    <WidgetView
      widget={widget}
      marks={marks}
      ask={() =>
        ask(api, scope.project, `/api/v1/query/${widget.kind}`, bodyOf(widget, scope), every || false) as never
      }
    />
  );
}

/** The dashboard while it is changed: nothing is kept before it is saved. */
function Editing({
  saved,
  show,
  onDone,
}: {
  saved: Saved;
  show: (widget: Widget) => React.ReactNode;
  onDone: () => void;
}) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [draft, setDraft] = useState<DashboardWanted>({
    name: saved.name,
    description: saved.description,
    access: saved.access,
    widgets: saved.widgets,
    layout: { ...saved.layout, items: placed(saved.layout, saved.widgets) },
  });
  const [adding, setAdding] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const change = (part: Partial<DashboardWanted>) => setDraft({ ...draft, ...part });
  const places = placed(draft.layout, draft.widgets);
  const refresh = () => client.invalidateQueries({ queryKey: [project, "/api/v1/dashboards"] });
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await saveDashboard(api, project, { ...draft, name: draft.name.trim() }, saved);
      onDone();
      await refresh();
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    } finally {
      setBusy(false);
    }
  };
  const conflict = error instanceof ApiError && error.code === "version_changed";
  return (
    <>
      <section className="panel short editing" aria-label={t("dashboards.edit")}>
        <div className="editing-fields">
          <Field
            label={t("dashboards.name")}
            value={draft.name}
            maxLength={200}
            required
            onChange={(event) => change({ name: event.target.value })}
          />
          <Field
            label={t("dashboards.description")}
            value={draft.description}
            maxLength={2000}
            onChange={(event) => change({ description: event.target.value })}
          />
          <Select
            label={t("dashboards.access")}
            value={draft.access}
            options={ACCESSES.map((value) => ({ value, text: t(`dashboards.accesses.${value}`) }))}
            onChange={(event) => change({ access: event.target.value as DashboardWanted["access"] })}
          />
        </div>
        <div className="toolbar">
          <button type="button" className="button" onClick={() => setAdding(true)}>
            <Plus size={15} aria-hidden="true" />
            {t("dashboards.addWidget")}
          </button>
          <span className="grow faint phone-off">{t("dashboards.editing")}</span>
          <button type="button" className="button" onClick={onDone}>
            {t("dashboards.cancel")}
          </button>
          {draft.name.trim() ? (
            <button type="button" className="button primary" aria-busy={busy} onClick={() => busy || void save()}>
              {t("dashboards.save")}
            </button>
          ) : null}
        </div>
        {conflict ? (
          <p className="form-error" role="alert">
            {t("dashboards.conflict")}{" "}
            <button type="button" className="link" onClick={() => void refresh()}>
              {t("dashboards.reload")}
            </button>
          </p>
        ) : (
          <FormError error={error} />
        )}
      </section>
      <Suspense fallback={<div className="skeleton tall" />}>
        <WidgetEditor
          widgets={draft.widgets}
          places={places}
          onPlaces={(items) => change({ layout: { ...draft.layout, items } })}
          onRemove={(id) => {
            const widgets = draft.widgets.filter((one) => one.id !== id);
            change({ widgets, layout: { ...draft.layout, items: placed(draft.layout, widgets) } });
          }}
        >
          {show}
        </WidgetEditor>
      </Suspense>
      {adding ? (
        <AddWidget
          onClose={() => setAdding(false)}
          onAdd={(widget) => {
            setAdding(false);
            const widgets = [...draft.widgets, widget];
            const items = placed(draft.layout, widgets, { [widget.id]: sizeOf(widget) });
            change({ widgets, layout: { ...draft.layout, items } });
          }}
        />
      ) : null}
    </>
  );
}
