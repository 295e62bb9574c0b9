import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  BarChart3,
  Bookmark,
  ChartArea,
  ChartLine,
  ChartPie,
  Check,
  Code,
  Hash,
  LayoutGrid,
  Link2,
  Save,
  Table2,
  Trash2,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApi } from "../api/client";
import { ask } from "../api/queries";
import { type Definition, definitions, removeDefinition } from "../api/saved";
import type { ExploreAnswer } from "../charts/lines";
import { useTexts } from "../i18n";
import { Controls } from "../panels/Controls";
import { ExploreBuilder } from "../panels/ExploreBuilder";
import { ExplorePanel, type NamedSeries, useLineNames } from "../panels/ExploreChart";
import { marksOf, Notes, useNotes } from "../panels/Notes";
import { AddToDashboard, SaveQuery } from "../panels/SaveDialogs";
import { useAsk } from "../state/ask";
import {
  askedOf,
  CHART_KINDS,
  type ChartKind,
  exploreOf,
  questionOf,
  savedQuery,
  savedRange,
  viewOf,
} from "../state/explore";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { Confirm } from "../ui/Confirm";
import { Segmented } from "../ui/form";
import { Menu, MenuItem, MenuLine } from "../ui/menu";

const ICONS: Record<ChartKind, ReactNode> = {
  area: <ChartArea size={16} aria-hidden="true" />,
  line: <ChartLine size={16} aria-hidden="true" />,
  bar: <BarChart3 size={16} aria-hidden="true" />,
  pie: <ChartPie size={16} aria-hidden="true" />,
  number: <Hash size={16} aria-hidden="true" />,
  table: <Table2 size={16} aria-hidden="true" />,
};
const PATH = "/api/v1/query/explore";
type Opened = "save" | "add" | Definition;

/** Any question about numbers over time: series, formulas over them, broken down, compared, kept and passed on. */
export default function Explore() {
  const { t } = useTexts();
  const scope = useScope();
  const { view, change: changeView } = useView();
  const [asked, change] = useAsk(exploreOf);
  const api = useApi();
  const may = useMay();
  const [open, setOpen] = useState<Opened>();
  const [said, setSaid] = useState("");
  const saved = useQuery(definitions(api, scope.project, "explore")).data;
  const known = saved?.find(({ id }) => id === asked.saved);
  const question = questionOf(asked);
  const body = {
    ...scope.span,
    timezone: scope.timezone,
    interval: scope.interval,
    filters: scope.filters,
    ...question,
    ...(view.compare && { compare: scope.compared }),
  };
  const query = useQuery({
    ...ask<ExploreAnswer>(api, scope.project, PATH, body),
    enabled: question !== undefined,
  });
  const series = (question?.series ?? []) as NamedSeries[];
  const notes = useNotes();
  const marks = marksOf(notes, query.data?.series[0]?.points.map(([point]) => point) ?? []);
  const names = useLineNames(series);
  const shown = [...new Set(query.data?.series.map(names.of))];
  const title = known?.name ?? (shown.length && shown.length < 4 ? shown.join(", ") : t("explore.title"));
  const content = {
    kind: "explore" as const,
    query: savedQuery(question ?? {}, scope, view),
    last: savedRange(view).last,
  };
  const openSaved = (one: Definition) =>
    changeView({
      ...viewOf(one),
      ask: { ...askedOf(one.query, asked.kind), saved: one.id },
    });
  return (
    <>
      <Controls title={t("explore.title")} compare interval />
      <div className="toolbar">
        <Saved saved={saved} may={may("definitions.write")} open={openSaved} remove={setOpen} />
        {question ? (
          <>
            {may("definitions.write") ? (
              <button type="button" className="button" onClick={() => setOpen("save")}>
                <Save size={15} aria-hidden="true" />
                {t("explore.save")}
              </button>
            ) : null}
            {may("dashboards.write") ? (
              <button type="button" className="button" onClick={() => setOpen("add")}>
                <LayoutGrid size={15} aria-hidden="true" />
                {t("explore.addTo")}
              </button>
            ) : null}
            <CopyButton
              text={() => location.href}
              name={t("explore.link")}
              icon={<Link2 size={15} aria-hidden="true" />}
            />
            <CopyButton
              text={() => curlOf(body)}
              name={t("explore.curl")}
              icon={<Code size={15} aria-hidden="true" />}
            />
          </>
        ) : null}
        <span role="status" className="faint">
          {said}
        </span>
      </div>
      <div className="built explore">
        <ExploreBuilder asked={asked} change={change} />
        <div className="stack">
          {question ? (
            <ExplorePanel
              title={title}
              file="explore"
              query={query}
              asked={series}
              kind={asked.kind}
              before={t(`compare.${scope.comparison}`)}
              marks={marks}
              actions={
                <Segmented
                  label={t("overview.kind")}
                  value={asked.kind}
                  options={CHART_KINDS.map((value) => ({
                    value,
                    text: t(`explore.kinds.${value}`),
                    icon: ICONS[value],
                  }))}
                  onChange={(kind) => change({ kind })}
                />
              }
            />
          ) : (
            <section className="panel">
              <div className="empty">
                <p>
                  {!asked.formulas.length && asked.series.every(({ hidden }) => hidden)
                    ? t("explore.nothingShown")
                    : t("explore.incomplete")}
                </p>
              </div>
            </section>
          )}
          <Notes notes={notes} />
        </div>
      </div>
      {open === "save" ? (
        <SaveQuery
          project={scope.project}
          content={content}
          known={known}
          onClose={() => setOpen(undefined)}
          onSaved={(one) => {
            setOpen(undefined);
            setSaid(t("explore.savedNow", { name: one.name }));
            change({ saved: one.id });
          }}
        />
      ) : open === "add" ? (
        <AddToDashboard
          project={scope.project}
          content={content}
          chart={asked.kind}
          title={title}
          onClose={() => setOpen(undefined)}
        />
      ) : open ? (
        <RemoveSaved
          one={open}
          project={scope.project}
          onClose={() => {
            if (asked.saved === open.id) change({ saved: "" });
            setOpen(undefined);
          }}
        />
      ) : null}
    </>
  );
}

/** The same question to be asked from a shell; the key is not in it. */
function curlOf(body: object): string {
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -s ${location.origin}${PATH} -H "X-API-Key: $SLUICE_KEY" -H 'Content-Type: application/json' -d '${json}'`;
}

function CopyButton({ text, name, icon }: { text: () => string; name: string; icon: ReactNode }) {
  const { t } = useTexts();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text());
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button
      type="button"
      className="button"
      aria-label={copied ? undefined : name}
      title={name}
      onClick={() => void copy()}
    >
      {copied ? <Check size={15} aria-hidden="true" /> : icon}
      <span className={copied ? undefined : "phone-off"} aria-live="polite">
        {copied ? t("explore.copied") : name}
      </span>
    </button>
  );
}

function Saved(props: {
  saved: Definition[] | undefined;
  may: boolean;
  open: (one: Definition) => void;
  remove: (one: Definition) => void;
}) {
  const { t } = useTexts();
  const { saved = [], may } = props;
  return (
    <Menu
      trigger={
        <>
          <Bookmark size={15} aria-hidden="true" />
          {t("explore.saved")}
        </>
      }
    >
      {saved.length ? null : <p className="menu-label">{t("explore.noSaved")}</p>}
      {saved.map((one) => (
        <MenuItem key={one.id} onSelect={() => props.open(one)}>
          <bdi>{one.name}</bdi>
        </MenuItem>
      ))}
      {may && saved.length ? (
        <>
          <MenuLine />
          {saved.map((one) => (
            <MenuItem key={one.id} onSelect={() => props.remove(one)}>
              <Trash2 size={15} aria-hidden="true" />
              {t("explore.remove", { name: one.name })}
            </MenuItem>
          ))}
        </>
      ) : null}
    </Menu>
  );
}

function RemoveSaved({ one, project, onClose }: { one: Definition; project: string; onClose: () => void }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  return (
    <Confirm
      title={t("explore.removeTitle", { name: one.name })}
      about={t("explore.removeAbout")}
      action={t("dashboards.remove")}
      run={() =>
        removeDefinition(api, project, one).then(() =>
          client.invalidateQueries({ queryKey: [project, "/api/v1/definitions"] }),
        )
      }
      onClose={onClose}
    />
  );
}
