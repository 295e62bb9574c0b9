import { useQuery } from "@tanstack/react-query";
import { BarChart3, ChartArea, ChartLine } from "lucide-react";
import { useApi } from "../api/client";
import { timeseries } from "../api/queries";
import { useTexts } from "../i18n";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { Segmented } from "../ui/form";
import { marksOf, useNotes } from "./Notes";
import { Panel } from "./Panel";
import { SeriesChart, totalOf, useSeriesFigure } from "./SeriesChart";

/** Events over time, stacked by type. */
export function SeriesPanel() {
  const { t } = useTexts();
  const { view, change } = useView();
  const scope = useScope();
  const api = useApi();
  const query = useQuery(
    timeseries(api, scope, "count", { group_by: "event", limit: 7, compare: view.compare !== undefined }),
  );
  const kind = view.chart ?? "area";
  const title = t("overview.series");
  const notes = useNotes();
  const figure = useSeriesFigure("events-over-time", t("measure.count"));
  return (
    <Panel
      title={title}
      query={query}
      className="wide series"
      isEmpty={(answer) => totalOf(answer) === 0}
      figure={figure}
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
      {(answer) => (
        <SeriesChart
          answer={answer}
          label={title}
          all={t("measure.count")}
          kind={kind}
          before={t(`compare.${scope.comparison}`)}
          marks={marksOf(notes, answer.series[0]?.points.map(([point]) => point) ?? [])}
        />
      )}
    </Panel>
  );
}
