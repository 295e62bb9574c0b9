import type { ReportResult, ReportSection } from "../api/reports";
import { BarList } from "../charts/BarList";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";
import { DataTable } from "./DataTable";
import { Panel } from "./Panel";
import { type SeriesAnswer, SeriesChart, useSeriesFigure } from "./SeriesChart";
import "../ui/explore.css";
import "../ui/reports.css";

/** A report on the screen: what its page, its mail and its files say as well. */
export function ReportSections({ result }: { result: ReportResult }) {
  return (
    <div className="stack report">
      {result.sections.map((section) => (
        <Section key={section.id} section={section} />
      ))}
    </div>
  );
}

function Section({ section }: { section: ReportSection }) {
  if (section.problem) return <Refused section={section} />;
  if (section.kind === "text") return <Text section={section} />;
  if (section.kind === "number") return <Numbers section={section} />;
  if (section.chart === "line" || section.chart === "area" || section.chart === "bar")
    return <Lines section={section} />;
  if (section.chart === "bars") return <Bars section={section} />;
  return <Rows section={section} />;
}

interface Shown {
  section: ReportSection;
}

/** What never asks anybody: the report is there. */
function still(section: ReportSection) {
  return { data: section, error: null, isPending: false, isFetching: false, refetch: async () => ({}) as never };
}

function Text({ section }: Shown) {
  return (
    <section className="report-text">
      {section.title ? <h2>{section.title}</h2> : null}
      {section.text ? <p>{section.text}</p> : null}
    </section>
  );
}

function Refused({ section }: Shown) {
  return (
    <section className="panel padded" aria-label={section.title || undefined}>
      {section.title ? <h2>{section.title}</h2> : null}
      <p className="notice report-problem">{section.problem?.detail}</p>
    </section>
  );
}

function Numbers({ section }: Shown) {
  const { language } = useTexts();
  const value = (given: number | null, kind: "number" | "share") =>
    given === null ? "–" : kind === "share" ? formatPercent(given, language) : formatNumber(given, language);
  return (
    <section className="panel padded" aria-label={section.title || undefined}>
      {section.title ? <h2>{section.title}</h2> : null}
      {section.text ? <p className="text">{section.text}</p> : null}
      <dl className="numbers">
        {section.numbers?.map((one) => (
          <div key={one.label}>
            <dt>{one.label}</dt>
            <dd>
              <strong className="kpi-value">{value(one.value, one.kind)}</strong>
              {one.change === null ? null : (
                <span className="report-change">
                  <b className={one.change < 0 ? "less" : "more"}>{formatPercent(one.change, language, true)}</b>{" "}
                  {one.compared}
                </span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Lines({ section }: Shown) {
  const { t } = useTexts();
  const only = section.lines?.length === 1 ? (section.lines[0]?.name ?? "") : t("measure.total");
  const figure = useSeriesFigure(section.id, only, "value");
  const title = section.title || only;
  // A week of a retention is no date: there is nothing to draw over time.
  if (!/^\d{4}-/.test(section.labels?.[0] ?? "")) return <Rows section={section} />;
  const shares = section.columns?.some(({ kind }) => kind === "share") ?? false;
  // People of a day do not add up: without a total none is shown.
  const totalled = section.lines?.every(({ total }) => typeof total === "number") ?? false;
  const answer = seriesOf(section);
  return (
    <Panel
      title={title}
      query={still(section)}
      className={totalled ? "series" : "series untotalled"}
      figure={{
        own: shares,
        quiet: shares || !totalled,
        sentence: () => (totalled && !shares ? figure.sentence(answer) : title),
        table: () => tableOf(section),
      }}
    >
      {() =>
        shares ? (
          <DataTable table={tableOf(section)} caption={title} />
        ) : (
          <SeriesChart
            answer={answer}
            label={title}
            all={only}
            kind={section.chart === "bar" ? "bar" : section.chart === "area" ? "area" : "line"}
          />
        )
      }
    </Panel>
  );
}

function Bars({ section }: Shown) {
  const { t, language } = useTexts();
  const [first, second, third] = section.columns ?? [];
  const names = (section.columns ?? []).findIndex(({ kind }) => kind === "number");
  const share = (section.columns ?? []).findIndex(({ kind }) => kind === "share");
  if (names < 1) return <Rows section={section} />;
  const title = section.title || first?.label || "";
  const last = (section.rows?.length ?? 0) - 1;
  const rows = (section.rows ?? []).map((row, place) => ({
    name: row.slice(0, names).filter(Boolean).join(" · "),
    value: Number(row[names] ?? 0),
    share: share < 0 ? null : ((row[share] as number | null) ?? null),
    rest: section.others === true && place === last,
  }));
  return (
    <Panel
      title={title}
      query={still(section)}
      figure={{
        own: true,
        quiet: true,
        sentence: () =>
          `${title}: ${rows
            .slice(0, 3)
            .map(({ name, value }) => `${name} ${formatNumber(value, language)}`)
            .join(", ")}.`,
        table: () => tableOf(section),
      }}
    >
      {() => (
        <BarList
          caption={title}
          columns={[
            first?.label ?? "",
            section.columns?.[names]?.label ?? second?.label ?? "",
            (share < 0 ? third?.label : section.columns?.[share]?.label) ?? t("measure.share"),
          ]}
          rows={rows}
          language={language}
        />
      )}
    </Panel>
  );
}

function Rows({ section }: Shown) {
  const title = section.title || section.columns?.[0]?.label || section.id;
  return (
    <Panel
      title={title}
      query={still(section)}
      isEmpty={(one) => !one.rows?.length}
      empty={<p className="empty">{section.note}</p>}
      figure={{ own: true, quiet: true, sentence: () => title, table: () => tableOf(section) }}
    >
      {() => <DataTable table={tableOf(section)} caption={title} />}
    </Panel>
  );
}

function tableOf(section: ReportSection): Table {
  const columns = section.columns ?? [];
  return {
    name: section.id,
    columns: columns.map(({ label }) => label),
    rows: section.rows ?? [],
    shares: columns.flatMap(({ kind }, place) => (kind === "share" || kind === "change" ? [place] : [])),
  };
}

/** The lines as the app's charts take them. */
function seriesOf(section: ReportSection): SeriesAnswer {
  const labels = section.labels ?? [];
  const first = labels[0] ?? "";
  const interval = first.length === 7 ? "month" : first.length > 10 ? "hour" : "day";
  const point = (label: string) => (label.length === 7 ? `${label}-01` : label.replace(" ", "T"));
  const several = (section.lines?.length ?? 0) > 1;
  return {
    interval,
    incomplete_from: null,
    compare: null,
    series: (section.lines ?? []).map(({ name, values, other, total }) => ({
      key: several ? name : null,
      other,
      total: total ?? 0,
      points: labels.map((label, place): [string, number | null] => [point(label), values[place] ?? null]),
    })),
  };
}
