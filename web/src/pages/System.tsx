import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { BookCheck, CircleCheck, CircleX, TriangleAlert } from "lucide-react";
import { type SystemAnswer, useApi } from "../api/client";
import { rejectedReasons, systemOf } from "../api/queries";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatAgo, formatNumber } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";

const ICONS = { ok: CircleCheck, behind: TriangleAlert, degraded: CircleX };

/** How Sluice itself is: engines, what waits, how fresh the project is, what is refused. */
export default function System() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const query = useQuery(systemOf(useApi(), project));
  return (
    <>
      <div className="controls">
        <h1>{t("system.title")}</h1>
        <div className="control-row">
          {query.data ? <State state={query.data.state} /> : null}
          <Link to="/p/$project/ledger" params={{ project }} search={sharedOf as never} className="button">
            <BookCheck size={16} aria-hidden="true" />
            {t("jobs.nav.ledger")}
          </Link>
        </div>
      </div>
      <p className="about">{t("system.about")}</p>
      <div className="grid halves">
        <Parts query={query} />
        <Fresh query={query} />
        <Queues query={query} />
        <Refusals />
      </div>
    </>
  );
}

type Asked = { query: ReturnType<typeof useQuery<SystemAnswer>> };

function State({ state }: { state: SystemAnswer["state"] }) {
  const { t } = useTexts();
  const Icon = ICONS[state];
  return (
    <p className={`health ${state}`} role="status">
      <Icon size={17} aria-hidden="true" />
      {t(`system.states.${state}`)}
    </p>
  );
}

function Parts({ query }: Asked) {
  const { t, language } = useTexts();
  return (
    <Panel title={t("system.parts")} query={query} className="short">
      {({ parts }) => (
        <ListTable
          caption={t("system.parts")}
          rows={parts}
          rowKey={(one) => one.name}
          columns={[
            {
              name: t("system.part"),
              cell: (one) => (
                <span className="part">
                  <b>{t(`system.names.${one.name}`)}</b>
                  <span className="faint">{one.kind}</span>
                </span>
              ),
            },
            {
              name: t("system.version"),
              cell: (one) =>
                [one.version, one.schema_version && t("system.schema", { version: one.schema_version })]
                  .filter(Boolean)
                  .join(" · ") || "–",
            },
            {
              name: t("system.answers"),
              kind: "narrow",
              cell: (one) => (
                <span className={one.ok ? "state stored" : "state dropped"}>
                  {one.ok ? t("system.ms", { shown: formatNumber(one.took_ms, language) }) : t("system.away")}
                </span>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Fresh({ query }: Asked) {
  const { t, language } = useTexts();
  const now = useNow(5_000);
  const ms = (value: number | null) =>
    value === null ? "–" : t("system.ms", { shown: formatNumber(value, language) });
  return (
    <Panel
      title={t("system.fresh")}
      query={query}
      className="short"
      isEmpty={({ freshness }) => !freshness?.received_at}
      empty={<p className="empty">{query.data?.freshness ? t("system.quiet") : t("system.unknown")}</p>}
    >
      {({ freshness }) => (
        <dl className="facts">
          <div>
            <dt>{t("system.newest")}</dt>
            <dd>{freshness?.received_at ? formatAgo(freshness.received_at, now, language) : "–"}</dd>
          </div>
          <div>
            <dt>{t("system.usual")}</dt>
            <dd>{ms(freshness?.delay_p50_ms ?? null)}</dd>
          </div>
          <div>
            <dt>{t("system.slowest")}</dt>
            <dd>{ms(freshness?.delay_p95_ms ?? null)}</dd>
          </div>
          <div>
            <dt>{t("system.records")}</dt>
            <dd>{formatNumber(freshness?.records ?? 0, language)}</dd>
          </div>
        </dl>
      )}
    </Panel>
  );
}

function Queues({ query }: Asked) {
  const { t, language } = useTexts();
  return (
    <Panel
      title={t("system.queues")}
      query={query}
      className="short"
      isEmpty={({ queues }) => !queues?.length}
      empty={<p className="empty">{t("system.unknown")}</p>}
      figure={{
        own: true,
        quiet: true,
        sentence: ({ queues }) => {
          const waiting = (queues ?? []).reduce((sum, one) => sum + one.waiting, 0);
          return t("system.waits", { count: waiting, shown: formatNumber(waiting, language) });
        },
        table: ({ queues }) => ({
          name: "bus-lag",
          columns: [t("system.function"), t("system.topic"), t("system.waiting")],
          rows: (queues ?? []).map((one) => [one.function, one.topic, one.waiting]),
        }),
      }}
    >
      {({ queues }) => (
        <ListTable
          caption={t("system.queues")}
          rows={[...(queues ?? [])].sort((a, b) => b.waiting - a.waiting)}
          rowKey={(one) => `${one.topic}/${one.function}`}
          columns={[
            { name: t("system.function"), cell: (one) => <code>{one.function}</code> },
            { name: t("system.topic"), cell: (one) => <code className="faint">{one.topic}</code> },
            { name: t("system.waiting"), kind: "narrow", cell: (one) => formatNumber(one.waiting, language) },
          ]}
        />
      )}
    </Panel>
  );
}

function Refusals() {
  const { t, language } = useTexts();
  const scope = useScope();
  const query = useQuery(rejectedReasons(useApi(), scope));
  return (
    <Panel
      title={t("system.refusals")}
      query={query}
      className="short"
      isEmpty={({ total }) => total === 0}
      empty={<p className="empty">{t("rejected.none")}</p>}
      figure={{
        own: true,
        quiet: true,
        sentence: ({ items }) => items.map((one) => `${one.reason} ${formatNumber(one.count, language)}`).join(", "),
        table: ({ items }) => ({
          name: "refusals",
          columns: [t("rejected.reason"), t("rejected.count")],
          rows: items.map((one) => [one.reason, one.count]),
        }),
      }}
    >
      {({ items, total }) => (
        <BarList
          caption={t("system.refusals")}
          columns={[t("rejected.reason"), t("rejected.count"), t("measure.share")]}
          language={language}
          rows={items.slice(0, 8).map((one) => ({ name: one.reason, value: one.count, share: one.count / total }))}
        />
      )}
    </Panel>
  );
}
