import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type Act, act, type Detail, type Incident as Found, incidentOf, policiesOf } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Held, IncidentState, SeverityMark } from "../panels/IncidentParts";
import { IncidentTimeline } from "../panels/IncidentTimeline";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Select, TextArea } from "../ui/form";
import "../ui/alerts.css";

const LENGTHS = ["30m", "2h", "8h", "1d", "7d"] as const;
type Asking = Exclude<Act, "comment">;

/** One incident: what it is, what happened to it, and what there is to do. */
export default function Incident() {
  const { t } = useTexts();
  const { incident: id } = useParams({ from: "/inside/p/$project/incidents/$incident" });
  const { project } = useScope();
  const query = useQuery(incidentOf(useApi(), project, id));
  const incident = query.data?.incident;
  const [asking, setAsking] = useState<Asking>();
  const writes = useMay()("alerts.write");
  const deeds: Asking[] = incident?.state === "open" ? ["acknowledge", "snooze", "resolve"] : ["snooze", "resolve"];
  return (
    <>
      <p className="back">
        <Link to="/p/$project/incidents" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("alerts.nav.incidents")}
        </Link>
      </p>
      <div className="controls">
        <h1>
          {incident ? <bdi>{incident.name}</bdi> : t("alerts.incidents.one")}
          {incident?.group ? <bdi> · {incident.group}</bdi> : null}
        </h1>
        {incident && incident.state !== "resolved" && writes ? (
          <div className="control-row">
            {deeds.map((deed, place) => (
              <button
                key={deed}
                type="button"
                className={place ? "button" : "button primary"}
                onClick={() => setAsking(deed)}
              >
                {t(`alerts.incidents.${deed}`)}
              </button>
            ))}
          </div>
        ) : null}
      </div>
      <div className="grid halves incident-page">
        <Panel title={t("alerts.incidents.what")} query={query} className="short">
          {({ incident: found }: Detail) => <About incident={found} />}
        </Panel>
        <Panel title={t("alerts.incidents.timeline")} query={query} className="short">
          {({ timeline }: Detail) => (
            <>
              <IncidentTimeline steps={timeline} />
              {writes ? <Comment id={id} /> : null}
            </>
          )}
        </Panel>
      </div>
      {asking ? <Ask id={id} what={asking} onClose={() => setAsking(undefined)} /> : null}
    </>
  );
}

function About({ incident }: { incident: Found }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const policies = useQuery({ ...policiesOf(useApi(), project), enabled: incident.policy_id !== null }).data;
  const policy = policies?.find(({ id }) => id === incident.policy_id);
  const moment = (at: string) => formatMoment(at, timezone, language, true);
  const number = (value: number | null) => (value === null ? null : formatNumber(value, language));
  const facts: [string, string | null][] = [
    [t("alerts.incidents.condition"), incident.condition],
    [t("alerts.incidents.value"), number(incident.value)],
    [t("alerts.incidents.threshold"), number(incident.threshold)],
    [t("alerts.incidents.window"), incident.window],
    [t("alerts.incidents.since"), moment(incident.opened_at)],
    [t("alerts.incidents.over"), incident.resolved_at && moment(incident.resolved_at)],
  ];
  return (
    <div className="stack">
      <p className="tags">
        <SeverityMark severity={incident.severity} />
        <IncidentState state={incident.state} />
        {incident.state === "acknowledged" ? (
          <span className="faint">{t("alerts.incidents.by", { who: incident.acknowledged_by })}</span>
        ) : null}
      </p>
      <p className="faint incident-held">
        <Held incident={incident} />
      </p>
      {incident.in_maintenance ? <p className="faint">{t("alerts.incidents.inMaintenance")}</p> : null}
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        {policy ? (
          <div>
            <dt>{t("alerts.incidents.policy")}</dt>
            <dd>
              <Link
                to="/p/$project/policies/$policy"
                params={{ project, policy: policy.id }}
                search={sharedOf as never}
                className="link"
              >
                <bdi>{policy.policy.name}</bdi>
              </Link>
            </dd>
          </div>
        ) : null}
      </dl>
    </div>
  );
}

/** Takes over what the server answered: the page shows it without asking anew. */
function useDone(id: string) {
  const { project } = useScope();
  const client = useQueryClient();
  return (detail: Detail) => {
    client.setQueryData<Detail>([project, "incidents", id], detail);
    void client.invalidateQueries({ queryKey: [project, "incidents", "list"] });
  };
}

function Ask({ id, what, onClose }: { id: string; what: Asking; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const done = useDone(id);
  const { busy, error, submit } = useSubmit(async ({ note = "", length = "2h" }) => {
    done(await act(api, project, id, what, what === "snooze" ? { for: length, note } : { note }));
    onClose();
  });
  return (
    <Dialog title={t(`alerts.incidents.${what}`)} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <p>{t(`alerts.incidents.abouts.${what}`)}</p>
        {what === "snooze" ? (
          <Select
            label={t("alerts.incidents.forHow")}
            name="length"
            defaultValue="2h"
            options={LENGTHS.map((value) => ({ value, text: t(`alerts.incidents.lengths.${value}`) }))}
          />
        ) : null}
        <TextArea label={t("alerts.incidents.note")} name="note" rows={3} maxLength={2000} />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t(`alerts.incidents.${what}`)}
        </button>
      </form>
    </Dialog>
  );
}

function Comment({ id }: { id: string }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const done = useDone(id);
  const [sent, setSent] = useState(0);
  const { busy, error, submit } = useSubmit(async ({ note = "" }) => {
    done(await act(api, project, id, "comment", { note }));
    setSent((count) => count + 1);
  });
  return (
    <form className="incident-comment" onSubmit={submit} key={sent}>
      <FormError error={error} />
      <TextArea label={t("alerts.incidents.noteComment")} name="note" rows={2} maxLength={2000} required />
      <button type="submit" className="button" aria-busy={busy}>
        {busy ? t("form.busy") : t("alerts.incidents.comment")}
      </button>
    </form>
  );
}
