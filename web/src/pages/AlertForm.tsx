import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { me } from "../api/account";
import { alertOf, type Rule, saveAlert } from "../api/alerts";
import { useApi } from "../api/client";
import { SEVERITIES } from "../api/incidents";
import { knownEvents } from "../api/queries";
import { useTexts } from "../i18n";
import { Choice, ConditionFields, CountedFields, Fault, NumberField } from "../panels/AlertCondition";
import { AlertPreview } from "../panels/AlertPreview";
import { AlertTold } from "../panels/AlertTold";
import { useAlertWords } from "../panels/AlertWords";
import { Conditions, DurationPicker, FieldPicker } from "../panels/Editors";
import { Panel } from "../panels/Panel";
import { freshRule, HOLDS, isReady, mayGroup, ruleFaults, TEMPLATES, wantedRule } from "../state/alerts";
import { useAsk } from "../state/ask";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Select } from "../ui/form";
import "../ui/analysis.css";
import "../ui/explore.css";
import "../ui/alerts.css";

/** Puts an alert rule together, and shows when it would have fired. */
export default function AlertForm() {
  const { t, chosen } = useTexts();
  const { alert: id } = useParams({ strict: false }) as { alert?: string };
  const scope = useScope();
  const { project } = scope;
  const api = useApi();
  const [{ template }] = useAsk((asked) => ({ template: TEMPLATES.find((one) => one === asked.template) }));
  const user = useQuery(me(api)).data;
  const known = useQuery({ ...knownEvents(api, scope), enabled: template !== undefined });
  const kept = useQuery({ ...alertOf(api, project, id ?? ""), enabled: id !== undefined, refetchInterval: false });
  const names = known.data?.items.map(({ event }) => event) ?? [];
  const begun = user && !(template && known.isPending) ? freshRule(user.email, chosen, template, names) : undefined;
  return (
    <>
      <p className="back">
        <Link
          to={id ? "/p/$project/alerts/$alert" : "/p/$project/alerts"}
          params={{ project, alert: id ?? "" }}
          search={sharedOf as never}
        >
          <ChevronLeft size={15} aria-hidden="true" />
          {id ? (kept.data?.rule.name ?? t("alerts.rules.one")) : t("alerts.nav.alerts")}
        </Link>
      </p>
      <div className="controls">
        <h1>{t(id ? "alerts.rules.edit" : "alerts.rules.make")}</h1>
      </div>
      {id ? (
        kept.data ? (
          <Editor key={id} id={id} rule={kept.data.rule} begun />
        ) : (
          <Panel title={t("alerts.rules.one")} query={kept}>
            {() => null}
          </Panel>
        )
      ) : begun ? (
        <Editor
          key={template ?? ""}
          rule={template ? { ...begun, name: t(`alerts.rules.templates.${template}`) } : begun}
          begun={template !== undefined}
        />
      ) : null}
    </>
  );
}

function Editor({ id, rule: first, begun }: { id?: string; rule: Rule; begun: boolean }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("alerts.write");
  const words = useAlertWords();
  const [rule, setRule] = useState(first);
  const change = (part: Partial<Rule>) => setRule((before) => ({ ...before, ...part }));
  const { busy, error, submit } = useSubmit(async () => {
    const saved = await saveAlert(api, project, wantedRule(rule), id);
    client.setQueryData([project, "alerts", saved.id], saved);
    void client.invalidateQueries({ queryKey: [project, "alerts"] });
    await navigate({
      to: "/p/$project/alerts/$alert",
      params: { project, alert: saved.id },
      search: sharedOf as never,
    });
  });
  const faults = ruleFaults(error, rule);
  return (
    <div className="built wide-builder alert-builder">
      <form className="panel padded" onSubmit={submit}>
        <Field
          label={t("alerts.rules.form.name")}
          value={rule.name}
          maxLength={200}
          required
          error={faults.of("name")}
          onChange={({ target }) => change({ name: target.value })}
        />
        <Count rule={rule} change={change} fault={faults.of} />
        <h2>{t("alerts.rules.form.when")}</h2>
        <ConditionFields condition={rule.condition} fault={faults.of} onChange={(condition) => change({ condition })} />
        <Patience rule={rule} change={change} fault={faults.of} />
        <h2>{t("alerts.rules.form.told")}</h2>
        <Choice
          label={t("alerts.incidents.severity")}
          value={rule.severity}
          values={SEVERITIES}
          text={(severity) => t(`alerts.severity.${severity}`)}
          onChange={(severity) => change({ severity })}
        />
        <AlertTold rule={rule} change={change} fault={faults.of} />
        <p className="alert-said">{words.condition(wantedRule(rule))}</p>
        <FormError error={faults.rest} />
        {writes && isReady(rule) ? (
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("form.save")}
          </button>
        ) : writes ? (
          <p className="field-note">{t("alerts.rules.preview.unready")}</p>
        ) : null}
      </form>
      {writes ? <AlertPreview rule={rule} begun={begun} /> : null}
    </div>
  );
}

interface Step {
  rule: Rule;
  change: (part: Partial<Rule>) => void;
  fault: ReturnType<typeof ruleFaults>["of"];
}

/** What is counted, over how long, and of which groups each for itself. */
function Count({ rule, change, fault }: Step) {
  const { t } = useTexts();
  const { query, condition } = rule;
  return (
    <>
      <h2>{t("alerts.rules.form.counted")}</h2>
      {condition.type === "funnel" ? (
        <div className="field compact">
          <span className="label">{t("alerts.rules.form.ofSteps")}</span>
          <Conditions
            label={t("alerts.rules.form.counted")}
            values={query.filters}
            onChange={(filters) => change({ query: { ...query, filters } })}
          />
        </div>
      ) : (
        <CountedFields
          label={t("alerts.rules.form.counted")}
          query={query}
          onChange={(next) => change({ query: next })}
        />
      )}
      <DurationPicker
        label={t("alerts.rules.form.window")}
        value={rule.window}
        units={["m", "h", "d"]}
        onChange={(window) => change({ window })}
      />
      <Fault text={fault("window")} />
      {mayGroup(condition) ? (
        <div className="field-pair">
          <div>
            <FieldPicker
              label={t("alerts.rules.form.groupBy")}
              none={t("alerts.rules.form.noGroups")}
              value={query.group_by ?? ""}
              onChange={(field) => change({ query: { ...query, group_by: field || null } })}
            />
            <Fault text={fault("group_by")} />
          </div>
          {query.group_by ? (
            <NumberField
              label={t("alerts.rules.form.top")}
              value={query.top}
              min={1}
              max={50}
              step={1}
              fault={fault("top")}
              onChange={(top) => top !== null && change({ query: { ...query, top } })}
            />
          ) : null}
        </div>
      ) : null}
    </>
  );
}

/** For how long it has to hold, and of how much anything can be concluded. */
function Patience({ rule, change, fault }: Step) {
  const { t } = useTexts();
  const words = useAlertWords();
  const holds = HOLDS.includes(rule.for as (typeof HOLDS)[number]) ? HOLDS : [...HOLDS, rule.for];
  return (
    <div className="field-pair">
      <div>
        <Select
          label={t("alerts.rules.form.for")}
          value={rule.for}
          options={holds.map((value) => ({
            value,
            text: value === "0m" ? t("alerts.policies.atOnce") : words.length(value),
          }))}
          onChange={({ target }) => change({ for: target.value })}
        />
        <Fault text={fault("for")} />
      </div>
      {rule.condition.type === "absence" ? null : (
        <NumberField
          label={t("alerts.rules.form.volume")}
          hint={t("alerts.rules.form.volumeHint")}
          value={rule.min_volume}
          min={0}
          step={1}
          fault={fault("min_volume")}
          onChange={(volume) => change({ min_volume: volume ?? 0 })}
        />
      )}
    </div>
  );
}
