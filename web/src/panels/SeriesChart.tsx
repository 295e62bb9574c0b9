import { lazy, Suspense } from "react";
import type { TimeseriesAnswer } from "../api/client";
import { drawingOf, sumAt, valueAt } from "../charts/rows";
import type { Mark, TimeChartProps } from "../charts/TimeChart";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent, formatPoint } from "../i18n/format";

const TimeChart = lazy(() => import("../charts/TimeChart"));

/** What of a time series is drawn. */
export type SeriesAnswer = Pick<TimeseriesAnswer, "series" | "interval" | "incomplete_from" | "compare">;

export const totalOf = (answer: SeriesAnswer) => answer.series.reduce((sum, one) => sum + (one.total ?? 0), 0);

/** Says and lists what a chart of series shows: `all` is what all of it together is called, `what` it counts. */
export function useSeriesFigure(file: string, all: string, what: "events" | "refused" | "value" = "events") {
  const { t, language } = useTexts();
  const names = { all, other: t("overview.other"), none: t("overview.none") };

  const table = (answer: SeriesAnswer): Table => {
    const { rows, series } = drawingOf(answer, names, false);
    const several = series.length > 1;
    return {
      name: file,
      columns: [t("measure.time"), ...series.map(({ name }) => name), ...(several ? [t("measure.total")] : [])],
      rows: rows.map((row) => [
        formatPoint(row.point, answer.interval, language),
        ...series.map(({ key }) => valueAt(row, key)),
        ...(several ? [sumAt(row, series)] : []),
      ]),
    };
  };

  const sentence = (answer: SeriesAnswer): string => {
    const { rows, series, openFrom } = drawingOf(answer, names, false);
    const sum = totalOf(answer);
    const point = (place: number) => formatPoint(rows.at(place)?.point ?? "", answer.interval, language);
    const range = { from: point(0), to: point(-1) };
    if (!sum || !rows.length) return t(`sentence.empty.${what}`, range);
    const most = rows.reduce((best, row) => (sumAt(row, series) > sumAt(best, series) ? row : best));
    const largest = series.reduce((best, one) => (one.total > best.total ? one : best));
    return (
      [
        t(`sentence.${what}`, { count: sum, name: all, shown: formatNumber(sum, language), ...range }),
        t("sentence.peak", {
          value: formatNumber(sumAt(most, series), language),
          point: formatPoint(most.point, answer.interval, language),
        }),
        series.length > 1
          ? t("sentence.largest", { name: largest.name, share: formatPercent(largest.total / sum, language) })
          : "",
        openFrom < rows.length ? t("sentence.open") : "",
      ]
        .filter(Boolean)
        .join(" ")
        // A Russian date ends with a full stop of its own.
        .replaceAll("..", ".")
    );
  };

  return { sentence, table };
}

/** Series over time with their legend. */
export function SeriesChart(props: {
  answer: SeriesAnswer;
  label: string;
  all: string;
  kind: TimeChartProps["kind"];
  before?: string;
  marks?: readonly Mark[];
}) {
  const { t, language } = useTexts();
  const { answer, kind } = props;
  const names = { all: props.all, other: t("overview.other"), none: t("overview.none") };
  const drawing = drawingOf(answer, names, kind !== "bar");
  return (
    <>
      <div className="chart">
        <Suspense fallback={<div className="skeleton" />}>
          <TimeChart
            label={props.label}
            {...drawing}
            kind={kind}
            interval={answer.interval}
            language={language}
            before={props.before ?? t("measure.before")}
            unfinished={t("overview.unfinished")}
            total={t("measure.total")}
            marks={props.marks}
          />
        </Suspense>
      </div>
      <ul className="legend">
        {drawing.series.map(({ key, name, color, total }) => (
          <li key={key}>
            <i className="swatch" style={{ background: color }} />
            <bdi>{name}</bdi>
            <b>{formatNumber(total, language)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}
