import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import type { LiveCounts, LiveEvent, LiveWay } from "../api/live";
import { latestEvents } from "../api/queries";
import { MinuteBars } from "../charts/MinuteBars";
import { useTexts } from "../i18n";
import { formatAgo, formatMoment, formatNumber } from "../i18n/format";
import { type Live, useLive } from "../state/live";
import { useNow } from "../state/now";
import type { Span } from "../state/range";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";

const SHOWN = 7;

/** What happens right now: who is active, the last half hour minute by minute, and the events as they come. */
export function LivePanels() {
  const scope = useScope();
  const [attempt, setAttempt] = useState(0);
  const live = useLive(scope.project, scope.bots, attempt);
  const retry = () => setAttempt(attempt + 1);
  return (
    <>
      <Now live={live} retry={retry} />
      <Ticker live={live} />
    </>
  );
}

/** What a stream knows, as a panel asks for it. */
function asked<Data>(live: Live, data: Data | undefined, retry: () => void) {
  const error = data === undefined ? live.error : null;
  return {
    data,
    error,
    isPending: data === undefined && !error,
    isFetching: data === undefined && !error,
    refetch: retry,
  } as never;
}

function Way({ way }: { way: LiveWay }) {
  const { t } = useTexts();
  return (
    <span className={`state way ${way}`} role="status">
      {way === "live" ? <span className="live-dot" aria-hidden="true" /> : null}
      {t(`live.ways.${way}`)}
    </span>
  );
}

function Now({ live, retry }: { live: Live; retry: () => void }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const title = t("live.title");
  const total = (counts: LiveCounts) => counts.minutes.reduce((sum, { total }) => sum + total, 0);
  const clock = (moment: string) =>
    new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit", timeZone: timezone }).format(
      new Date(moment),
    );
  const sentence = (counts: LiveCounts) => {
    const all = total(counts);
    const most = counts.minutes.reduce((best, one) => (one.total > best.total ? one : best), {
      minute: "",
      total: 0,
    });
    return [
      t("live.said", { count: all, shown: formatNumber(all, language) }),
      most.minute ? t("sentence.peak", { value: formatNumber(most.total, language), point: clock(most.minute) }) : "",
    ]
      .filter(Boolean)
      .join(" ");
  };
  return (
    <Panel
      title={title}
      query={asked(live, live.counts, retry)}
      className="live"
      actions={<Way way={live.way} />}
      figure={{
        sentence,
        table: (counts: LiveCounts) => ({
          name: "last-30-minutes",
          columns: [t("measure.time"), t("measure.count")],
          rows: counts.minutes.map(({ minute, total: count }) => [clock(minute), count]),
        }),
      }}
    >
      {(counts: LiveCounts) => (
        <div className="now">
          <p className="now-people">
            <strong>{counts.active?.people == null ? "–" : formatNumber(counts.active.people, language)}</strong>
            <span>{t("live.active", { count: counts.active?.people ?? 0 })}</span>
          </p>
          <MinuteBars
            label={title}
            language={language}
            bars={counts.minutes.map(({ minute, total: value }, place) => ({
              time: clock(minute),
              value,
              open: counts.incomplete_last && place === counts.minutes.length - 1,
            }))}
          />
          <Fresh newest={live.events[0]} />
        </div>
      )}
    </Panel>
  );
}

/** How old the newest event is that queries count. */
function Fresh({ newest }: { newest: LiveEvent | undefined }) {
  const { t, language } = useTexts();
  const now = useNow(5_000);
  if (!newest) return null;
  return <p className="faint">{t("live.fresh", { ago: formatAgo(newest.received_at, now, language) })}</p>;
}

/** An event may lie ahead of its time; among the latest it would stay on top for hours. */
function untilNow(span: Span, now: number): Span {
  const minute = new Date(Math.ceil(now / 60_000) * 60_000).toISOString();
  return (span.to.includes("T") ? span.to : `${span.to}T23:59:59Z`) > minute ? { ...span, to: minute } : span;
}

/** The latest events of the view; without filters those that come are put on top at once. */
function Ticker({ live }: { live: Live }) {
  const { t, language } = useTexts();
  const scope = useScope();
  const { view } = useView();
  const { project, timezone } = scope;
  const now = useNow(5_000);
  const query = useQuery(latestEvents(useApi(), { ...scope, span: untilNow(scope.span, now) }, SHOWN));
  const came = view.filters?.length || view.events?.length ? [] : live.events;
  const ids = new Set(came.map(({ event_id }) => event_id));
  return (
    <Panel
      title={t("overview.latest")}
      query={query}
      className="ticker"
      isEmpty={({ items }) => items.length + came.length === 0}
      actions={
        <Link to="/p/$project/events" params={{ project }} search={(old) => old} className="link">
          {t("overview.allEvents")}
        </Link>
      }
    >
      {({ items }) => (
        <ListTable
          caption={t("overview.latest")}
          headless
          rows={[...came, ...items.filter(({ event_id }) => !ids.has(event_id))].slice(0, SHOWN)}
          rowKey={(one) => one.event_id}
          columns={[
            { name: t("events.event"), cell: (one) => <bdi className="event-name">{one.event}</bdi> },
            { name: t("events.who"), cell: (one) => <bdi>{one.user_id ?? one.anonymous_id ?? "–"}</bdi> },
            { name: t("events.page"), kind: "wide", cell: (one) => <bdi>{one.path ?? "–"}</bdi> },
            {
              name: t("events.time"),
              kind: "narrow",
              cell: (one) => (
                <time dateTime={one.timestamp} title={formatMoment(one.timestamp, timezone, language)}>
                  {formatAgo(one.timestamp, now, language)}
                </time>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
