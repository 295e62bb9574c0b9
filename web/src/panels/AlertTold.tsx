import { useQuery } from "@tanstack/react-query";
import type { Rule } from "../api/alerts";
import { useApi } from "../api/client";
import { policiesOf } from "../api/incidents";
import { channels, receivers, type Webhook } from "../api/webhooks";
import { useTexts } from "../i18n";
import type { RuleFaults } from "../state/alerts";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { Segmented, Select } from "../ui/form";
import { Fault } from "./AlertCondition";
import { Names } from "./Editors";

const LANGUAGES = ["en", "ru"] as const;

/** Who is told: as a policy says, or whom the rule names itself. */
export function AlertTold(props: { rule: Rule; change: (part: Partial<Rule>) => void; fault: RuleFaults["of"] }) {
  const { t } = useTexts();
  const { rule, change, fault } = props;
  const { project } = useScope();
  const api = useApi();
  const reads = useMay()("webhooks.read");
  const policies = useQuery(policiesOf(api, project)).data ?? [];
  const known = useQuery({ ...channels(api, project), enabled: reads }).data ?? [];
  const hooks = useQuery({ ...receivers<Webhook>(api, project, "webhook"), enabled: reads }).data ?? [];
  const { notify } = rule;
  const told = [
    ...known.map(({ id, name, type }) => ({ id, name: name || type, kind: type as string })),
    ...hooks.map(({ id, url }) => ({ id, name: url, kind: t("alerts.rules.form.webhook") })),
  ];
  const tell = (part: Partial<Rule["notify"]>) => change({ notify: { ...notify, ...part } });
  return (
    <>
      <Select
        label={t("alerts.rules.form.policy")}
        hint={t(policies.length ? "alerts.rules.form.policyHint" : "alerts.rules.form.noPolicy")}
        value={rule.policy ?? ""}
        options={[
          { value: "", text: t("alerts.rules.form.named") },
          ...policies.map(({ id, policy }) => ({ value: id, text: policy.name })),
        ]}
        onChange={({ target }) => change({ policy: target.value || null })}
      />
      <Fault text={fault("policy")} />
      {rule.policy ? null : (
        <>
          <div className="field">
            <span className="label">{t("alerts.policies.emails")}</span>
            <Names
              label={t("alerts.policies.emails")}
              values={notify.emails}
              onChange={(emails) => tell({ emails })}
              known={[]}
              most={10}
              placeholder={t("alerts.policies.emailsHint")}
            />
            <Fault text={fault("emails")} />
          </div>
          {told.length ? (
            <fieldset className="checks">
              <legend>{t("alerts.policies.channels")}</legend>
              {told.map(({ id, name, kind }) => (
                <label key={id}>
                  <input
                    type="checkbox"
                    checked={notify.webhooks.includes(id)}
                    onChange={({ target }) =>
                      tell({
                        webhooks: target.checked
                          ? [...notify.webhooks, id]
                          : notify.webhooks.filter((one) => one !== id),
                      })
                    }
                  />
                  <span>
                    <bdi>{name}</bdi>
                    <small>{kind}</small>
                  </span>
                </label>
              ))}
            </fieldset>
          ) : null}
        </>
      )}
      <div className="field">
        <span className="label">{t("alerts.policies.language")}</span>
        <Segmented
          label={t("alerts.policies.language")}
          value={notify.language}
          options={LANGUAGES.map((value) => ({ value, text: t(`alerts.policies.languages.${value}`) }))}
          onChange={(language) => tell({ language })}
        />
      </div>
    </>
  );
}
