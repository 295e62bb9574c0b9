import type { UseQueryResult } from "@tanstack/react-query";
import type { FunnelAnswer, FunnelStep } from "../api/analysis";
import { COLORS } from "../charts/rows";
import { useTexts } from "../i18n";
import { formatDuration, formatNumber, formatPercent, formatPoint } from "../i18n/format";
import { useScope } from "../state/scope";
import { Scroll } from "../ui/Scroll";
import { CategoryDrawing } from "./CategoryDrawing";
import { Count } from "./Count";
import { type CountColumn, CountTable } from "./CountTable";
import { Panel } from "./Panel";
import { type SeriesAnswer, SeriesChart } from "./SeriesChart";

export type Open = (title: string, more: object) => void;
type Asked = { query: UseQueryResult<FunnelAnswer> };
type TrendPoint = NonNullable<FunnelAnswer["trend"]>[number];

const nothing = (answer: FunnelAnswer) => (answer.steps[0]?.count ?? 0) === 0;

/** Each step as a bar and as a row; every number opens its people. */
export function Steps({ query, open }: Asked & { open: Open }) {
  const { t, language } = useTexts();
  const percent = (share: number | null) => (share === null ? "–" : formatPercent(share, language));
  const length = (seconds: number | null) => (seconds === null ? "–" : formatDuration(seconds, language));
  const columns = [
    t("funnel.column.step"),
    t("funnel.column.came"),
    t("funnel.column.ofFirst"),
    t("funnel.column.ofPrevious"),
    t("funnel.column.left"),
    t("funnel.column.median"),
    t("funnel.column.p90"),
  ];
  const came = (step: FunnelStep, place: number) =>
    open(t("funnel.came", { number: place + 1, step: step.label }), { step: place + 1 });
  const rowsOf = ({ steps }: FunnelAnswer) =>
    steps.map((step, place) => ({
      name: `${place + 1}. ${step.label}`,
      place,
      came: step.count,
      lost: (steps[place - 1]?.count ?? step.count) - step.count,
    }));
  return (
    <Panel
      title={t("funnel.conversion")}
      query={query}
      isEmpty={nothing}
      figure={{
        own: false,
        sentence: ({ steps, conversion }) =>
          t("funnel.said", {
            first: formatNumber(steps[0]?.count ?? 0, language),
            last: formatNumber(steps.at(-1)?.count ?? 0, language),
            share: percent(conversion),
          }),
        table: ({ steps }) => ({
          name: "funnel",
          columns: [...columns.slice(0, 5), t("funnel.csv.median"), t("funnel.csv.p90")],
          rows: steps.map((one) => [
            one.label,
            one.count,
            one.conversion,
            one.from_previous,
            one.dropoff,
            one.median_seconds,
            one.p90_seconds,
          ]),
        }),
      }}
      actions={query.data ? <b className="panel-number">{percent(query.data.conversion)}</b> : null}
    >
      {(answer) => (
        <>
          <CategoryDrawing
            label={t("funnel.conversion")}
            rows={rowsOf(answer)}
            series={[
              { key: "came", name: t("funnel.column.came"), color: COLORS[0] as string },
              { key: "lost", name: t("funnel.lost"), color: COLORS[0] as string, faint: true },
            ]}
            kind="bar"
            stacked
            low
            language={language}
            format={(value) => formatNumber(value, language)}
            onPick={({ place }) => {
              const step = answer.steps[Number(place)];
              if (step) came(step, Number(place));
            }}
          />
          <Scroll label={t("funnel.steps")}>
            <table className="table">
              <thead>
                <tr>
                  {columns.map((column, place) => (
                    <th key={column} scope="col" className={place ? "number" : undefined}>
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {answer.steps.map((step, place) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
                  <tr key={place}>
                    <th scope="row">
                      <span className="step-number" aria-hidden="true">
                        {place + 1}
                      </span>{" "}
                      <bdi>{step.label}</bdi>
                    </th>
                    <td className="number">
                      <Count
                        value={step.count}
                        label={t("funnel.came", { number: place + 1, step: step.label })}
                        onOpen={() => came(step, place)}
                      />
                    </td>
                    <td className="number">{percent(step.conversion)}</td>
                    <td className="number">{percent(step.from_previous)}</td>
                    <td className="number">
                      {place < answer.steps.length - 1 ? (
                        <Count
                          value={step.dropoff}
                          label={t("funnel.left", { number: place + 1 })}
                          onOpen={() =>
                            open(t("funnel.left", { number: place + 1 }), { step: place + 1, dropped: true })
                          }
                        />
                      ) : (
                        "–"
                      )}
                    </td>
                    <td className="number">{length(step.median_seconds)}</td>
                    <td className="number">{length(step.p90_seconds)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {answer.hint ? <p className="notice">{answer.hint}</p> : null}
        </>
      )}
    </Panel>
  );
}

/** How long it took those who came through. */
export function Times({ query, open, last }: Asked & { open: Open; last: number }) {
  const { t, language } = useTexts();
  const length = (seconds: number) => formatDuration(seconds, language);
  const title = t("funnel.times");
  const named = ({ from_seconds: from, to_seconds: to }: FunnelAnswer["times"][number]) =>
    to === null ? `≥ ${length(from)}` : `${length(from)} – ${length(to)}`;
  const pick = (name: string, from: number, to: number | null) =>
    open(`${title}: ${name}`, { step: last, took: [from, to] });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ times }) => times.every(({ count }) => count === 0)}
      empty={
        <div className="empty">
          <p>{t("funnel.nobodyThrough")}</p>
        </div>
      }
      figure={{
        sentence: ({ steps }) =>
          t("funnel.timesSaid", {
            half: length(steps.at(-1)?.median_seconds ?? 0),
            most: length(steps.at(-1)?.p90_seconds ?? 0),
          }),
        table: ({ times }) => ({
          name: "funnel-times",
          columns: [title, t("analysis.people")],
          rows: times.map((one) => [named(one), one.count]),
        }),
      }}
    >
      {({ times }) => (
        <>
          <CategoryDrawing
            label={title}
            kind="bar"
            low
            language={language}
            rows={within(times).map((one) => ({
              name: named(one),
              count: one.count,
              from: one.from_seconds,
              to: one.to_seconds,
            }))}
            series={[{ key: "count", name: t("analysis.people"), color: COLORS[1] as string }]}
            format={(value) => formatNumber(value, language)}
            onPick={({ name, from, to }) => pick(String(name), Number(from), to === null ? null : Number(to))}
          />
          <CountTable
            caption={title}
            first={{ name: title, text: named }}
            columns={[
              {
                name: t("analysis.people"),
                value: ({ count }) => count,
                open: (one) => ({
                  label: named(one),
                  run: () => pick(named(one), one.from_seconds, one.to_seconds),
                }),
              },
            ]}
            rows={within(times)}
            rowKey={({ from_seconds }) => String(from_seconds)}
          />
        </>
      )}
    </Panel>
  );
}

/** Without the empty ends: nobody needs bars for years where all take minutes. */
function within(times: FunnelAnswer["times"]): FunnelAnswer["times"] {
  const first = times.findIndex(({ count }) => count > 0);
  const last = times.findLastIndex(({ count }) => count > 0);
  return times.slice(Math.max(first - 1, 0), last + 2);
}

/** Of those who began in an interval, how many came through. */
export function Trend({ query, open, last, windowMs }: Asked & { open: Open; last: number; windowMs: number }) {
  const { t, language } = useTexts();
  const { interval } = useScope();
  const title = t("funnel.trend");
  // Who began lately may still come through.
  const now = query.dataUpdatedAt;
  const trendOf = (answer: FunnelAnswer) => answer.trend ?? [];
  const columns = (["entered", "completed"] as const).map((name): CountColumn<TrendPoint> => {
    const step = name === "entered" ? 1 : last;
    return {
      name: t(`funnel.${name}`),
      value: (one) => one[name],
      open: ({ time }) => {
        const label = `${t(`funnel.${name}`)}, ${formatPoint(time, interval, language)}`;
        return { label, run: () => open(label, { step, time, interval }) };
      },
    };
  });
  const series = (answer: FunnelAnswer): SeriesAnswer => ({
    interval,
    incomplete_from: trendOf(answer).find(({ time }) => Date.parse(time) + windowMs > now)?.time ?? null,
    compare: null,
    series: (["entered", "completed"] as const).map((name) => ({
      key: t(`funnel.${name}`),
      other: false,
      total: trendOf(answer).reduce((sum, one) => sum + one[name], 0),
      points: trendOf(answer).map((one): [string, number] => [one.time, one[name]]),
    })),
  });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => nothing(answer) || trendOf(answer).length === 0}
      figure={{
        sentence: (answer) => {
          const best = trendOf(answer).reduce(
            (most, one) => ((one.conversion ?? 0) > (most.conversion ?? 0) ? one : most),
            trendOf(answer)[0] as TrendPoint,
          );
          return t("funnel.trendSaid", {
            share: formatPercent(best.conversion ?? 0, language),
            point: formatPoint(best.time, interval, language),
          }).replace("..", "."); // a Russian date ends with a full stop of its own
        },
        table: (answer) => ({
          name: "funnel-trend",
          columns: [t("measure.time"), t("funnel.entered"), t("funnel.completed"), t("funnel.conversion")],
          rows: trendOf(answer).map((one) => [
            formatPoint(one.time, interval, language),
            one.entered,
            one.completed,
            one.conversion,
          ]),
        }),
      }}
    >
      {(answer) => (
        <>
          <SeriesChart answer={series(answer)} label={title} all="" kind="line" />
          <CountTable
            caption={title}
            first={{ name: t("measure.time"), text: ({ time }) => formatPoint(time, interval, language) }}
            columns={columns}
            rows={trendOf(answer).toReversed()}
            rowKey={({ time }) => time}
          />
        </>
      )}
    </Panel>
  );
}
