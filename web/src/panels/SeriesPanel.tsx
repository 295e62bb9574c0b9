import { useQuery } from "@tanstack/react-query";
import { BarChart3, ChartArea, ChartLine } from "lucide-react";
import { lazy, Suspense } from "react";
import { type TimeseriesAnswer, useApi } from "../api/client";
import { timeseries } from "../api/queries";
import { drawingOf, sumAt, valueAt } from "../charts/rows";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent, formatPoint } from "../i18n/format";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { Segmented } from "../ui/form";
import { Panel } from "./Panel";

const TimeChart = lazy(() => import("../charts/TimeChart"));

/** Events over time, stacked by type. */
export function SeriesPanel() {
  const { t, language } = useTexts();
  const { view, change } = useView();
  const scope = useScope();
  const api = useApi();
  const query = useQuery(
    timeseries(api, scope, "count", { group_by: "event", limit: 7, compare: view.compare !== undefined }),
  );
  const kind = view.chart ?? "area";
  const names = { all: t("measure.count"), other: t("overview.other"), none: t("overview.none") };
  const title = t("overview.series");
  const total = (answer: TimeseriesAnswer) => answer.series.reduce((sum, one) => sum + (one.total ?? 0), 0);

  const table = (answer: TimeseriesAnswer): Table => {
    const { rows, series } = drawingOf(answer, names, false);
    return {
      name: "events-over-time",
      columns: [t("measure.time"), ...series.map(({ name }) => name), t("measure.total")],
      rows: rows.map((row) => [
        formatPoint(row.point, answer.interval, language),
        ...series.map(({ key }) => valueAt(row, key)),
        sumAt(row, series),
      ]),
    };
  };

  const sentence = (answer: TimeseriesAnswer): string => {
    const { rows, series, openFrom } = drawingOf(answer, names, false);
    const all = total(answer);
    const point = (place: number) => formatPoint(rows.at(place)?.point ?? "", answer.interval, language);
    const range = { from: point(0), to: point(-1) };
    if (!all) return t("sentence.empty", range);
    const most = rows.reduce((best, row) => (sumAt(row, series) > sumAt(best, series) ? row : best));
    const largest = series.reduce((best, one) => (one.total > best.total ? one : best));
    return [
      t("sentence.series", { count: all, shown: formatNumber(all, language), ...range }),
      t("sentence.peak", {
        value: formatNumber(sumAt(most, series), language),
        point: formatPoint(most.point, answer.interval, language),
      }),
      series.length > 1
        ? t("sentence.largest", { name: largest.name, share: formatPercent(largest.total / all, language) })
        : "",
      openFrom < rows.length ? t("sentence.open") : "",
    ].join(" ");
  };

  return (
    <Panel
      title={title}
      query={query}
      className="wide series"
      isEmpty={(answer) => total(answer) === 0}
      figure={{ sentence, table }}
      actions={
        <Segmented
          label={t("overview.kind")}
          value={kind}
          options={[
            { value: "area", text: t("overview.area"), icon: <ChartArea size={16} aria-hidden="true" /> },
            { value: "line", text: t("overview.line"), icon: <ChartLine size={16} aria-hidden="true" /> },
            { value: "bar", text: t("overview.bar"), icon: <BarChart3 size={16} aria-hidden="true" /> },
          ]}
          onChange={(value) => change({ chart: value === "area" ? undefined : value })}
        />
      }
    >
      {(answer) => {
        const drawing = drawingOf(answer, names, kind !== "bar");
        return (
          <>
            <div className="chart">
              <Suspense fallback={<div className="skeleton" />}>
                <TimeChart
                  label={title}
                  {...drawing}
                  kind={kind}
                  interval={answer.interval}
                  language={language}
                  before={t(`compare.${scope.comparison}`)}
                  unfinished={t("overview.unfinished")}
                  total={t("measure.total")}
                />
              </Suspense>
            </div>
            <ul className="legend">
              {drawing.series.map(({ key, name, color, total: sum }) => (
                <li key={key}>
                  <i className="swatch" style={{ background: color }} />
                  <bdi>{name}</bdi>
                  <b>{formatNumber(sum, language)}</b>
                </li>
              ))}
            </ul>
          </>
        );
      }}
    </Panel>
  );
}
