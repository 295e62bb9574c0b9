import "../ui/explore.css";
import { type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { FunnelAnswer, RetentionAnswer } from "../api/analysis";
import type { BreakdownAnswer, CountAnswer, EventsAnswer, TimeseriesAnswer } from "../api/client";
import type { Kind } from "../api/saved";
import { BarList } from "../charts/BarList";
import type { ExploreAnswer } from "../charts/lines";
import { PieChart } from "../charts/PieChart";
import type { Mark } from "../charts/TimeChart";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatCountry, formatNumber, formatPercent } from "../i18n/format";
import { isObject, listOf, oneOf, textOf } from "../state/asked";
import { CHART_KINDS } from "../state/explore";
import { DataTable } from "./DataTable";
import { ExplorePanel, type NamedSeries } from "./ExploreChart";
import { Panel } from "./Panel";
import { HeatTable, offsetNames } from "./RetentionPanels";
import { SeriesChart, totalOf, useSeriesFigure } from "./SeriesChart";

/** A widget as it is drawn: what it asks is known, or gone. */
export interface ShownWidget {
  id: string;
  title?: string;
  text?: string;
  chart?: string;
  kind: Kind | null;
  query: Record<string, unknown> | null;
  gone: boolean;
}

export interface WidgetProps {
  widget: ShownWidget;
  /** How its answer is asked for; the caller knows where it comes from. */
  ask: () => UseQueryOptions<unknown, Error, unknown, readonly unknown[]>;
  marks?: (points: readonly string[]) => Mark[];
}

/** A panel of a dashboard: the chart, number, table or text that was saved. */
export function WidgetView(props: WidgetProps) {
  const { kind } = props.widget;
  if (kind === "explore") return <Explored {...props} />;
  if (kind === "timeseries") return <Series {...props} />;
  if (kind === "breakdown") return <Breakdown {...props} />;
  if (kind === "count") return <Count {...props} />;
  if (kind === "funnel") return <Funnel {...props} />;
  if (kind === "retention") return <Retention {...props} />;
  if (kind === "events") return <Events {...props} />;
  return <Text {...props} />;
}

const useAnswer = <Answer,>({ ask }: WidgetProps) => useQuery(ask()) as UseQueryResult<Answer>;

function useNothing() {
  const { t } = useTexts();
  return <p className="empty">{t("panel.empty.range")}</p>;
}

function Text({ widget }: WidgetProps) {
  const { t } = useTexts();
  return (
    <section className="panel short" aria-label={widget.title || undefined}>
      {widget.title ? (
        <header className="panel-head">
          <h2>{widget.title}</h2>
        </header>
      ) : null}
      <div className="panel-body">
        <p className="text">{widget.gone ? t("shared.gone") : widget.text}</p>
      </div>
    </section>
  );
}

function Explored(props: WidgetProps) {
  const { t } = useTexts();
  const { widget, marks } = props;
  const query = useAnswer<ExploreAnswer>(props);
  const points = query.data?.series[0]?.points.map(([point]) => point) ?? [];
  return (
    <ExplorePanel
      title={widget.title || t("explore.title")}
      file={widget.id}
      query={query}
      asked={listOf(widget.query?.series, (one) => (isObject(one) ? (one as NamedSeries) : undefined), 10)}
      kind={oneOf(CHART_KINDS, widget.chart, "line")}
      marks={marks?.(points)}
      empty={useNothing()}
      className={widget.chart === "number" ? "number-panel" : "series"}
    />
  );
}

function Series(props: WidgetProps) {
  const { t } = useTexts();
  const { widget, marks } = props;
  const query = useAnswer<TimeseriesAnswer>(props);
  const title = widget.title || t("overview.series");
  const all = textOf(widget.query?.measure, "count") === "count" ? t("measure.count") : t("measure.total");
  const figure = useSeriesFigure(widget.id, all, all === t("measure.count") ? "events" : "value");
  return (
    <Panel
      title={title}
      query={query}
      className="series"
      figure={figure}
      isEmpty={(answer) => totalOf(answer) === 0}
      empty={useNothing()}
    >
      {(answer) => (
        <SeriesChart
          answer={answer}
          label={title}
          all={all}
          kind={oneOf(["area", "line", "bar"] as const, widget.chart, "area")}
          marks={marks?.(answer.series[0]?.points.map(([point]) => point) ?? [])}
        />
      )}
    </Panel>
  );
}

function Count(props: WidgetProps) {
  const { t, language } = useTexts();
  return (
    <Panel
      title={props.widget.title || t("measure.total")}
      query={useAnswer<CountAnswer>(props)}
      className="number-panel"
    >
      {(answer) => (
        <dl className="numbers">
          <div>
            <dd>
              <strong className="kpi-value">
                {answer.value === null ? "–" : formatNumber(answer.value, language)}
              </strong>
            </dd>
          </div>
        </dl>
      )}
    </Panel>
  );
}

function Breakdown(props: WidgetProps) {
  const { t, language } = useTexts();
  const { widget } = props;
  const query = useAnswer<BreakdownAnswer>(props);
  const title = widget.title || t("overview.byType");
  const by = textOf(widget.query?.by);
  const measure = textOf(widget.query?.measure, "count");
  const nameOf = (key: unknown): string =>
    Array.isArray(key)
      ? key.map(nameOf).join(" · ")
      : key === null || key === undefined
        ? t("overview.none")
        : by === "country"
          ? formatCountry(String(key), language)
          : String(key);
  const rowsOf = (answer: BreakdownAnswer) => [
    ...answer.rows.map(({ key, value, share }) => ({ name: nameOf(key), value: value ?? 0, share: share ?? null })),
    ...(answer.other ? [{ name: t("overview.other"), value: answer.other, share: null, rest: true }] : []),
  ];
  const columns: [string, string, string] = [
    t(`fields.${by}` as "fields.path", { defaultValue: by.replace(/^properties\./, "") || t("measure.value") }),
    t(`measure.${measure}` as "measure.count", { defaultValue: t("measure.total") }),
    t("measure.share"),
  ];
  const table = (answer: BreakdownAnswer): Table => ({
    name: widget.id,
    columns,
    rows: rowsOf(answer).map(({ name, value, share }) => [name, value, share]),
  });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => answer.rows.length === 0}
      empty={useNothing()}
      figure={{
        own: widget.chart !== "pie",
        quiet: true,
        sentence: (answer) =>
          `${title}: ${rowsOf(answer)
            .slice(0, 3)
            .map(({ name, value }) => `${name} ${formatNumber(value, language)}`)
            .join(", ")}.`,
        table,
      }}
    >
      {(answer) =>
        widget.chart === "pie" ? (
          <PieChart
            slices={rowsOf(answer).map((row) => ({ ...row, other: "rest" in row }))}
            label={title}
            language={language}
          />
        ) : widget.chart === "table" ? (
          <DataTable table={{ ...table(answer), shares: [2] }} caption={title} />
        ) : (
          <BarList caption={title} columns={columns} rows={rowsOf(answer)} language={language} />
        )
      }
    </Panel>
  );
}

function Funnel(props: WidgetProps) {
  const { t, language } = useTexts();
  const { widget } = props;
  const title = widget.title || t("dashboards.kinds.funnel");
  const first = (answer: FunnelAnswer) => answer.steps[0]?.count || 1;
  const columns: [string, string, string] = [t("funnel.column.step"), t("funnel.column.came"), t("measure.share")];
  return (
    <Panel
      title={title}
      query={useAnswer<FunnelAnswer>(props)}
      isEmpty={({ steps }) => (steps[0]?.count ?? 0) === 0}
      empty={useNothing()}
      figure={{
        own: true,
        sentence: ({ steps, conversion }) =>
          t("funnel.said", {
            first: formatNumber(steps[0]?.count ?? 0, language),
            last: formatNumber(steps.at(-1)?.count ?? 0, language),
            share: conversion === null ? "–" : formatPercent(conversion, language),
          }),
        table: ({ steps }) => ({
          name: widget.id,
          columns,
          rows: steps.map(({ label, count, conversion }) => [label, count, conversion]),
        }),
      }}
    >
      {(answer) => (
        <BarList
          caption={title}
          columns={columns}
          rows={answer.steps.map(({ label, count }, place) => ({
            name: `${place + 1}. ${label}`,
            value: count,
            share: count / first(answer),
          }))}
          language={language}
        />
      )}
    </Panel>
  );
}

function Retention(props: WidgetProps) {
  const { t } = useTexts();
  const { widget } = props;
  const asked = widget.query ?? {};
  const interval = textOf(asked.interval, "day");
  const measure = textOf(asked.measure, "users");
  const brackets = listOf(
    asked.brackets,
    (one): [number, number] | undefined => (Array.isArray(one) ? [Number(one[0]), Number(one[1])] : undefined),
    50,
  );
  return (
    <HeatTable
      title={widget.title || t("dashboards.kinds.retention")}
      file={widget.id}
      query={useAnswer<RetentionAnswer>(props)}
      empty={useNothing()}
      shape={{
        interval,
        money: measure.startsWith("sum:") ? measure.slice("sum:".length) : "",
        share: !measure.startsWith("sum:"),
        byThen: asked.cumulative === true,
        offsetName: offsetNames(t, interval, brackets),
      }}
    />
  );
}

function Events(props: WidgetProps) {
  const { t } = useTexts();
  const { widget } = props;
  const title = widget.title || t("events.title");
  const tableOf = ({ items }: EventsAnswer): Table => ({
    name: widget.id,
    columns: [t("events.event"), t("events.who"), t("events.time")],
    rows: items.map((one) => [one.event, one.user_id ?? one.anonymous_id ?? "–", one.timestamp]),
  });
  return (
    <Panel
      title={title}
      query={useAnswer<EventsAnswer>(props)}
      isEmpty={({ items }) => items.length === 0}
      empty={useNothing()}
      figure={{ own: true, quiet: true, sentence: () => title, table: tableOf }}
    >
      {(answer) => <DataTable table={tableOf(answer)} caption={title} />}
    </Panel>
  );
}
