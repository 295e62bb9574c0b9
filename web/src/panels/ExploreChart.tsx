import type { UseQueryResult } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { type ExploreAnswer, type ExploreLine, linesOf, namesOf, stacks } from "../charts/lines";
import { PieChart } from "../charts/PieChart";
import { valueAt } from "../charts/rows";
import type { Mark } from "../charts/TimeChart";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPoint } from "../i18n/format";
import { type ChartKind, measureOf, needsProperty } from "../state/explore";
import { Change } from "./Change";
import { DataTable } from "./DataTable";
import { Panel } from "./Panel";

const TimeChart = lazy(() => import("../charts/TimeChart"));

/** Of a series as it was asked, what its name is made of. */
export interface NamedSeries {
  measure?: string;
  events?: readonly string[];
}

/** What a line is called: by its label, by its formula, or by what it measures. */
export function useLineNames(asked: readonly NamedSeries[]) {
  const { t } = useTexts();
  const of = (line: ExploreLine): string => {
    const series = /^[A-J]$/.test(line.name) ? asked[line.name.charCodeAt(0) - 65] : undefined;
    if (line.label || !series) return line.label || line.name;
    const { kind, property } = measureOf(series.measure ?? "count");
    const measure = t(`explore.measures.${kind}` as "explore.measures.count");
    const events = series.events?.join(", ");
    const what = needsProperty(kind) ? `${measure} ${property}` : measure;
    return kind === "count" && events ? events : events ? `${what}: ${events}` : what;
  };
  return { of, other: t("overview.other"), none: t("overview.none") };
}

/** Says and lists what lines show. */
export function useExploreFigure(file: string, asked: readonly NamedSeries[]) {
  const { t, language } = useTexts();
  const names = useLineNames(asked);
  const shown = (value: number | null) => (value === null ? "–" : formatNumber(value, language));

  const table = (answer: ExploreAnswer): Table => {
    const { rows, series } = linesOf(answer, names, false);
    const before = answer.compare?.series ?? [];
    return {
      name: file,
      columns: [
        t("measure.time"),
        ...series.map(({ name }) => name),
        ...before.map((_, place) => t("explore.before", { name: series[place]?.name })),
      ],
      rows: rows.map((row, place) => [
        formatPoint(row.point, answer.interval, language),
        ...series.map(({ key }) => valueAt(row, key)),
        ...before.map(({ points }) => points[place]?.[1] ?? null),
      ]),
    };
  };

  const sentence = (answer: ExploreAnswer): string => {
    const points = answer.series[0]?.points ?? [];
    const at = (place: number) => formatPoint(points.at(place)?.[0] ?? "", answer.interval, language);
    const lines = namesOf(answer, names)
      .slice(0, 5)
      .map((name, place) => `${name} ${shown(answer.series[place]?.total ?? null)}`)
      .join("; ");
    const open = answer.incomplete_from ? ` ${t("sentence.open")}` : "";
    // A Russian date ends with a full stop of its own.
    return `${t("explore.said", { from: at(0), to: at(-1), lines })}${open}`.replaceAll("..", ".");
  };

  return { sentence, table };
}

export const isNothing = (answer: ExploreAnswer) =>
  answer.series.length === 0 || answer.series.every(({ total, points }) => !total && points.every(([, one]) => !one));

/** The lines of a question in the wanted shape. */
export function ExploreDrawing(props: {
  answer: ExploreAnswer;
  asked: readonly NamedSeries[];
  kind: ChartKind;
  label: string;
  before?: string;
  marks?: readonly Mark[];
}) {
  const { t, language } = useTexts();
  const { answer, kind, label } = props;
  const names = useLineNames(props.asked);
  const figure = useExploreFigure(label, props.asked);
  const called = namesOf(answer, names);
  if (kind === "table") return <DataTable table={figure.table(answer)} caption={label} />;
  if (kind === "number") return <Numbers answer={answer} called={called} />;
  if (kind === "pie")
    return (
      <PieChart
        slices={answer.series
          .map(({ total, other }, place) => ({ name: called[place] as string, value: total ?? 0, other }))
          .filter(({ value }) => value > 0)}
        label={label}
        language={language}
      />
    );
  const drawing = linesOf(answer, names, kind !== "bar");
  const decimals = answer.series.some(({ points }) => points.some(([, one]) => one !== null && !Number.isInteger(one)));
  return (
    <>
      <div className="chart">
        <Suspense fallback={<div className="skeleton" />}>
          <TimeChart
            label={label}
            {...drawing}
            kind={kind}
            interval={answer.interval}
            language={language}
            before={props.before ?? t("measure.before")}
            unfinished={t("overview.unfinished")}
            total={t("measure.total")}
            stacked={stacks(answer)}
            decimals={decimals}
            marks={props.marks}
          />
        </Suspense>
      </div>
      <ul className="legend">
        {drawing.series.map(({ key, name, color }, place) => (
          <li key={key}>
            <i className="swatch" style={{ background: color }} />
            <bdi>{name}</bdi>
            <b>{totalOf(answer.series[place], language)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

const totalOf = (line: ExploreLine | undefined, language: string) =>
  line?.total === null || line === undefined ? "–" : formatNumber(line.total, language);

/** Each line's value of the whole range, with its change. */
function Numbers({ answer, called }: { answer: ExploreAnswer; called: readonly string[] }) {
  const { language } = useTexts();
  return (
    <dl className="numbers">
      {answer.series.map((line, place) => (
        <div key={called[place]}>
          <dt>
            <bdi>{called[place]}</bdi>
          </dt>
          <dd>
            <strong className="kpi-value">{totalOf(line, language)}</strong>
            {answer.compare ? (
              <Change value={line.total ?? 0} before={answer.compare.series[place]?.total ?? null} />
            ) : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A question's panel: its lines, said, as a table, as files. */
export function ExplorePanel(props: {
  title: string;
  file: string;
  query: UseQueryResult<ExploreAnswer>;
  asked: readonly NamedSeries[];
  kind: ChartKind;
  before?: string;
  marks?: readonly Mark[];
  actions?: ReactNode;
  empty?: ReactNode;
  className?: string;
}) {
  const { title, query, kind, asked } = props;
  const figure = useExploreFigure(props.file, asked);
  return (
    <Panel
      title={title}
      query={query}
      className={props.className ?? "series"}
      figure={{ ...figure, own: kind === "table" || kind === "number", quiet: kind === "number" }}
      actions={props.actions}
      isEmpty={isNothing}
      empty={props.empty}
    >
      {(answer) => (
        <ExploreDrawing
          answer={answer}
          asked={asked}
          kind={kind}
          label={title}
          before={props.before}
          marks={props.marks}
        />
      )}
    </Panel>
  );
}
