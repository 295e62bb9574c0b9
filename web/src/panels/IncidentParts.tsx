import { CircleAlert, CircleCheck, Info, OctagonAlert, TriangleAlert } from "lucide-react";
import type { Incident } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { useScope } from "../state/scope";

const ICONS = { info: Info, warning: TriangleAlert, error: CircleAlert, critical: OctagonAlert } as const;
const STATES = { open: "dropped", acknowledged: "queued", resolved: "stored" } as const;

/** How bad it is, by a word, an icon and a colour. `phone`: only where its column has no room. */
export function SeverityMark({ severity, phone }: { severity: Incident["severity"]; phone?: boolean }) {
  const { t } = useTexts();
  const Icon = ICONS[severity];
  return (
    <span className={`severity ${severity}${phone ? " phone-on" : ""}`}>
      <Icon size={14} aria-hidden="true" />
      {t(`alerts.severity.${severity}`)}
    </span>
  );
}

/** Whether somebody is needed. */
export function IncidentState({ state }: { state: Incident["state"] }) {
  const { t } = useTexts();
  return (
    <span className={`state ${STATES[state]}`}>
      {state === "resolved" ? <CircleCheck size={13} aria-hidden="true" /> : null}
      {t(`alerts.incidents.states.${state}`)}
    </span>
  );
}

/** Why nobody is told of it now, or when somebody is told next; nothing where neither is to be said. */
export function Held({ incident }: { incident: Incident }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const shown = (moment: string) => formatMoment(moment, timezone, language, true);
  if (incident.state === "resolved") return null;
  if (incident.snoozed_until) return t("alerts.incidents.snoozedUntil", { moment: shown(incident.snoozed_until) });
  if (incident.held && incident.next_at)
    return t(`alerts.incidents.heldBy.${incident.held}`, { moment: shown(incident.next_at) });
  if (incident.next_at) return t("alerts.incidents.nextAt", { moment: shown(incident.next_at) });
  return incident.policy_id ? null : t("alerts.incidents.unpoliced");
}
