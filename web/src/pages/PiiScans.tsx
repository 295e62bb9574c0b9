import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ScanSearch } from "lucide-react";
import { useApi } from "../api/client";
import { isOver, jobOf, type Page, SCANS, type ScanJob, startJob } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber, formatPercent } from "../i18n/format";
import { CancelJob, JobFacts, Moment, StateOf } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { PrivacyHead } from "../panels/PrivacyHead";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** A look through a sample of what is stored for what is likely personal data. */
export default function PiiScans() {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("pii.write");
  const [{ scan }, change] = useAsk((one) => ({ scan: textOf(one.scan) }));
  const { busy, error, submit } = useSubmit(async ({ days = "30", rows = "20000" }) => {
    const { id } = await startJob(api, project, SCANS, { days: Number(days), rows: Number(rows) });
    await client.invalidateQueries({ queryKey: [project, SCANS] });
    change({ scan: id });
  });
  return (
    <>
      <PrivacyHead about={t("jobs.scans.about")} />
      <div className="job-grid">
        <div className="stack">
          {scan ? <Report key={scan} id={scan} /> : null}
          <PagedPanel<ScanJob>
            title={t("jobs.scans.list")}
            queryKey={[project, SCANS]}
            ask={(cursor, signal) => api.call<Page<ScanJob>>(SCANS, { project, signal, query: { limit: 10, cursor } })}
            everyMs={4_000}
            className="free"
            tableClass="jobs-table"
            rowKey={(one) => one.id}
            empty={
              <div className="empty">
                <ScanSearch size={24} aria-hidden="true" />
                <p>{t("jobs.scans.none")}</p>
              </div>
            }
            columns={[
              {
                name: t("jobs.scans.one"),
                cell: (one) => (
                  <button type="button" className="row-button" onClick={() => change({ scan: one.id })}>
                    {formatMoment(one.created_at, timezone, language, true)}
                    <span className="under">{t("jobs.scans.days", { count: one.request.days })}</span>
                  </button>
                ),
              },
              { name: t("jobs.state"), cell: (one) => <StateOf job={one} /> },
              {
                name: t("jobs.scans.findings"),
                kind: "narrow",
                cell: (one) => (one.result ? formatNumber(one.result.findings.length, language) : "–"),
              },
              { name: t("jobs.asked"), kind: "wide", cell: (one) => <Moment at={one.created_at} /> },
            ]}
          />
        </div>
        {writes ? (
          <form className="panel padded side-panel" onSubmit={submit}>
            <h2>{t("jobs.scans.make")}</h2>
            <FormError error={error} />
            <Field
              label={t("jobs.scans.lastDays")}
              name="days"
              type="number"
              min={1}
              max={36_500}
              defaultValue={30}
              required
            />
            <Field
              label={t("jobs.scans.rows")}
              name="rows"
              type="number"
              min={1}
              max={200_000}
              defaultValue={20_000}
              required
              hint={t("jobs.scans.rowsHint")}
            />
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy ? t("form.busy") : t("jobs.scans.start")}
            </button>
          </form>
        ) : null}
      </div>
    </>
  );
}

/** What one scan found; a property no rule covers leads to one. */
function Report({ id }: { id: string }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const writes = useMay()("pii.write");
  const query = useQuery(jobOf<ScanJob>(useApi(), project, SCANS, id));
  const number = (value: number) => formatNumber(value, language);
  return (
    <Panel
      title={t("jobs.scans.report")}
      query={query}
      className="free"
      actions={
        query.data && writes && !isOver(query.data.state) ? (
          <CancelJob path={SCANS} id={id} about={t("jobs.scans.stopAbout")} />
        ) : null
      }
    >
      {(job) =>
        job.result ? (
          <div className="stack">
            <p className="faint">
              {t("jobs.scans.looked", {
                events: number(job.result.events),
                rejected: number(job.result.rejected),
              })}
            </p>
            {job.result.findings.length ? (
              <ListTable
                caption={t("jobs.scans.findings")}
                className="jobs-table"
                rows={job.result.findings}
                rowKey={({ property, kind }) => `${property} ${kind}`}
                columns={[
                  {
                    name: t("filter.property"),
                    cell: ({ property, examples }) => (
                      <>
                        <code className="event-name">{property}</code>
                        <bdi className="under">{examples.join(", ")}</bdi>
                      </>
                    ),
                  },
                  { name: t("jobs.scans.likely"), cell: ({ kind }) => t(`jobs.scans.kinds.${kind as "email"}`) },
                  {
                    name: t("jobs.scans.share"),
                    kind: "wide",
                    cell: ({ share, found }) => `${formatPercent(share, language)} (${number(found)})`,
                  },
                  {
                    name: t("jobs.rules.tab"),
                    kind: "narrow",
                    cell: ({ covered, property }) =>
                      covered ? (
                        <span className="state stored">{t("jobs.scans.covered")}</span>
                      ) : writes && property.startsWith("properties.") ? (
                        <Link
                          to="/p/$project/privacy/rules"
                          params={{ project }}
                          aria-label={`${t("jobs.rules.make")}: ${property}`}
                          search={
                            ((old: object) => ({
                              ...sharedOf(old),
                              ask: { property: property.slice("properties.".length) },
                            })) as never
                          }
                        >
                          {t("jobs.rules.make")}
                        </Link>
                      ) : null,
                  },
                ]}
              />
            ) : (
              <p className="notice">{t("jobs.scans.nothing")}</p>
            )}
          </div>
        ) : (
          <JobFacts job={job} />
        )
      }
    </Panel>
  );
}
