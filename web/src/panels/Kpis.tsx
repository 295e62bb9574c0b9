import { useQuery } from "@tanstack/react-query";
import { type TimeseriesAnswer, useApi } from "../api/client";
import { timeseries } from "../api/queries";
import { drawingOf, sumAt } from "../charts/rows";
import { Sparkline } from "../charts/Sparkline";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { Change } from "./Change";
import { Panel } from "./Panel";

const NAMES = { all: "", other: "", none: "" };
const totalOf = (answer: TimeseriesAnswer) => answer.series[0]?.total ?? 0;
const beforeOf = (answer: TimeseriesAnswer) => answer.compare?.series[0]?.total ?? null;

/** Events, users, sessions and events per user: the number, its change and its way. */
export function Kpis() {
  const { t } = useTexts();
  const scope = useScope();
  const api = useApi();
  const count = useQuery(timeseries(api, scope, "count", { compare: true }));
  const users = useQuery(timeseries(api, scope, "users", { compare: true }));
  const sessions = useQuery(timeseries(api, scope, "sessions", { compare: true }));
  const both = {
    data: count.data && users.data ? { count: count.data, users: users.data } : undefined,
    error: count.error ?? users.error,
    isPending: count.isPending || users.isPending,
    isFetching: count.isFetching || users.isFetching,
    refetch: () => Promise.all([count.refetch(), users.refetch()]).then(([first]) => first as never),
  };
  return (
    <section className="kpis" aria-label={t("overview.numbers")}>
      {(
        [
          ["count", count],
          ["users", users],
          ["sessions", sessions],
        ] as const
      ).map(([name, query]) => (
        <Panel key={name} title={t(`measure.${name}`)} query={query} className="kpi">
          {(answer) => {
            const { rows, series, openFrom } = drawingOf(answer, NAMES, false);
            return (
              <Kpi
                value={totalOf(answer)}
                before={beforeOf(answer)}
                values={rows.map((row) => sumAt(row, series))}
                openFrom={openFrom}
              />
            );
          }}
        </Panel>
      ))}
      <Panel title={t("measure.perUser")} query={both} className="kpi">
        {(answers) => {
          const per = (events: number | null, people: number | null) =>
            events !== null && people ? events / people : null;
          const points = answers.count.series[0]?.points ?? [];
          const people = answers.users.series[0]?.points ?? [];
          const { openFrom } = drawingOf(answers.count, NAMES, false);
          return (
            <Kpi
              value={per(totalOf(answers.count), totalOf(answers.users)) ?? 0}
              before={per(beforeOf(answers.count), beforeOf(answers.users))}
              values={points.map(([, value], place) => per(value, people[place]?.[1] ?? null))}
              openFrom={openFrom}
              digits={1}
            />
          );
        }}
      </Panel>
    </section>
  );
}

function Kpi(props: {
  value: number;
  before: number | null;
  values: (number | null)[];
  openFrom: number;
  digits?: number;
}) {
  const { language } = useTexts();
  return (
    <>
      <div className="kpi-row">
        <strong className="kpi-value">
          {formatNumber(props.value, language, { maximumFractionDigits: props.digits ?? 0 })}
        </strong>
        <Change value={props.value} before={props.before} />
      </div>
      <Sparkline values={props.values} openFrom={props.openFrom} />
    </>
  );
}
