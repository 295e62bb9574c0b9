import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../api/client";
import { LISTS, MATCHED, save, TYPES, type Webhook, type WebhookWanted } from "../api/webhooks";
import { useTexts } from "../i18n";
import { faultsOf } from "../state/faults";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";
import { Checks, Field } from "../ui/form";
import { Conditions, Names, useEventNames } from "./Editors";

/** Makes a webhook, whose secret is shown this once, or changes one. */
export function WebhookForm({ old, onClose }: { old?: Webhook; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const known = useEventNames();
  const [types, setTypes] = useState<readonly string[]>(old?.types ?? []);
  const [wanted, setWanted] = useState(old?.filter ?? { events: [], filters: [] });
  const [made, setMade] = useState<Webhook>();
  const { busy, error, submit } = useSubmit(async ({ url = "", description = "" }) => {
    const body: WebhookWanted = {
      url: url.trim(),
      description: description.trim(),
      types: [...types],
      // Of nothing else than events of the stream is there anything to choose.
      filter: types.includes(MATCHED) ? wanted : { events: [], filters: [] },
    };
    const saved = await save<Webhook>(api, project, "webhook", body, old?.id);
    await client.invalidateQueries({ queryKey: [project, LISTS.webhook] });
    if (old) onClose();
    else setMade(saved);
  });
  const faults = faultsOf(error, ["url", "description"]);
  return (
    <Dialog
      title={old ? t("admin.webhooks.edit") : t("admin.webhooks.make")}
      close={t("events.close")}
      onClose={onClose}
      wide
    >
      {made ? (
        <SecretOnce secret={made.secret} onDone={onClose} />
      ) : (
        <form onSubmit={submit}>
          <FormError error={faults.rest} />
          <Field
            label={t("admin.webhooks.url")}
            name="url"
            type="url"
            maxLength={2_000}
            placeholder="https://hooks.example.com/sluice"
            defaultValue={old?.url}
            error={faults.of("url")}
            hint={t("admin.webhooks.urlHint")}
            required
          />
          <Field
            label={t("admin.webhooks.description")}
            name="description"
            maxLength={500}
            defaultValue={old?.description}
            error={faults.of("description")}
          />
          <div
            className="type-choice"
            onChange={(event) => {
              const { name, checked } = event.target as HTMLInputElement;
              const type = name.replace(/^types\./, "");
              if (name !== type) setTypes(checked ? [...types, type] : types.filter((one) => one !== type));
            }}
          >
            <Checks
              label={t("admin.receivers.types")}
              name="types"
              chosen={types}
              options={TYPES.map((value) => ({
                value,
                text: value,
                hint: t(`admin.types.${value.replace(".", "_") as "event_matched"}`),
              }))}
            />
          </div>
          {types.includes(MATCHED) ? (
            <fieldset className="checks">
              <legend>{t("admin.webhooks.filter")}</legend>
              <Names
                label={t("admin.webhooks.events")}
                values={wanted.events}
                known={known}
                placeholder={t("analysis.anyEvent")}
                onChange={(events) => setWanted({ ...wanted, events })}
              />
              <Conditions
                label={t("admin.webhooks.filter")}
                values={wanted.filters}
                onChange={(filters) => setWanted({ ...wanted, filters })}
              />
            </fieldset>
          ) : null}
          {types.length ? (
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy ? t("form.busy") : t("form.save")}
            </button>
          ) : (
            <p className="faint">{t("admin.webhooks.choose")}</p>
          )}
        </form>
      )}
    </Dialog>
  );
}

/** A secret that is not shown again, and what it is for. */
export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }) {
  const { t } = useTexts();
  return (
    <div className="stack">
      <p className="notice" role="status">
        {t("admin.webhooks.once")}
      </p>
      <CodeBlock code={secret} />
      <p className="faint">{t("admin.webhooks.verify")}</p>
      <CodeBlock
        code={`from standardwebhooks import Webhook\n\nevent = Webhook("${secret.slice(0, 10)}…").verify(body, headers)`}
      />
      <div className="dialog-foot">
        <button type="button" className="button primary" onClick={onDone}>
          {t("admin.webhooks.kept")}
        </button>
      </div>
    </div>
  );
}
