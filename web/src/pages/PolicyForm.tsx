import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { me } from "../api/account";
import { useApi } from "../api/client";
import { type Policy, policyOf, savePolicy } from "../api/incidents";
import { channels } from "../api/webhooks";
import { useTexts } from "../i18n";
import { Panel } from "../panels/Panel";
import { PolicyChain } from "../panels/PolicyChain";
import { QuietEditor, StepsEditor } from "../panels/PolicyEditors";
import { Toggle } from "../panels/Toggle";
import { useMay } from "../state/may";
import { freshPolicy, freshQuiet } from "../state/policy";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Segmented } from "../ui/form";
import "../ui/alerts.css";

const LANGUAGES = ["en", "ru"] as const;

/** Puts a policy together: its steps, its quiet hours, and in words what will happen. */
export default function PolicyForm() {
  const { t } = useTexts();
  const { policy: id } = useParams({ strict: false }) as { policy?: string };
  const { project } = useScope();
  const api = useApi();
  const user = useQuery(me(api)).data;
  const saved = useQuery({ ...policyOf(api, project, id ?? ""), enabled: id !== undefined });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/policies" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("alerts.nav.policies")}
        </Link>
      </p>
      <div className="controls">
        <h1>{saved.data?.policy.name ?? t(id ? "alerts.policies.edit" : "alerts.policies.make")}</h1>
      </div>
      {id ? (
        <Panel title={t("alerts.policies.edit")} query={saved} className="short bare-panel">
          {({ policy }) => <Editor key={id} id={id} policy={policy} />}
        </Panel>
      ) : user ? (
        <Editor policy={freshPolicy(user.email)} />
      ) : null}
    </>
  );
}

function Editor({ id, policy: begun }: { id?: string; policy: Policy }) {
  const { t, chosen } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay();
  const [policy, setPolicy] = useState<Policy>(id ? begun : { ...begun, language: chosen });
  const change = (part: Partial<Policy>) => setPolicy((before) => ({ ...before, ...part }));
  const known = useQuery({ ...channels(api, project), enabled: may("webhooks.read") }).data ?? [];
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    await savePolicy(api, project, { ...policy, name }, id);
    await client.invalidateQueries({ queryKey: [project, "policies"] });
    await navigate({ to: "/p/$project/policies", params: { project }, search: sharedOf as never });
  });
  return (
    <form className="policy-form" onSubmit={submit}>
      <section className="panel padded">
        <Field label={t("alerts.policies.name")} name="name" maxLength={200} required defaultValue={policy.name} />
        <h2>{t("alerts.policies.steps")}</h2>
        <StepsEditor
          steps={policy.steps}
          channels={known}
          mayRead={may("webhooks.read")}
          onChange={(steps) => change({ steps })}
        />
        <h2>{t("alerts.policies.quiet")}</h2>
        <Toggle
          label={t("alerts.policies.quietOn")}
          value={policy.quiet_hours !== null}
          onChange={(on) => change({ quiet_hours: on ? freshQuiet(timezone) : null })}
        />
        {policy.quiet_hours ? (
          <QuietEditor quiet={policy.quiet_hours} onChange={(quiet_hours) => change({ quiet_hours })} />
        ) : null}
        <h2>{t("alerts.policies.language")}</h2>
        <Segmented
          label={t("alerts.policies.language")}
          value={policy.language}
          options={LANGUAGES.map((value) => ({ value, text: t(`alerts.policies.languages.${value}`) }))}
          onChange={(value) => change({ language: value })}
        />
        <FormError error={error} />
        {may("alerts.write") ? (
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("alerts.policies.save")}
          </button>
        ) : null}
      </section>
      <PolicyChain steps={policy.steps} names={Object.fromEntries(known.map(({ id: key, name }) => [key, name]))} />
    </form>
  );
}
