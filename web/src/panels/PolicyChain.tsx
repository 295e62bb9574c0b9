import { useTexts } from "../i18n";
import { lengthOf, type PolicyStep, type Unit } from "../state/policy";

/** What a policy comes to, step by step, in words. */
export function PolicyChain({ steps, names }: { steps: readonly PolicyStep[]; names: Record<string, string> }) {
  const { t } = useTexts();
  const unitOf = (unit: Unit) => t(`alerts.policies.units.${unit}`);
  return (
    <section className="panel padded policy-chain" aria-label={t("alerts.policies.chain")}>
      <h2>{t("alerts.policies.chain")}</h2>
      <p className="faint">{t("alerts.policies.chainAbout")}</p>
      <ol className="timeline">
        {steps.map((step, place) => {
          const whom = [...(step.emails ?? []), ...(step.channels ?? []).map((id) => names[id] ?? id.slice(0, 8))];
          const at = (step.after ?? "0m").startsWith("0")
            ? t("alerts.policies.told0")
            : t("alerts.policies.toldAfter", { time: lengthOf(step.after ?? "0m", unitOf) });
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
            <li key={place} className="timeline-step notified">
              <p>
                <strong>{at}</strong> {whom.length ? whom.join(", ") : t("alerts.policies.nobody")}
              </p>
              {step.repeat ? (
                <p className="faint">{t("alerts.policies.repeats", { time: lengthOf(step.repeat, unitOf) })}</p>
              ) : null}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
