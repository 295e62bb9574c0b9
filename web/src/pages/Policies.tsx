import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellRing, Plus } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { policiesOf, removePolicy, type SavedPolicy } from "../api/incidents";
import { useTexts } from "../i18n";
import { ListTable } from "../panels/ListTable";
import { Maintenance } from "../panels/Maintenance";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { daysOf } from "../state/policy";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Confirm } from "../ui/Confirm";
import "../ui/alerts.css";

/** Who is told of incidents, and when nobody is: policies and maintenance windows. */
export default function Policies() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("alerts.write");
  const query = useQuery(policiesOf(api, project));
  const [removing, setRemoving] = useState<SavedPolicy>();
  const quiet = ({ policy: { quiet_hours } }: SavedPolicy) =>
    quiet_hours
      ? quiet_hours.spans
          .map(
            ({ days = [], from, to }) => `${daysOf(days, (day) => t(`alerts.policies.weekday.${day}`))} ${from}–${to}`,
          )
          .join("; ")
      : t("alerts.policies.noQuiet");
  return (
    <>
      <div className="controls">
        <h1>{t("alerts.nav.policies")}</h1>
        {writes ? (
          <Link
            to="/p/$project/policies/new"
            params={{ project }}
            search={sharedOf as never}
            className="button primary"
          >
            <Plus size={16} aria-hidden="true" />
            {t("alerts.policies.make")}
          </Link>
        ) : null}
      </div>
      <p className="about">{t("alerts.policies.about")}</p>
      <div className="stack">
        <Panel
          title={t("alerts.policies.list")}
          query={query}
          className="short"
          isEmpty={(policies) => policies.length === 0}
          empty={
            <div className="empty">
              <BellRing size={24} aria-hidden="true" />
              <p>{t("alerts.policies.none")}</p>
            </div>
          }
        >
          {(policies) => (
            <ListTable
              caption={t("alerts.policies.list")}
              className="alerts-table"
              rows={policies}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("alerts.policies.name"),
                  cell: (one) => (
                    <>
                      <Link
                        to="/p/$project/policies/$policy"
                        params={{ project, policy: one.id }}
                        search={sharedOf as never}
                        className="event-name"
                      >
                        <bdi>{one.policy.name}</bdi>
                      </Link>
                      <span className="under">
                        {t("alerts.policies.stepsSaid", { count: one.policy.steps.length })}
                      </span>
                    </>
                  ),
                },
                { name: t("alerts.policies.quiet"), cell: quiet },
                {
                  name: t("alerts.policies.remove"),
                  kind: "bare",
                  cell: (one) =>
                    writes ? (
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("alerts.policies.remove")}: ${one.policy.name}`}
                        onClick={() => setRemoving(one)}
                      >
                        {t("alerts.policies.remove")}
                      </button>
                    ) : null,
                },
              ]}
            />
          )}
        </Panel>
        <Maintenance />
      </div>
      {removing ? (
        <Confirm
          title={t("alerts.policies.removeTitle", { name: removing.policy.name })}
          about={t("alerts.policies.removeAbout")}
          action={t("alerts.policies.remove")}
          run={async () => {
            await removePolicy(api, project, removing.id);
            await client.invalidateQueries({ queryKey: [project, "policies"], exact: true });
          }}
          onClose={() => setRemoving(undefined)}
        />
      ) : null}
    </>
  );
}
