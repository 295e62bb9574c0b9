import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, Pencil, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  at,
  fileAt,
  type Report as Kept,
  REPORTS,
  type Run,
  type RunsAnswer,
  removeReport,
  reportOf,
  reportsOf,
  runReport,
} from "../api/reports";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { ReportFiles } from "../panels/ReportFiles";
import { useMay } from "../state/may";
import { whenOf } from "../state/reports";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import "../ui/reports.css";

/** One report: what it shows, when it comes and to whom, and what there was. */
export default function Report() {
  const { t } = useTexts();
  const { report: id } = useParams({ strict: false }) as { report: string };
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("reports.write");
  const query = useQuery(reportOf(api, project, id));
  const [removing, setRemoving] = useState(false);
  const runs = [project, REPORTS, id, "runs"];
  const now = useMutation({
    mutationFn: () => runReport(api, project, id),
    onSuccess: () => client.invalidateQueries({ queryKey: runs }),
  });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/reports" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("reports.nav.reports")}
        </Link>
      </p>
      <div className="controls">
        <h1>{query.data?.report.name ?? t("reports.one")}</h1>
        {writes && query.data ? (
          <div className="control-row">
            <button
              type="button"
              className="button primary"
              aria-busy={now.isPending}
              onClick={() => now.isPending || now.mutate()}
            >
              <Play size={16} aria-hidden="true" />
              {now.isPending ? t("form.busy") : t("reports.runNow")}
            </button>
            <Link
              to="/p/$project/reports/$report/edit"
              params={{ project, report: id }}
              search={sharedOf as never}
              className="button"
            >
              <Pencil size={16} aria-hidden="true" />
              {t("reports.edit")}
            </Link>
            <button
              type="button"
              className="icon-button"
              aria-label={t("reports.remove")}
              title={t("reports.remove")}
              onClick={() => setRemoving(true)}
            >
              <Trash2 size={16} aria-hidden="true" />
            </button>
          </div>
        ) : null}
      </div>
      <FormError error={now.error ?? undefined} />
      {now.isSuccess ? (
        <p className="notice" role="status">
          {now.data.problem ? `${t("reports.failedRun")}: ${now.data.problem.detail}` : t("reports.ran")}
        </p>
      ) : null}
      <div className="stack">
        <About query={query} />
        <Runs report={id} queryKey={runs} />
      </div>
      {removing && query.data ? (
        <Confirm
          title={t("reports.removeTitle", { name: query.data.report.name })}
          about={t("reports.removeAbout")}
          action={t("reports.remove")}
          run={async () => {
            await removeReport(api, project, id);
            await navigate({ to: "/p/$project/reports", params: { project }, search: sharedOf as never });
            void client.invalidateQueries({ queryKey: [project, REPORTS] });
          }}
          onClose={() => setRemoving(false)}
        />
      ) : null}
    </>
  );
}

function About({ query }: { query: ReturnType<typeof useQuery<Kept>> }) {
  const { t, language, chosen } = useTexts();
  const { project } = useScope();
  const builtIns = useQuery(reportsOf(useApi(), project, chosen)).data?.built_ins;
  return (
    <Panel title={t("reports.what")} query={query} className="free">
      {({ report, next_at }) => {
        const content =
          report.report === "custom"
            ? report.dashboard_id
              ? t("reports.aDashboard")
              : t("reports.parts", { count: report.parts.length })
            : (builtIns?.find(({ slug }) => slug === report.report)?.title ?? report.report);
        const to = [
          ...report.emails,
          ...(report.channels.length ? [t("reports.channelsCount", { count: report.channels.length })] : []),
        ];
        const facts: [string, string][] = [
          [t("reports.says"), content],
          [t("reports.comes"), whenOf(report, t)],
          ...(next_at
            ? [[t("reports.next"), formatMoment(next_at, report.timezone ?? "UTC", language, true)] as [string, string]]
            : []),
          [t("reports.goesTo"), to.join(", ") || t("reports.nobody")],
          ...(report.attach.length
            ? [
                [t("reports.attached"), report.attach.map((one) => t(`reports.formats.${one}`)).join(", ")] as [
                  string,
                  string,
                ],
              ]
            : []),
          [t("reports.inLanguage"), t(`reports.languages.${report.language}`)],
        ];
        return (
          <dl className="report-facts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
          </dl>
        );
      }}
    </Panel>
  );
}

function Runs({ report, queryKey }: { report: string; queryKey: string[] }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const moment = (one: Run) => formatMoment(one.due_at, one.report.timezone ?? timezone, language, true);
  return (
    <PagedPanel<Run>
      title={t("reports.runs")}
      queryKey={queryKey}
      ask={(cursor, signal) =>
        api.call<RunsAnswer>(`${at(report)}/runs`, { project, signal, query: { limit: 30, cursor } })
      }
      everyMs={30_000}
      rowKey={({ id }) => id}
      className="free"
      tableClass="reports-table runs-table"
      empty={<p className="empty">{t("reports.noRuns")}</p>}
      columns={[
        {
          name: t("reports.due"),
          cell: (one) => (
            <>
              <Link
                to="/p/$project/reports/$report/runs/$run"
                params={{ project, report, run: one.id }}
                search={sharedOf as never}
                aria-label={t("reports.openRun", { moment: moment(one) })}
              >
                {moment(one)}
              </Link>
              <span className="under">{t(`reports.by.${one.trigger}`)}</span>
            </>
          ),
        },
        {
          name: t("reports.state"),
          cell: (one) => (
            <>
              <span className={one.state === "completed" ? "state stored" : "state dropped"}>
                {t(`reports.states.${one.state}`)}
              </span>
              <span className="under">{one.problem ? one.problem.detail : one.sent ? t("reports.sent") : ""}</span>
            </>
          ),
        },
        {
          name: t("reports.download"),
          kind: "bare",
          cell: (one) =>
            one.files.length ? (
              <ReportFiles
                name={`${one.report.name} ${one.due_at.slice(0, 10)}`}
                label={`${t("reports.download")}: ${moment(one)}`}
                file={(format) => ({ path: fileAt(report, one.id, format) })}
              />
            ) : null,
        },
      ]}
    />
  );
}
