import { useQuery } from "@tanstack/react-query";
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
import { BarList } from "../charts/BarList";
import { COLORS } from "../charts/rows";
import { Sparkline } from "../charts/Sparkline";
import { useTexts } from "../i18n";
import { formatCountry, formatDuration, formatMoment, formatNumber, formatPercent, formatPoint } from "../i18n/format";
import { BotSwitch } from "../panels/BotSwitch";
import { CategoryDrawing } from "../panels/CategoryDrawing";
import { Controls } from "../panels/Controls";
import { type CountColumn, CountTable } from "../panels/CountTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { type BehindAsked, PeopleBehind, PersonLink } from "../panels/PeopleBehind";
import { type SeriesAnswer, SeriesChart, useSeriesFigure } from "../panels/SeriesChart";
import { SessionGap } from "../panels/SessionGap";
import { useAsk } from "../state/ask";
import { oneOf } from "../state/asked";
import { useScope } from "../state/scope";
import { Segmented } from "../ui/form";

type Open = (title: string, more: object) => void;
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
  const [behind, setBehind] = useState<BehindAsked>();
  const question = { interval: scope.interval, events: scope.events };
  const query = useQuery(analysis<SessionsAnswer>(api, scope, "/api/v1/query/sessions", question));
  const open: Open = (title, more) =>
    setBehind({ title, path: "/api/v1/query/sessions/people", question: { ...rangeOf(scope), ...question, ...more } });
  return (
    <>
      <Controls title={t("nav.sessions")} interval />
      <section className="kpis" aria-label={t("overview.numbers")}>
        {FIGURES.map((name) => (
          <Figure key={name} name={name} query={query} open={open} />
        ))}
      </section>
      <div className="grid halves">
        <OverTime query={query} open={open} />
        <Durations query={query} open={open} />
      </div>
      <div className="grid thirds">
        <By
          title={t("sessions.sources")}
          fields={SOURCES}
          field={asked.source}
          choose={(source) => change({ source })}
          none={t("overview.direct")}
          open={open}
        />
        <By
          title={t("sessions.places")}
          fields={PLACES}
          field={asked.place}
          choose={(place) => change({ place })}
          open={open}
        />
        <By
          title={t("sessions.pages")}
          fields={PAGES}
          field={asked.page}
          choose={(page) => change({ page })}
          open={open}
        />
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
          actions={<SessionGap />}
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
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}

type FigureName = (typeof FIGURES)[number];

function Figure({ name, query, open }: { name: FigureName; query: Query; open: Open }) {
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
        const unfinished = points.findIndex(({ time }) => incomplete_from !== null && time >= incomplete_from);
        return (
          <>
            <div className="kpi-row">
              <span className="kpi-value">{said(total)}</span>
              {name === "sessions" ? (
                <button type="button" className="count" onClick={() => open(t("sessions.all"), {})}>
                  {t("sessions.people", { count: total.people ?? 0 })}
                </button>
              ) : name === "duration_mean" ? (
                <span className="faint">
                  {t("sessions.median", { length: formatDuration(total.duration_p50 ?? 0, language) })}
                </span>
              ) : null}
            </div>
            <Sparkline
              values={points.map(({ summary }) => summary[name] ?? 0)}
              openFrom={unfinished < 0 ? points.length : unfinished}
            />
          </>
        );
      }}
    </Panel>
  );
}

function OverTime({ query, open }: { query: Query; open: Open }) {
  const { t, language } = useTexts();
  const { interval } = useScope();
  const title = t("sessions.overTime");
  const figure = useSeriesFigure("sessions", t("measure.sessions"));
  const columns = (["bounced", "stayed"] as const).map(
    (name): CountColumn<SessionsAnswer["points"][number]> => ({
      name: t(`sessions.${name}`),
      value: ({ summary: { sessions = 0, bounced = 0 } }) => (name === "bounced" ? bounced : sessions - bounced),
      open: ({ time }) => {
        const label = `${t(`sessions.${name}`)}, ${formatPoint(time, interval, language)}`;
        return { label, run: () => open(label, { time, bounced: name === "bounced" }) };
      },
    }),
  );
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
      {(answer) => (
        <>
          <SeriesChart answer={series(answer)} label={title} all={t("measure.sessions")} kind="bar" />
          <CountTable
            caption={title}
            first={{ name: t("measure.time"), text: ({ time }) => formatPoint(time, interval, language) }}
            columns={columns}
            rows={answer.points.toReversed()}
            rowKey={({ time }) => time}
          />
        </>
      )}
    </Panel>
  );
}

function Durations({ query, open }: { query: Query; open: Open }) {
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
        <>
          <CategoryDrawing
            label={title}
            kind="bar"
            language={language}
            rows={durations.map((one) => ({ name: named(one), sessions: one.sessions }))}
            series={[{ key: "sessions", name: t("measure.sessions"), color: COLORS[1] as string }]}
            format={(value) => formatNumber(value, language)}
          />
          <CountTable
            caption={title}
            first={{ name: title, text: named }}
            columns={[
              {
                name: t("measure.sessions"),
                value: ({ sessions }) => sessions,
                open: (one) => ({
                  label: `${title}: ${named(one)}`,
                  run: () => open(`${title}: ${named(one)}`, { took: [one.from, one.to] }),
                }),
              },
            ]}
            rows={durations}
            rowKey={({ from }) => String(from)}
          />
        </>
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
  open: Open;
}) {
  const { title, field, none, open } = props;
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
      openLabel: `${formatNumber(summary.sessions ?? 0, language)} – ${fieldName(field)}: ${nameOf(key)}`,
      onOpen: () => open(`${fieldName(field)}: ${nameOf(key)}`, { by: field, group: [key] }),
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
