import type { Step } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { useScope } from "../state/scope";

/** What happened to an incident, in the order of time: who did what, when and why. */
export function IncidentTimeline({ steps }: { steps: readonly Step[] }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const said = useSaid();
  return (
    <ol className="timeline" aria-label={t("alerts.incidents.timeline")}>
      {steps.map((step) => (
        <li key={step.id} className={`timeline-step ${step.kind}`}>
          <p>{said(step)}</p>
          {step.note ? (
            <p className="timeline-note">
              {step.note === "rule removed" && !step.actor ? t("alerts.incidents.ruleRemoved") : step.note}
            </p>
          ) : null}
          <time dateTime={step.at} className="faint">
            {formatMoment(step.at, timezone, language, true)}
          </time>
        </li>
      ))}
    </ol>
  );
}

function useSaid(): (step: Step) => string {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  return ({ kind, actor, who, data }) => {
    const moment = data.until ? formatMoment(String(data.until), timezone, language, true) : "";
    const name = actor === "link" ? t("alerts.incidents.link", { who }) : who || t("alerts.incidents.key");
    switch (kind) {
      case "notified": {
        const channels = texts(data.channels).length;
        const whom = [
          ...texts(data.emails),
          ...(channels ? [t("alerts.incidents.channels", { count: channels })] : []),
        ].join(", ");
        const which = data.repeat ? "repeated" : "notified";
        return t(`alerts.incidents.steps.${which}`, { step: Number(data.step), whom });
      }
      case "held":
        return t(`alerts.incidents.steps.held.${data.why === "quiet" ? "quiet" : "maintenance"}`, { moment });
      case "resolved":
        return actor ? t("alerts.incidents.steps.resolvedBy", { who: name }) : t("alerts.incidents.steps.resolved");
      default:
        return t(`alerts.incidents.steps.${kind}`, { who: name, moment });
    }
  };
}
