import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { EXPORTS, type ExportJob as ExportOf, isOver, jobOf } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDay, formatMoment, formatNumber } from "../i18n/format";
import { useExportWords } from "../panels/ExportWords";
import { CancelJob, Facts, FileTable, JobFacts, JobHead, useBytes } from "../panels/JobParts";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";

/** One export: how far it is, its files while they are there, and what was asked for. */
export default function ExportJob() {
  const { t } = useTexts();
  const { export: id } = useParams({ from: "/inside/p/$project/exports/$export" });
  const { project } = useScope();
  const writes = useMay()("exports.write");
  const query = useQuery(jobOf<ExportOf>(useApi(), project, EXPORTS, id));
  const words = useExportWords();
  const job = query.data;
  return (
    <>
      <JobHead
        back={{ to: "/p/$project/exports", text: t("jobs.nav.exports") }}
        title={job ? t("jobs.exports.one", { range: words.range(job.request) }) : t("jobs.exports.title")}
        job={job}
      >
        {job && writes && !isOver(job.state) ? (
          <CancelJob path={EXPORTS} id={id} about={t("jobs.exports.stopAbout")} />
        ) : null}
      </JobHead>
      <div className="job-grid">
        <Panel
          title={t("jobs.files")}
          query={query}
          className="free"
          isEmpty={(one) => one.result === null}
          empty={<p className="empty">{t(job && isOver(job.state) ? "jobs.noFiles" : "jobs.filesSoon")}</p>}
        >
          {(one) => (one.result ? <Files job={one} /> : null)}
        </Panel>
        <div className="stack">
          <Panel title={t("jobs.course")} query={query} className="free">
            {(one) => <JobFacts job={one} />}
          </Panel>
          <Panel title={t("jobs.exports.request")} query={query} className="free">
            {(one) => <Request job={one} />}
          </Panel>
        </div>
      </div>
    </>
  );
}

function Files({ job }: { job: ExportOf }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const bytesOf = useBytes();
  const { result } = job;
  if (!result) return null;
  const days = job.request.keep_days;
  return (
    <div className="stack">
      <p className="big-number">
        <strong>{formatNumber(result.rows, language)}</strong>
        <span className="faint">{t("jobs.exports.rowsOf", { size: bytesOf(result.bytes) })}</span>
      </p>
      {result.stable ? null : <p className="notice warning">{t("jobs.exports.unstable")}</p>}
      {job.expired_at ? (
        <p className="notice warning">
          {t("jobs.expiredOn", { day: formatDay(job.expired_at, language) })} {t("jobs.exports.again")}
        </p>
      ) : (
        <p className="faint">
          {t("jobs.linksUntil", {
            time: result.links_expire_at ? formatMoment(result.links_expire_at, timezone, language, true) : "–",
          })}{" "}
          {days ? t("jobs.keptDays", { count: days }) : t("jobs.keptUsually")}
        </p>
      )}
      <FileTable caption={t("jobs.files")} files={[...result.files, result.manifest]} />
      <p className="faint">{t("jobs.exports.manifestAbout")}</p>
    </div>
  );
}

function Request({ job: { request } }: { job: ExportOf }) {
  const { t } = useTexts();
  const words = useExportWords();
  const told = Array.isArray(request.notify) ? request.notify : (request.notify?.emails ?? []);
  return (
    <Facts
      facts={[
        [t("jobs.exports.period"), words.range(request)],
        [t("timezone"), request.timezone ?? "UTC"],
        [t("jobs.exports.format"), words.format(request)],
        [t("jobs.exports.events"), <bdi key="events">{words.events(request)}</bdi>],
        [
          t("jobs.exports.columns"),
          request.columns?.length ? request.columns.join(", ") : t("jobs.exports.allColumns"),
        ],
        [t("jobs.exports.destination"), request.destination || t("jobs.exports.here")],
        [t("jobs.exports.notify"), told.length ? told.join(", ") : "–"],
      ]}
    />
  );
}
