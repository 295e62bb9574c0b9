import { CircleCheck, CirclePause } from "lucide-react";
import type { Alert, AlertState } from "../api/alerts";
import { useTexts } from "../i18n";

const LOOKS: Record<AlertState, string> = {
  ok: "stored",
  resolved: "stored",
  pending: "queued",
  acknowledged: "queued",
  firing: "dropped",
  unknown: "",
};

/** Where a rule or a group stands, by a word and a colour. */
export function AlertStateMark({ state }: { state: AlertState }) {
  const { t } = useTexts();
  return (
    <span className={`state ${LOOKS[state]}`}>
      {state === "ok" ? <CircleCheck size={13} aria-hidden="true" /> : null}
      {t(`alerts.rules.states.${state}`)}
    </span>
  );
}

/** Where a rule stands, or that it is paused; and why nobody knows, where nobody does. */
export function Standing({ alert }: { alert: Alert }) {
  const { t } = useTexts();
  return (
    <>
      {alert.paused ? (
        <span className="state">
          <CirclePause size={13} aria-hidden="true" />
          {t("alerts.rules.paused")}
        </span>
      ) : (
        <AlertStateMark state={alert.state} />
      )}
      {alert.problem ? <span className="under">{alert.problem.detail || alert.problem.code}</span> : null}
    </>
  );
}
