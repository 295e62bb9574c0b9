import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { CircleCheck, CircleDashed, Download, LoaderCircle, Printer } from "lucide-react";
import { useApi } from "../api/client";
import { type Certificate, ERASURES, type ErasureJob, isOver, jobOf } from "../api/jobs";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { CertificateView } from "../panels/CertificateView";
import { CancelJob, Facts, JobFacts, JobHead } from "../panels/JobParts";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";

const STAGES = ["noted", "rows", "copies", "disk", "certified"] as const;
/** From which progress on an erasure is past each of them; functions/gdpr_delete notes it by its stage. */
const PAST = [0.3, 0.7, 0.8, 1, 1] as const;

/** One erasure: its stages while it runs, then its certificate. */
export default function Erasure() {
  const { t, language } = useTexts();
  const { erasure: id } = useParams({ from: "/inside/p/$project/privacy/erasures/$erasure" });
  const { project } = useScope();
  const erases = useMay()("persons.erase");
  const query = useQuery(jobOf<ErasureJob>(useApi(), project, ERASURES, id));
  const job = query.data;
  const certificate = job?.result?.certificate;
  return (
    <div className="certificate-page">
      <JobHead
        back={{ to: "/p/$project/privacy", text: t("jobs.erasures.tab") }}
        title={
          job
            ? t("jobs.erasures.one", { count: job.request.people, shown: formatNumber(job.request.people, language) })
            : t("jobs.erasures.tab")
        }
        job={job}
      >
        {job && erases && job.state === "queued" ? (
          <CancelJob path={ERASURES} id={id} about={t("jobs.erasures.stopAbout")} />
        ) : null}
        {certificate ? <Saving certificate={certificate} /> : null}
      </JobHead>
      <div className="job-grid">
        {certificate ? (
          <Panel title={t("jobs.certificate.title")} query={query} className="free">
            {() => <CertificateView certificate={certificate} />}
          </Panel>
        ) : (
          <Panel title={t("jobs.erasures.stages")} query={query} className="free">
            {(one) => <Stages job={one} />}
          </Panel>
        )}
        <div className="stack not-printed">
          <Panel title={t("jobs.course")} query={query} className="free">
            {(one) => <JobFacts job={one} />}
          </Panel>
          <Panel title={t("jobs.erasures.request")} query={query} className="free">
            {({ request }) => (
              <Facts
                facts={[
                  [t("jobs.erasures.how"), t(`jobs.erasures.modes.${request.mode ?? "erase"}`)],
                  [t("jobs.erasures.ids"), t(request.linked === false ? "jobs.erasures.alone" : "jobs.erasures.all")],
                  [t("jobs.reason"), request.reason || "–"],
                ]}
              />
            )}
          </Panel>
        </div>
      </div>
    </div>
  );
}

function Saving({ certificate }: { certificate: Certificate }) {
  const { t } = useTexts();
  const save = () =>
    download(
      `erasure-${certificate.erasure_id}.json`,
      new Blob([JSON.stringify(certificate, null, 2)], { type: "application/json" }),
    );
  return (
    <>
      <button type="button" className="button" onClick={() => print()}>
        <Printer size={16} aria-hidden="true" />
        {t("jobs.certificate.print")}
      </button>
      <button type="button" className="button primary" onClick={save}>
        <Download size={16} aria-hidden="true" />
        {t("jobs.certificate.download")}
      </button>
    </>
  );
}

function Stages({ job }: { job: ErasureJob }) {
  const { t } = useTexts();
  const at = job.state === "queued" ? -1 : PAST.findIndex((past) => job.progress < past);
  const over = isOver(job.state);
  return (
    <ol className="stages">
      {STAGES.map((stage, place) => {
        const done = job.state === "completed" || (at >= 0 && place < at);
        const now = !over && place === at;
        return (
          <li key={stage} className={done ? "done" : now ? "now" : undefined} aria-current={now ? "step" : undefined}>
            {done ? (
              <CircleCheck size={18} aria-hidden="true" />
            ) : now ? (
              <LoaderCircle size={18} aria-hidden="true" className="turning" />
            ) : (
              <CircleDashed size={18} aria-hidden="true" />
            )}
            <span>
              {t(`jobs.erasures.stage.${stage}`)}
              <span className="under">{t(`jobs.erasures.stageAbout.${stage}`)}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
