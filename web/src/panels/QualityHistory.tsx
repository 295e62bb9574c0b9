import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useApi } from "../api/client";
import { historyOf, type ScoresAnswer } from "../api/quality";
import { useTexts } from "../i18n";
import { formatDay, formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { Panel } from "./Panel";

const TimeChart = lazy(() => import("../charts/TimeChart"));
const DAYS = 60;

/** The score of each day, of the project or of one event. */
export function QualityHistory({ event }: { event: string }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const query = useQuery(historyOf(useApi(), project, event, DAYS));
  const name = event || t("quality.score");
  const number = (value: number) => formatNumber(value, language, { maximumFractionDigits: 1 });
  const sentence = ({ items }: ScoresAnswer) => {
    const [first, last] = [items[0], items[items.length - 1]];
    if (!first || !last) return "";
    return t("quality.historySaid", {
      first: formatDay(first.day, language),
      last: formatDay(last.day, language),
      least: number(Math.min(...items.map((one) => one.score))),
      now: number(last.score),
    });
  };
  return (
    <Panel
      title={event ? `${t("quality.history")}: ${event}` : t("quality.history")}
      query={query}
      isEmpty={({ items }) => items.length === 0}
      empty={
        <div className="empty">
          <p>{t("quality.historyNone")}</p>
        </div>
      }
      figure={{
        sentence,
        table: ({ items }) => ({
          name: "quality-history",
          columns: [t("events.time"), t("quality.score"), t("quality.volume")],
          rows: items.map((one) => [one.day, one.score, one.volume]),
        }),
      }}
    >
      {({ items }) => (
        <div className="chart quality-chart">
          <Suspense fallback={<div className="skeleton" />}>
            <TimeChart
              label={name}
              rows={items.map((one) => ({ point: one.day, score: one.score })) as never}
              series={[{ key: "score", name, color: "var(--c1)" }] as never}
              kind="line"
              interval="day"
              language={language}
              openFrom={items.length}
              before=""
              unfinished=""
              total={name}
              stacked={false}
              decimals
            />
          </Suspense>
        </div>
      )}
    </Panel>
  );
}
