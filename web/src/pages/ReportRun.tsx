import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft, Share2 } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { fileAt, resultOf, runOf } from "../api/reports";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { Panel } from "../panels/Panel";
import { ReportFiles } from "../panels/ReportFiles";
import { ReportSections } from "../panels/ReportSections";
import { ReportShares } from "../panels/ReportShares";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import "../ui/reports.css";

/** One run of a report, as it was made. */
export default function ReportRun() {
  const { t, language } = useTexts();
  const { report, run: id } = useParams({ strict: false }) as { report: string; run: string };
  const { project, timezone } = useScope();
  const api = useApi();
  const writes = useMay()("reports.write");
  const [sharing, setSharing] = useState(false);
  const run = useQuery(runOf(api, project, report, id));
  const made = run.data?.files.length ? run.data : undefined;
  const result = useQuery({ ...resultOf(api, project, report, id), enabled: made !== undefined });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/reports/$report" params={{ project, report }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("reports.backTo")}
        </Link>
      </p>
      <div className="controls">
        <div>
          <h1>{run.data?.report.name ?? t("reports.run")}</h1>
          {run.data ? (
            <p className="faint">
              {result.data ? `${result.data.days} · ` : ""}
              {formatMoment(run.data.due_at, run.data.report.timezone ?? timezone, language, true)}
            </p>
          ) : null}
        </div>
        {made ? (
          <div className="control-row">
            <ReportFiles name={made.report.name} file={(format) => ({ path: fileAt(report, id, format) })} />
            {writes ? (
              <button type="button" className="button" onClick={() => setSharing(true)}>
                <Share2 size={16} aria-hidden="true" />
                {t("reports.share")}
              </button>
            ) : null}
          </div>
        ) : null}
      </div>
      {result.data ? (
        <ReportSections result={result.data} />
      ) : (
        <Panel title={t("reports.run")} query={made ? (result as never) : run} className="free">
          {() => (
            <p className="notice report-problem">
              {t("reports.failedRun")}
              {run.data?.problem ? `: ${run.data.problem.detail}` : ""}
            </p>
          )}
        </Panel>
      )}
      {sharing && made ? <ReportShares run={made} onClose={() => setSharing(false)} /> : null}
    </>
  );
}
