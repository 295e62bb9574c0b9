import "../ui/admin.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, RotateCcw } from "lucide-react";
import { type ReactNode, useState } from "react";
import { type ReasonsAnswer, type RejectedAnswer, useApi } from "../api/client";
import { rejectedReasons } from "../api/queries";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { type SeriesAnswer, SeriesChart, useSeriesFigure } from "../panels/SeriesChart";
import { useMay } from "../state/may";
import { type AskedScope, useScope } from "../state/scope";
import { sharedOf, type View } from "../state/search";
import { CodeBlock } from "../ui/CodeBlock";

type Refused = RejectedAnswer["items"][number];
const DRAWN = 6;

/** What was refused, when, why, and the bytes as they came. */
export default function Rejected() {
  const { t, language } = useTexts();
  const scope = useScope();
  const api = useApi();
  const [reason, setReason] = useState("");
  const { span, timezone, project } = scope;
  const none = (
    <div className="empty">
      <CircleCheck size={24} aria-hidden="true" />
      <p>{t("rejected.none")}</p>
    </div>
  );
  const timeOf = (one: Refused) => formatMoment(one.received_at, timezone, language);
  return (
    <>
      <Controls title={t("rejected.title")} interval bare />
      <div className="row spread about-line">
        <p className="about">{t("rejected.about")}</p>
        {useMay()("events.replay") ? (
          <Link
            to="/p/$project/rejected/replay"
            params={{ project }}
            search={((old: View) => ({ ...sharedOf(old), ...(reason && { ask: { reason } }) })) as never}
            className="button"
          >
            <RotateCcw size={15} aria-hidden="true" />
            {t("admin.replay.title")}
          </Link>
        ) : null}
      </div>
      <div className="grid halves">
        <OverTime scope={scope} none={none} />
        <Reasons scope={scope} none={none} reason={reason} choose={setReason} />
        <PagedPanel<Refused>
          title={t("rejected.list")}
          queryKey={[project, "rejected", span, timezone, reason]}
          ask={(cursor, signal) =>
            api.call<RejectedAnswer>("/api/v1/rejected", {
              project,
              signal,
              query: { ...span, timezone, reason, cursor, limit: 50 },
            })
          }
          everyMs={15_000}
          className="wide"
          tableClass="refused"
          empty={none}
          rowKey={(one) => `${one.batch_id}-${one.position}`}
          opens={{
            column: t("rejected.reason"),
            name: t("rejected.raw"),
            face: (one) => <span className="tag">{one.reason}</span>,
            label: (one) => t("rejected.open", { reason: one.reason, time: timeOf(one) }),
          }}
          columns={[
            { name: t("events.event"), cell: (one) => <bdi>{one.event ?? "–"}</bdi> },
            {
              name: t("admin.replay.column"),
              kind: "wide",
              cell: (one) =>
                one.replay_outcome === "stored" ? (
                  <span className="state stored">{t("admin.replay.taken")}</span>
                ) : one.replay_outcome ? (
                  <span className="state dropped">{t("admin.replay.refused")}</span>
                ) : (
                  "–"
                ),
            },
            { name: t("rejected.advice"), kind: "wide", cell: (one) => <bdi>{one.detail || one.title}</bdi> },
            {
              name: t("events.time"),
              kind: "narrow",
              cell: (one) => <time dateTime={one.received_at}>{timeOf(one)}</time>,
            },
          ]}
          whole={(one) => (
            <>
              <p className="reason">
                <b>{one.title}</b>
                <span className="faint">{one.detail}</span>
              </p>
              {one.replayed_at ? (
                <p className="faint">
                  {t("admin.replay.replayed", {
                    moment: formatMoment(one.replayed_at, timezone, language),
                    outcome: one.replay_outcome === "stored" ? t("admin.replay.taken") : one.replay_outcome,
                  })}
                </p>
              ) : null}
              <CodeBlock code={one.raw} />
            </>
          )}
        />
      </div>
    </>
  );
}

/** The most frequent reasons as series, all others together as one. */
function seriesOf(answer: ReasonsAnswer, interval: AskedScope["interval"]): SeriesAnswer {
  const all = (answer.series ?? []).map(({ reason, points }) => ({
    key: reason,
    other: false,
    points: points.map(([point, count]): [string, number] => [String(point), Number(count)]),
    total: points.reduce((sum, [, count]) => sum + Number(count), 0),
  }));
  const rest = all.slice(DRAWN);
  const other = rest.length
    ? [
        {
          key: null,
          other: true,
          total: rest.reduce((sum, one) => sum + one.total, 0),
          points: (rest[0]?.points ?? []).map(([point], place): [string, number] => [
            point,
            rest.reduce((sum, one) => sum + (one.points[place]?.[1] ?? 0), 0),
          ]),
        },
      ]
    : [];
  return {
    series: [...all.slice(0, DRAWN), ...other],
    interval,
    incomplete_from: answer.incomplete_from,
    compare: null,
  } as SeriesAnswer;
}

function OverTime({ scope, none }: { scope: AskedScope; none: ReactNode }) {
  const { t } = useTexts();
  const query = useQuery(rejectedReasons(useApi(), scope));
  const figure = useSeriesFigure("rejected-over-time", t("rejected.count"), "refused");
  const title = t("rejected.overTime");
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => answer.total === 0}
      empty={none}
      figure={{
        sentence: (answer) => figure.sentence(seriesOf(answer, scope.interval)),
        table: (answer) => figure.table(seriesOf(answer, scope.interval)),
        quiet: true,
      }}
    >
      {(answer) => (
        <SeriesChart answer={seriesOf(answer, scope.interval)} label={title} all={t("rejected.count")} kind="bar" />
      )}
    </Panel>
  );
}

function Reasons(props: { scope: AskedScope; none: ReactNode; reason: string; choose: (reason: string) => void }) {
  const { t, language } = useTexts();
  const query = useQuery(rejectedReasons(useApi(), props.scope));
  return (
    <Panel
      title={t("rejected.reasons")}
      query={query}
      isEmpty={(answer) => answer.total === 0}
      empty={props.none}
      actions={
        props.reason ? (
          <button type="button" className="link" onClick={() => props.choose("")}>
            {t("rejected.all")}
          </button>
        ) : null
      }
      figure={{
        own: true,
        quiet: true,
        sentence: (answer) => answer.items.map((one) => `${one.title} ${formatNumber(one.count, language)}`).join(" "),
        table: (answer) => ({
          name: "rejected-reasons",
          columns: [t("rejected.reason"), t("rejected.count"), t("rejected.last")],
          rows: answer.items.map((one) => [one.reason, one.count, one.last_seen]),
        }),
      }}
    >
      {(answer) => (
        <BarList
          caption={t("rejected.reasons")}
          columns={[t("rejected.reason"), t("rejected.count"), t("measure.share")]}
          language={language}
          rows={answer.items.map((one) => ({
            name: `${one.reason} – ${one.title}`,
            value: one.count,
            share: one.count / answer.total,
            onPick: () => props.choose(one.reason),
            pickLabel: t("overview.filterBy", { value: one.reason }),
          }))}
        />
      )}
    </Panel>
  );
}
