import { Link } from "@tanstack/react-router";
import { ShieldCheck } from "lucide-react";
import { useApi } from "../api/client";
import { type Incident, incidentsPage, SEVERITIES } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { Held, IncidentState, SeverityMark } from "../panels/IncidentParts";
import { PagedPanel } from "../panels/PagedPanel";
import { useAsk } from "../state/ask";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Segmented } from "../ui/form";
import "../ui/alerts.css";

const SHOWN = ["unresolved", "resolved", "all"] as const;

/** What alert rules found: what is open, who has taken it on, and what is over. */
export default function Incidents() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const now = useNow(30_000);
  const [{ shown, severity }, change] = useAsk((asked) => ({
    shown: SHOWN.find((one) => one === asked.shown) ?? "unresolved",
    severity: SEVERITIES.find((one) => one === asked.severity) ?? "",
  }));
  const asked = { state: shown === "all" ? "" : shown, severity };
  return (
    <>
      <div className="controls">
        <h1>{t("alerts.nav.incidents")}</h1>
        <div className="control-row">
          <Segmented
            label={t("alerts.incidents.show")}
            value={shown}
            options={SHOWN.map((value) => ({ value, text: t(`alerts.incidents.shown.${value}`) }))}
            onChange={(next) => change({ shown: next })}
          />
          <select
            className="small-select"
            aria-label={t("alerts.incidents.severity")}
            value={severity}
            onChange={(event) => change({ severity: SEVERITIES.find((one) => one === event.target.value) ?? "" })}
          >
            <option value="">{t("alerts.incidents.anySeverity")}</option>
            {SEVERITIES.map((one) => (
              <option key={one} value={one}>
                {t(`alerts.severity.${one}`)}
              </option>
            ))}
          </select>
        </div>
      </div>
      <p className="about">{t("alerts.incidents.about")}</p>
      <PagedPanel<Incident>
        title={t("alerts.incidents.list")}
        queryKey={[project, "incidents", "list", asked]}
        ask={(cursor, signal) => incidentsPage(api, project, asked, cursor, signal)}
        everyMs={15_000}
        className="short"
        tableClass="alerts-table"
        rowKey={({ id }) => id}
        empty={
          <div className="empty">
            <ShieldCheck size={24} aria-hidden="true" />
            <p>{shown === "unresolved" && !severity ? t("alerts.incidents.none") : t("alerts.incidents.noneThen")}</p>
          </div>
        }
        columns={[
          {
            name: t("alerts.incidents.one"),
            cell: (one) => (
              <>
                <Link
                  to="/p/$project/incidents/$incident"
                  params={{ project, incident: one.id }}
                  search={sharedOf as never}
                  className="event-name"
                >
                  <bdi>{one.name}</bdi>
                  {one.group ? <bdi> · {one.group}</bdi> : null}
                </Link>
                <span className="under">{one.condition}</span>
                <SeverityMark severity={one.severity} phone />
              </>
            ),
          },
          {
            name: t("alerts.incidents.severity"),
            kind: "wide",
            cell: (one) => <SeverityMark severity={one.severity} />,
          },
          {
            name: t("alerts.incidents.state"),
            cell: (one) => (
              <>
                <IncidentState state={one.state} />
                <span className="under">
                  {one.state === "acknowledged" ? (
                    t("alerts.incidents.by", { who: one.acknowledged_by })
                  ) : (
                    <Held incident={one} />
                  )}
                </span>
              </>
            ),
          },
          {
            name: t("alerts.incidents.opened"),
            kind: "narrow",
            cell: (one) => formatAgo(one.opened_at, now, language),
          },
        ]}
      />
    </>
  );
}
