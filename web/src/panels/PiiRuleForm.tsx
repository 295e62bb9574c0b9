import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type StoredEvent, useApi } from "../api/client";
import { type PiiRule, type PiiRuleWanted, saveRule, tryRule } from "../api/jobs";
import { anyEvent } from "../api/queries";
import { useTexts } from "../i18n";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Select, TextArea } from "../ui/form";

const MATCHES = ["name", "pattern", "value"] as const;
const ACTIONS = ["hash", "drop", "truncate"] as const;
const SAMPLE = JSON.stringify({ email: "ada@example.com", plan: "pro", card: "4111 1111 1111 1111" }, null, 2);

/** A rule, new or changed, tried on a sample before it holds: the server itself says what would be stored. */
export function PiiRuleForm(props: {
  rule: PiiRule | undefined;
  property: string;
  onClose: () => void;
  onDone: () => Promise<void>;
}) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const { rule, property } = props;
  const [wanted, setWanted] = useState<PiiRuleWanted>({
    match: rule?.match ?? "name",
    text: rule?.text ?? property,
    action: rule?.action ?? "hash",
    length: rule?.length ?? 0,
    description: rule?.description ?? "",
  });
  const put = (part: Partial<PiiRuleWanted>) => setWanted({ ...wanted, ...part });
  const asked = { ...wanted, length: wanted.action === "truncate" ? wanted.length : 0 };
  const { busy, error, submit } = useSubmit(async () => {
    await saveRule(api, project, asked, rule?.id);
    await props.onDone();
  });
  return (
    <Dialog
      title={rule ? t("jobs.rules.changeTitle") : t("jobs.rules.make")}
      close={t("events.close")}
      onClose={props.onClose}
      wide
    >
      <form onSubmit={submit}>
        <FormError error={error} />
        <div className="field-pair">
          <Select
            label={t("jobs.rules.by")}
            value={wanted.match}
            onChange={(event) => put({ match: event.target.value as PiiRuleWanted["match"] })}
            options={MATCHES.map((value) => ({ value, text: t(`jobs.rules.match.${value}`) }))}
          />
          <Field
            label={t(`jobs.rules.text.${wanted.match}`)}
            value={wanted.text}
            maxLength={500}
            required
            autoFocus
            spellCheck={false}
            autoComplete="off"
            placeholder={t(`jobs.rules.example.${wanted.match}`)}
            onChange={(event) => put({ text: event.target.value })}
          />
        </div>
        <p className="field-note">{t(`jobs.rules.matchHint.${wanted.match}`)}</p>
        <div className="field-pair">
          <Select
            label={t("jobs.rules.action")}
            value={wanted.action}
            onChange={(event) => put({ action: event.target.value as PiiRuleWanted["action"] })}
            options={ACTIONS.map((value) => ({ value, text: t(`jobs.rules.actions.${value}`) }))}
          />
          {wanted.action === "truncate" ? (
            <Field
              label={t("jobs.rules.length")}
              type="number"
              min={0}
              max={1000}
              required
              value={wanted.length}
              onChange={(event) => put({ length: Number(event.target.value) })}
            />
          ) : null}
        </div>
        <Field
          label={t("jobs.description")}
          value={wanted.description}
          maxLength={1000}
          onChange={(event) => put({ description: event.target.value })}
        />
        <Trial wanted={asked} id={rule?.id} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={props.onClose}>
            {t("form.cancel")}
          </button>
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("form.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Properties as a client would send them, and what would be stored of them. */
function Trial({ wanted, id }: { wanted: PiiRuleWanted; id: string | undefined }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [sample, setSample] = useState(SAMPLE);
  const [tried, setTried] = useState<{ after: object; changed: string[] }>();
  const [error, setError] = useState<Error>();
  const attempt = async () => {
    setError(undefined);
    setTried(undefined);
    let properties: unknown;
    try {
      properties = JSON.parse(sample);
    } catch {
      return setError(new Error(t("jobs.rules.noJson")));
    }
    if (typeof properties !== "object" || properties === null || Array.isArray(properties))
      return setError(new Error(t("jobs.rules.noJson")));
    try {
      setTried(await tryRule(api, project, properties, wanted, id));
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    }
  };
  const newest = async () => {
    const { items } = await client.fetchQuery(anyEvent(api, project));
    const [event] = items as StoredEvent[];
    if (event) setSample(JSON.stringify(event.properties, null, 2));
  };
  return (
    <fieldset className="stack">
      <legend className="label">{t("jobs.rules.trial")}</legend>
      <FormError error={error} />
      <div className="sides">
        <TextArea
          label={t("jobs.rules.sent")}
          rows={6}
          spellCheck={false}
          value={sample}
          onChange={(event) => setSample(event.target.value)}
        />
        <div className="field" aria-live="polite">
          <span className="label">{t("jobs.rules.stored")}</span>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre className="json" tabIndex={0}>
            {tried ? JSON.stringify(tried.after, null, 2) : t("jobs.rules.untried")}
          </pre>
        </div>
      </div>
      <div className="bar-note">
        <button type="button" className="button" onClick={() => void attempt()}>
          {t("jobs.rules.try")}
        </button>
        <button type="button" className="link" onClick={() => void newest()}>
          {t("jobs.rules.newest")}
        </button>
        <span role="status">
          {tried
            ? tried.changed.length
              ? t("jobs.rules.changed", { paths: tried.changed.join(", ") })
              : t("jobs.rules.unchanged")
            : null}
        </span>
      </div>
    </fieldset>
  );
}
