import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { ACCESS, type AccessJob, isOver, jobOf } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDay, formatMoment, formatNumber } from "../i18n/format";
import { CancelJob, Facts, FileTable, JobFacts, JobHead } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";

/** One access request: how far it is, the archive, and how much is in it. */
export default function AccessRequest() {
  const { t, language } = useTexts();
  const { request: id } = useParams({ from: "/inside/p/$project/privacy/access/$request" });
  const { project, timezone } = useScope();
  const asks = useMay()("persons.export");
  const query = useQuery(jobOf<AccessJob>(useApi(), project, ACCESS, id));
  const job = query.data;
  const moment = (at: string) => formatMoment(at, timezone, language, true);
  return (
    <>
      <JobHead
        back={{ to: "/p/$project/privacy/access", text: t("jobs.access.tab") }}
        title={t("jobs.access.one")}
        job={job}
      >
        {job && asks && !isOver(job.state) ? (
          <CancelJob path={ACCESS} id={id} about={t("jobs.access.stopAbout")} />
        ) : null}
      </JobHead>
      <div className="job-grid">
        <Panel
          title={t("jobs.access.archive")}
          query={query}
          className="free"
          isEmpty={(one) => one.result === null}
          empty={<p className="empty">{t(job && isOver(job.state) ? "jobs.noFiles" : "jobs.filesSoon")}</p>}
        >
          {({ result, expired_at }) =>
            result ? (
              <div className="stack">
                <p className={expired_at ? "notice warning" : "faint"}>
                  {expired_at
                    ? t("jobs.expiredOn", { day: formatDay(expired_at, language) })
                    : `${t("jobs.linksUntil", { time: result.links_expire_at ? moment(result.links_expire_at) : "–" })} ${t("jobs.access.kept")}`}
                </p>
                <FileTable caption={t("jobs.access.archive")} files={result.files} />
                <ListTable
                  caption={t("jobs.access.contents")}
                  rows={Object.entries(result.counts)}
                  rowKey={([file]) => file}
                  columns={[
                    { name: t("jobs.file"), cell: ([file]) => <code>{file}</code> },
                    { name: t("jobs.rows"), kind: "narrow", cell: ([, rows]) => formatNumber(rows, language) },
                  ]}
                />
                <p className="faint">{t("jobs.access.inside")}</p>
              </div>
            ) : null
          }
        </Panel>
        <div className="stack">
          <Panel title={t("jobs.course")} query={query} className="free">
            {(one) => <JobFacts job={one} />}
          </Panel>
          <Panel title={t("jobs.access.request")} query={query} className="free">
            {({ request, result }) => (
              <Facts
                facts={[
                  [t("jobs.access.person"), t("jobs.access.sealed")],
                  [t("jobs.erasures.ids"), result ? formatNumber(result.ids, language) : "–"],
                  [t("jobs.access.gathered"), result ? moment(result.gathered_at) : "–"],
                  [t("jobs.reason"), request.reason || "–"],
                ]}
              />
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}
