import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  analysis,
  rangeOf,
  type SessionItem,
  type SessionListAnswer,
  type SessionSummary,
  type SessionsAnswer,
} from "../api/analysis";
import { useApi } from "../api/client";
import { get } from "../api/queries";
import { BarList } from "../charts/BarList";
import { COLORS } from "../charts/rows";
import { Sparkline } from "../charts/Sparkline";
import { useTexts } from "../i18n";
import { formatCountry, formatDuration, formatMoment, formatNumber, formatPercent } from "../i18n/format";
import { BotSwitch } from "../panels/BotSwitch";
import { CategoryDrawing } from "../panels/CategoryDrawing";
import { Controls } from "../panels/Controls";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { PersonLink } from "../panels/PeopleBehind";
import { type SeriesAnswer, SeriesChart, useSeriesFigure } from "../panels/SeriesChart";
import { useAsk } from "../state/ask";
import { oneOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Segmented } from "../ui/form";

type Query = ReturnType<typeof useQuery<SessionsAnswer>>;
const SOURCES = ["referrer_domain", "channel", "utm_source"] as const;
const PLACES = ["country", "device", "browser"] as const;
const PAGES = ["session.entry_page", "session.exit_page"] as const;
const FIGURES = ["sessions", "bounce_rate", "duration_mean", "events_per_session"] as const;

/** Visits: how many, how long, how many ended at once, from where, and which they are. */
export default function Sessions() {
  const { t, language } = useTexts();
  const scope = useScope();
  const api = useApi();
  const [asked, change] = useAsk((one) => ({
    source: oneOf(SOURCES, one.source, "referrer_domain"),
    place: oneOf(PLACES, one.place, "country"),
    page: oneOf(PAGES, one.page, "session.entry_page"),
  }));
  const query = useQuery(
    analysis<SessionsAnswer>(api, scope, "/api/v1/query/sessions", {
      interval: scope.interval,
      events: scope.events,
    }),
  );
  return (
    <>
      <Controls title={t("nav.sessions")} interval />
      <section className="kpis" aria-label={t("overview.numbers")}>
        {FIGURES.map((name) => (
          <Figure key={name} name={name} query={query} />
        ))}
      </section>
      <div className="grid halves">
        <OverTime query={query} />
        <Durations query={query} />
      </div>
      <div className="grid thirds">
        <By
          title={t("sessions.sources")}
          fields={SOURCES}
          field={asked.source}
          choose={(source) => change({ source })}
          none={t("overview.direct")}
        />
        <By title={t("sessions.places")} fields={PLACES} field={asked.place} choose={(place) => change({ place })} />
        <By title={t("sessions.pages")} fields={PAGES} field={asked.page} choose={(page) => change({ page })} />
      </div>
      <div className="grid">
        <PagedPanel<SessionItem>
          title={t("sessions.list")}
          className="wide"
          tableClass="sessions-table"
          queryKey={[scope.project, "sessions", rangeOf(scope), scope.events]}
          ask={(cursor, signal) =>
            api.call<SessionListAnswer>("/api/v1/sessions", {
              project: scope.project,
              signal,
              body: { ...rangeOf(scope), events: scope.events, limit: 50, cursor },
            })
          }
          everyMs={30_000}
          actions={<Gap />}
          rowKey={(one) => one.id}
          columns={[
            {
              name: t("people.person"),
              cell: (one) =>
                one.person ? <PersonLink id={one.person} /> : <span className="faint">{t("sessions.nobody")}</span>,
            },
            {
              name: t("sessions.way"),
              cell: (one) => (
                <bdi>{[...new Set([one.entry_page, one.exit_page])].filter(Boolean).join(" → ") || "–"}</bdi>
              ),
              kind: "wide",
            },
            {
              name: t("sessions.source"),
              cell: (one) => <bdi>{one.utm_source ?? one.referrer_domain ?? one.channel ?? "–"}</bdi>,
              kind: "wide",
            },
            {
              name: t("fields.country"),
              cell: (one) =>
                [one.country && formatCountry(one.country, language), one.device].filter(Boolean).join(" · ") || "–",
              kind: "wide",
            },
            {
              name: t("sessions.length"),
              cell: (one) => (
                <>
                  {one.bounced ? t("sessions.bounced") : formatDuration(one.duration, language)}
                  <span className="under">{t("sessions.events", { count: one.events })}</span>
                </>
              ),
            },
            {
              name: t("sessions.began"),
              kind: "narrow",
              cell: (one) => <time dateTime={one.started}>{formatMoment(one.started, scope.timezone, language)}</time>,
            },
          ]}
        />
      </div>
      <BotSwitch />
    </>
  );
}

type FigureName = (typeof FIGURES)[number];

function Figure({ name, query }: { name: FigureName; query: Query }) {
  const { t, language } = useTexts();
  const said = (one: SessionSummary) => {
    const value = one[name];
    if (value === null || value === undefined) return "–";
    if (name === "bounce_rate") return formatPercent(value, language);
    return name === "duration_mean" ? formatDuration(value, language) : formatNumber(value, language);
  };
  return (
    <Panel title={t(`sessions.figure.${name}`)} query={query} className="kpi">
      {({ total, points, incomplete_from }) => {
        const open = points.findIndex(({ time }) => incomplete_from !== null && time >= incomplete_from);
        return (
          <>
            <div className="kpi-row">
              <span className="kpi-value">{said(total)}</span>
              {name === "sessions" ? (
                <span className="faint">{t("sessions.people", { count: total.people ?? 0 })}</span>
              ) : name === "duration_mean" ? (
                <span className="faint">
                  {t("sessions.median", { length: formatDuration(total.duration_p50 ?? 0, language) })}
                </span>
              ) : null}
            </div>
            <Sparkline
              values={points.map(({ summary }) => summary[name] ?? 0)}
              openFrom={open < 0 ? points.length : open}
            />
          </>
        );
      }}
    </Panel>
  );
}

function OverTime({ query }: { query: Query }) {
  const { t } = useTexts();
  const { interval } = useScope();
  const title = t("sessions.overTime");
  const figure = useSeriesFigure("sessions", t("measure.sessions"));
  const series = ({ points, incomplete_from }: SessionsAnswer): SeriesAnswer => ({
    interval,
    incomplete_from,
    compare: null,
    series: (["bounced", "stayed"] as const).map((name) => {
      const of = ({ sessions = 0, bounced = 0 }: SessionSummary) => (name === "bounced" ? bounced : sessions - bounced);
      return {
        key: t(`sessions.${name}`),
        other: false,
        total: points.reduce((sum, { summary }) => sum + of(summary), 0),
        points: points.map(({ time, summary }): [string, number] => [time, of(summary)]),
      };
    }),
  });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ total }) => !total.sessions}
      figure={{
        sentence: ({ total }) =>
          t("sessions.said", {
            count: total.sessions ?? 0,
            people: t("sessions.people", { count: total.people ?? 0 }),
          }),
        table: (answer) => figure.table(series(answer)),
      }}
    >
      {(answer) => <SeriesChart answer={series(answer)} label={title} all={t("measure.sessions")} kind="bar" />}
    </Panel>
  );
}

function Durations({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const title = t("sessions.durations");
  const length = (seconds: number) => formatDuration(seconds, language);
  const named = ({ from, to }: SessionsAnswer["durations"][number]) =>
    to === null ? `≥ ${length(from)}` : to <= 1 ? t("sessions.atOnce") : `${length(from)} – ${length(to)}`;
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ total }) => !total.sessions}
      figure={{
        sentence: ({ total }) =>
          t("sessions.durationsSaid", {
            half: length(total.duration_p50 ?? 0),
            most: length(total.duration_p90 ?? 0),
          }),
        table: ({ durations }) => ({
          name: "session-durations",
          columns: [title, t("measure.sessions")],
          rows: durations.map((one) => [named(one), one.sessions]),
        }),
      }}
    >
      {({ durations }) => (
        <CategoryDrawing
          label={title}
          kind="bar"
          language={language}
          rows={durations.map((one) => ({ name: named(one), sessions: one.sessions }))}
          series={[{ key: "sessions", name: t("measure.sessions"), color: COLORS[1] as string }]}
          format={(value) => formatNumber(value, language)}
        />
      )}
    </Panel>
  );
}

/** Sessions by a field, the most frequent first, with how many of them ended at once. */
function By<Name extends string>(props: {
  title: string;
  fields: readonly Name[];
  field: Name;
  choose: (field: Name) => void;
  none?: string;
}) {
  const { title, field, none } = props;
  const { t, language } = useTexts();
  const scope = useScope();
  const query = useQuery(
    analysis<SessionsAnswer>(useApi(), scope, "/api/v1/query/sessions", { by: field, limit: 8, events: scope.events }),
  );
  const fieldName = (name: string) => t(`fields.${name.replace(".", "_")}` as "fields.path");
  const nameOf = (key: unknown) =>
    typeof key === "string" ? (field === "country" ? formatCountry(key, language) : key) : (none ?? t("overview.none"));
  const columns: [string, string, string] = [fieldName(field), t("measure.sessions"), t("sessions.bounced")];
  const rowsOf = ({ rows, other }: SessionsAnswer) => [
    ...rows.map(({ key, summary }) => ({
      name: nameOf(key),
      value: summary.sessions ?? 0,
      share: summary.bounce_rate ?? null,
    })),
    ...(other ? [{ name: t("overview.other"), value: other, share: null, rest: true }] : []),
  ];
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ rows }) => rows.length === 0}
      figure={{
        own: true,
        quiet: true,
        sentence: (answer) =>
          `${title}: ${rowsOf(answer)
            .slice(0, 3)
            .map(({ name, value }) => `${name} ${formatNumber(value, language)}`)
            .join(", ")}.`,
        table: (answer) => ({
          name: `sessions-${field}`,
          columns,
          rows: rowsOf(answer).map((one) => [one.name, one.value, one.share]),
        }),
      }}
      actions={
        <Segmented
          label={title}
          value={field}
          options={props.fields.map((value) => ({ value, text: fieldName(value) }))}
          onChange={props.choose}
        />
      }
    >
      {(answer) => <BarList caption={title} columns={columns} rows={rowsOf(answer)} language={language} />}
    </Panel>
  );
}

/** After how long a pause the next event begins another session; who manages the project changes it. */
function Gap() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("project.write");
  const [open, setOpen] = useState(false);
  const { data } = useQuery(get<{ gap_seconds: number }>(api, project, "/api/v1/sessions/settings", {}, false));
  const { busy, error, submit } = useSubmit(async ({ minutes = "" }) => {
    await api.call("/api/v1/sessions/settings", { method: "PUT", project, body: { gap: `${Number(minutes)}m` } });
    setOpen(false);
    void client.invalidateQueries({ queryKey: [project] });
  });
  if (!data) return null;
  return (
    <>
      <span className="faint">{t("sessions.gap", { length: formatDuration(data.gap_seconds, language) })}</span>
      {writes ? (
        <button type="button" className="link" onClick={() => setOpen(true)}>
          {t("sessions.change")}
        </button>
      ) : null}
      {open ? (
        <Dialog title={t("sessions.gapTitle")} close={t("events.close")} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <FormError error={error} />
            <Field
              label={t("sessions.gapMinutes")}
              hint={t("sessions.gapHint")}
              name="minutes"
              type="number"
              min={1}
              max={1440}
              required
              defaultValue={Math.round(data.gap_seconds / 60)}
            />
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy ? t("form.busy") : t("form.save")}
            </button>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
