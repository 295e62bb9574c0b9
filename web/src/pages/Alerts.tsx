import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { type Alert, alertsPage, pauseAlert, removeAlert } from "../api/alerts";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { Standing } from "../panels/AlertParts";
import { useAlertWords } from "../panels/AlertWords";
import { SeverityMark } from "../panels/IncidentParts";
import { PagedPanel } from "../panels/PagedPanel";
import { TEMPLATES } from "../state/alerts";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf, type View } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import "../ui/alerts.css";

/** The alert rules of the project and where each stands. */
export default function Alerts() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("alerts.write");
  const words = useAlertWords();
  const [removing, setRemoving] = useState<Alert>();
  const [error, setError] = useState<Error>();
  const anew = () => client.invalidateQueries({ queryKey: [project, "alerts"] });
  const pause = (one: Alert) => {
    setError(undefined);
    pauseAlert(api, project, one.id, !one.paused).then(anew, setError);
  };
  return (
    <>
      <div className="controls">
        <h1>{t("alerts.nav.alerts")}</h1>
        {writes ? (
          <Link to="/p/$project/alerts/new" params={{ project }} search={sharedOf as never} className="button primary">
            <Plus size={16} aria-hidden="true" />
            {t("alerts.rules.make")}
          </Link>
        ) : null}
      </div>
      <p className="about">{t("alerts.rules.about")}</p>
      <FormError error={error} />
      <PagedPanel<Alert>
        title={t("alerts.rules.list")}
        queryKey={[project, "alerts", "list"]}
        ask={(cursor, signal) => alertsPage(api, project, cursor, signal)}
        everyMs={15_000}
        className="short"
        tableClass="alerts-table alert-rules"
        rowKey={({ id }) => id}
        empty={<None writes={writes} />}
        columns={[
          {
            name: t("alerts.rules.one"),
            cell: (one) => (
              <>
                <Link
                  to="/p/$project/alerts/$alert"
                  params={{ project, alert: one.id }}
                  search={sharedOf as never}
                  className="event-name"
                >
                  <bdi>{one.rule.name}</bdi>
                </Link>
                <span className="under">{words.condition(one.rule)}</span>
                <SeverityMark severity={one.rule.severity} phone />
              </>
            ),
          },
          {
            name: t("alerts.incidents.severity"),
            kind: "wide",
            cell: (one) => <SeverityMark severity={one.rule.severity} />,
          },
          {
            name: t("alerts.incidents.state"),
            cell: (one) => (
              <>
                <Standing alert={one} />
                {one.incident ? (
                  <Link
                    to="/p/$project/incidents/$incident"
                    params={{ project, incident: one.incident.id }}
                    search={sharedOf as never}
                    className="link under"
                    aria-label={`${t("alerts.incidents.one")}: ${one.rule.name}`}
                  >
                    {t("alerts.incidents.one")}
                  </Link>
                ) : null}
              </>
            ),
          },
          { name: t("alerts.incidents.window"), kind: "wide", cell: (one) => words.length(one.rule.window) },
          {
            name: t("alerts.rules.last"),
            kind: "wide",
            cell: (one) =>
              one.rule.query.group_by
                ? t("alerts.rules.groupsFire", { count: one.value ?? 0 })
                : words.number(one.value, one.rule.condition),
          },
          ...(writes
            ? [
                {
                  name: t("alerts.rules.deeds"),
                  kind: "bare" as const,
                  cell: (one: Alert) => (
                    <span className="alert-deeds">
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t(one.paused ? "alerts.rules.resume" : "alerts.rules.pause")}: ${one.rule.name}`}
                        onClick={() => pause(one)}
                      >
                        {t(one.paused ? "alerts.rules.resume" : "alerts.rules.pause")}
                      </button>
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("alerts.rules.remove")}: ${one.rule.name}`}
                        onClick={() => setRemoving(one)}
                      >
                        {t("alerts.rules.remove")}
                      </button>
                    </span>
                  ),
                },
              ]
            : []),
        ]}
      />
      {removing ? (
        <Confirm
          title={t("alerts.rules.removeTitle", { name: removing.rule.name })}
          about={t("alerts.rules.removeAbout")}
          action={t("alerts.rules.remove")}
          run={async () => {
            await removeAlert(api, project, removing.id);
            await anew();
          }}
          onClose={() => setRemoving(undefined)}
        />
      ) : null}
    </>
  );
}

/** No rule yet: what one is good for, and three to begin with. */
function None({ writes }: { writes: boolean }) {
  const { t } = useTexts();
  const { project } = useScope();
  return (
    <div className="alerts-none">
      <p>{t(writes ? "alerts.rules.none" : "alerts.rules.noneToRead")}</p>
      {writes ? (
        <ul>
          {TEMPLATES.map((template) => (
            <li key={template}>
              <Link
                to="/p/$project/alerts/new"
                params={{ project }}
                search={((view: View) => ({ ...sharedOf(view), ask: { template } })) as never}
              >
                <b>{t(`alerts.rules.templates.${template}`)}</b>
                <span>{t(`alerts.rules.templateAbouts.${template}`)}</span>
              </Link>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
