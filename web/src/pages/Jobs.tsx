import { Link } from "@tanstack/react-router";
import { ListChecks } from "lucide-react";
import { useApi } from "../api/client";
import { type AnyJob, JOB_STATES, type Page } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDuration } from "../i18n/format";
import { Moment, StateOf } from "../panels/JobParts";
import { PagedPanel } from "../panels/PagedPanel";
import { useAsk } from "../state/ask";
import { oneOf } from "../state/asked";
import { type Action, useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";

const KINDS = ["export", "erasure", "access_request", "retention", "pii_scan", "replay"] as const;
type Kind = (typeof KINDS)[number];
/** Who sees jobs of a kind; the server leaves the others out. */
const NEEDS: Record<Kind, Action> = {
  export: "exports.read",
  erasure: "persons.erase",
  access_request: "persons.export",
  retention: "retention.write",
  pii_scan: "pii.write",
  replay: "events.replay",
};

/** Everything the project had done for it in the background, whatever it is: what runs, what ran, who asked. */
export default function Jobs() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const may = useMay();
  const [{ kind, state }, change] = useAsk((one) => ({
    kind: oneOf(["", ...KINDS], one.kind, ""),
    state: oneOf(["", ...JOB_STATES], one.state, ""),
  }));
  return (
    <>
      <div className="controls">
        <h1>{t("jobs.nav.jobs")}</h1>
      </div>
      <p className="about">{t("jobs.list.about")}</p>
      <PagedPanel<AnyJob>
        title={t("jobs.list.title")}
        queryKey={[project, "jobs", kind, state]}
        ask={(cursor, signal) =>
          api.call<Page<AnyJob>>("/api/v1/jobs", { project, signal, query: { limit: 50, cursor, kind, state } })
        }
        everyMs={4_000}
        className="free"
        tableClass="jobs-table"
        rowKey={(one) => one.id}
        actions={
          <>
            <select
              className="small-select"
              aria-label={t("jobs.kind")}
              value={kind}
              onChange={(event) => change({ kind: event.target.value as typeof kind })}
            >
              <option value="">{t("jobs.list.everyKind")}</option>
              {KINDS.filter((one) => may(NEEDS[one])).map((one) => (
                <option key={one} value={one}>
                  {t(`jobs.kinds.${one}`)}
                </option>
              ))}
            </select>
            <select
              className="small-select"
              aria-label={t("jobs.state")}
              value={state}
              onChange={(event) => change({ state: event.target.value as typeof state })}
            >
              <option value="">{t("jobs.list.everyState")}</option>
              {JOB_STATES.map((one) => (
                <option key={one} value={one}>
                  {t(`jobs.states.${one}`)}
                </option>
              ))}
            </select>
          </>
        }
        empty={
          <div className="empty">
            <ListChecks size={24} aria-hidden="true" />
            <p>{t(kind || state ? "jobs.list.noneLike" : "jobs.list.none")}</p>
          </div>
        }
        columns={[
          {
            name: t("jobs.kind"),
            cell: (one) => (
              <>
                <JobLink job={one} />
                {one.error ? <bdi className="under">{one.error.detail}</bdi> : null}
              </>
            ),
          },
          { name: t("jobs.state"), cell: (one) => <StateOf job={one} /> },
          {
            name: t("jobs.list.who"),
            kind: "wide",
            cell: ({ asked_by: who }) =>
              who ? (
                <>
                  <bdi>{who.name ?? t("jobs.list.gone")}</bdi>
                  <span className="under">{t(`jobs.list.askers.${who.kind}`)}</span>
                </>
              ) : (
                t("jobs.list.itself")
              ),
          },
          {
            name: t("jobs.took"),
            kind: "wide",
            cell: (one) =>
              one.started_at && one.finished_at
                ? formatDuration((Date.parse(one.finished_at) - Date.parse(one.started_at)) / 1000, language)
                : "–",
          },
          { name: t("jobs.asked"), kind: "narrow", cell: (one) => <Moment at={one.created_at} /> },
        ]}
      />
    </>
  );
}

/** What it is, as a link to its own page. */
function JobLink({ job: { id, kind } }: { job: AnyJob }) {
  const { t } = useTexts();
  const { project } = useScope();
  const common = { search: sharedOf as never, className: "event-name", children: t(`jobs.kinds.${kind}`) };
  switch (kind) {
    case "export":
      return <Link to="/p/$project/exports/$export" params={{ project, export: id }} {...common} />;
    case "erasure":
      return <Link to="/p/$project/privacy/erasures/$erasure" params={{ project, erasure: id }} {...common} />;
    case "access_request":
      return <Link to="/p/$project/privacy/access/$request" params={{ project, request: id }} {...common} />;
    case "retention":
      return <Link to="/p/$project/data-retention" params={{ project }} {...common} />;
    case "pii_scan":
      return (
        <Link
          to="/p/$project/privacy/scans"
          params={{ project }}
          {...common}
          search={((old: object) => ({ ...sharedOf(old), ask: { scan: id } })) as never}
        />
      );
    case "replay":
      return <Link to="/p/$project/rejected/replay" params={{ project }} {...common} />;
  }
}
