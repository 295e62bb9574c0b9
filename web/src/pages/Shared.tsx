import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { type BreakdownAnswer, type CountAnswer, type TimeseriesAnswer, useApi } from "../api/client";
import { type SharedWidget, sharedDashboard, sharedWidget } from "../api/shared";
import { BarList } from "../charts/BarList";
import { PieChart } from "../charts/PieChart";
import { useTexts } from "../i18n";
import { formatAgo, formatNumber } from "../i18n/format";
import { Panel, sentenceOf } from "../panels/Panel";
import { SeriesChart, totalOf, useSeriesFigure } from "../panels/SeriesChart";
import { useNow } from "../state/now";
import { Logo } from "../ui/Logo";

/** A dashboard behind a link: what somebody shared of it, for whoever has the link, and nothing to change. */
export default function Shared() {
  const { t, language } = useTexts();
  const { token } = useParams({ from: "/shared/$token" });
  const { data, error } = useQuery(sharedDashboard(useApi(), token));
  const now = useNow(60_000);
  useEffect(() => {
    if (data) document.title = `${data.name} – Sluice`;
  }, [data]);
  return (
    <main className="shared" id="content">
      <header className="shared-head">
        <span className="brand">
          <Logo />
          <span>Sluice</span>
        </span>
        {data ? (
          <span className="faint">{t("shared.changed", { ago: formatAgo(data.updated_at, now, language) })}</span>
        ) : null}
      </header>
      {error && !data ? (
        <div className="blank" role="alert">
          <h1>{t("shared.closed")}</h1>
          <p>{sentenceOf(error, t)}</p>
        </div>
      ) : data ? (
        <>
          <div className="controls">
            <h1>
              <bdi>{data.name}</bdi>
            </h1>
          </div>
          {data.description ? <p className="about">{data.description}</p> : null}
          {data.widgets.length ? (
            <div className="grid">
              {data.widgets.map((widget) => (
                <Widget key={widget.id} token={token} widget={widget} />
              ))}
            </div>
          ) : (
            <p className="empty">{t("shared.nothing")}</p>
          )}
        </>
      ) : (
        <div className="blank" role="status" aria-label={t("panel.loading")} />
      )}
    </main>
  );
}

interface Shown {
  token: string;
  widget: SharedWidget;
}

function Widget({ token, widget }: Shown) {
  const { t } = useTexts();
  if (widget.kind === "timeseries") return <Series token={token} widget={widget} />;
  if (widget.kind === "breakdown") return <Breakdown token={token} widget={widget} />;
  if (widget.kind === "count") return <Count token={token} widget={widget} />;
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

function Series({ token, widget }: Shown) {
  const { t } = useTexts();
  const query = useQuery(sharedWidget<TimeseriesAnswer>(useApi(), token, widget));
  const all = t("measure.total");
  const figure = useSeriesFigure(widget.id, all);
  const kind = widget.chart === "bar" || widget.chart === "line" ? widget.chart : "area";
  const title = widget.title || t("overview.series");
  return (
    <Panel
      title={title}
      query={query}
      className="wide"
      figure={figure}
      isEmpty={(answer) => totalOf(answer) === 0}
      empty={<p className="empty">{t("panel.empty.range")}</p>}
    >
      {(answer) => <SeriesChart answer={answer} label={title} all={all} kind={kind} />}
    </Panel>
  );
}

function Breakdown({ token, widget }: Shown) {
  const { t, language } = useTexts();
  const query = useQuery(sharedWidget<BreakdownAnswer>(useApi(), token, widget));
  const title = widget.title || t("overview.byType");
  const rowsOf = (answer: BreakdownAnswer) => [
    ...answer.rows.map(({ key, value, share }) => ({
      name: Array.isArray(key) ? key.map((one) => one ?? t("overview.none")).join(" · ") : (key ?? t("overview.none")),
      value: value ?? 0,
      share: share ?? null,
    })),
    ...(answer.other ? [{ name: t("overview.other"), value: answer.other, share: null, rest: true }] : []),
  ];
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => answer.rows.length === 0}
      empty={<p className="empty">{t("panel.empty.range")}</p>}
      figure={{
        own: widget.chart !== "pie",
        quiet: true,
        sentence: (answer) =>
          rowsOf(answer)
            .slice(0, 3)
            .map(({ name, value }) => `${name} ${formatNumber(value, language)}`)
            .join(", "),
        table: (answer) => ({
          name: widget.id,
          columns: [title, t("measure.total"), t("measure.share")],
          rows: rowsOf(answer).map(({ name, value, share }) => [String(name), value, share]),
        }),
      }}
    >
      {(answer) =>
        widget.chart === "pie" ? (
          <PieChart
            slices={rowsOf(answer).map((row) => ({ ...row, name: String(row.name), other: "rest" in row }))}
            label={title}
            language={language}
          />
        ) : (
          <BarList
            caption={title}
            columns={[t("measure.value"), t("measure.total"), t("measure.share")]}
            rows={rowsOf(answer).map((row) => ({ ...row, name: String(row.name) }))}
            language={language}
          />
        )
      }
    </Panel>
  );
}

function Count({ token, widget }: Shown) {
  const { t, language } = useTexts();
  const query = useQuery(sharedWidget<CountAnswer>(useApi(), token, widget));
  return (
    <Panel title={widget.title || t("measure.total")} query={query} className="kpi">
      {(answer) => (
        <div className="kpi-row">
          <strong className="kpi-value">{answer.value === null ? "–" : formatNumber(answer.value, language)}</strong>
        </div>
      )}
    </Panel>
  );
}
