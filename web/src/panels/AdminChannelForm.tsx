import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  ALERTS,
  type Channel,
  type ChannelWanted,
  KINDS,
  type Kind,
  LISTS,
  MATCHED,
  ON_CALL,
  save,
  TYPES,
} from "../api/webhooks";
import { LANGUAGES, type Language, useTexts } from "../i18n";
import { faultsOf } from "../state/faults";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Checks, Field, Select } from "../ui/form";

type Part = "url" | "token" | "chat_id" | "routing_key" | "api_key";
/** What each kind asks for; an address in brackets has one of its own. */
const PARTS: Record<Kind, readonly { name: Part; needed: boolean; secret?: true; example: string }[]> = {
  slack: [{ name: "url", needed: true, example: "https://hooks.slack.com/services/…" }],
  mattermost: [{ name: "url", needed: true, example: "https://mattermost.example.com/hooks/…" }],
  telegram: [
    { name: "token", needed: true, secret: true, example: "123456789:…" },
    { name: "chat_id", needed: true, example: "-1001234567890" },
    { name: "url", needed: false, example: "https://api.telegram.org" },
  ],
  pagerduty: [
    { name: "routing_key", needed: true, secret: true, example: "" },
    { name: "url", needed: false, example: "https://events.pagerduty.com/v2/enqueue" },
  ],
  jira_service_management: [
    { name: "api_key", needed: true, secret: true, example: "" },
    { name: "url", needed: false, example: "https://api.atlassian.com/jsm/ops/integration/v2/alerts" },
  ],
  alertmanager: [
    { name: "url", needed: true, example: "https://alertmanager.example.com" },
    { name: "token", needed: false, secret: true, example: "" },
  ],
};
const FIELDS = ["name", "target.url", "target.token", "target.chat_id", "target.routing_key", "target.api_key"];
/** What is told in words: a chat takes all but single events. */
const SPOKEN = TYPES.filter((type) => type !== MATCHED);

/** Makes a channel, with the fields of its kind, or changes one; a secret that is left empty stays. */
export function ChannelForm({ old, onClose }: { old?: Channel; onClose: () => void }) {
  const { t, chosen } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [kind, setKind] = useState<Kind>(old?.type ?? "slack");
  const [leads, setLeads] = useState(!old);
  const types: readonly string[] = ON_CALL.includes(kind) ? ALERTS : SPOKEN;
  const { busy, error, submit } = useSubmit(async (values) => {
    const parts = PARTS[kind].map(({ name }) => [name, (values[name] ?? "").trim()]).filter(([, value]) => value);
    const body: ChannelWanted = {
      name: (values.name ?? "").trim(),
      types: types.filter((type) => values[`types.${type}`]),
      language: values.language ?? "en",
      ...(leads && { target: { type: kind, ...Object.fromEntries(parts) } }),
    };
    const saved = await save<Channel>(api, project, "channel", body, old?.id);
    await client.invalidateQueries({ queryKey: [project, LISTS.channel] });
    onClose();
    if (!old)
      await navigate({
        to: "/p/$project/channels/$receiver",
        params: { project, receiver: saved.id },
        search: sharedOf as never,
      });
  });
  const faults = faultsOf(error, FIELDS);
  return (
    <Dialog
      title={old ? t("admin.channels.edit") : t("admin.channels.make")}
      close={t("events.close")}
      onClose={onClose}
      wide
    >
      <form onSubmit={submit}>
        <FormError error={faults.rest} />
        <Field
          label={t("projects.name")}
          name="name"
          maxLength={200}
          defaultValue={old?.name}
          error={faults.of("name")}
          required
        />
        {old ? null : (
          <Select
            label={t("admin.channels.kind")}
            value={kind}
            hint={t("admin.channels.notMet")}
            options={KINDS.map((value) => ({ value, text: t(`admin.channels.kinds.${value}`) }))}
            onChange={(event) => setKind(event.target.value as Kind)}
          />
        )}
        {leads ? (
          PARTS[kind].map(({ name, needed, secret, example }) => (
            <Field
              key={`${kind}.${name}`}
              label={
                needed
                  ? t(`admin.channels.parts.${name}`)
                  : t("admin.channels.optional", { name: t(`admin.channels.parts.${name}`) })
              }
              name={name}
              maxLength={2_000}
              placeholder={example}
              autoComplete="off"
              spellCheck={false}
              type={secret ? "password" : "text"}
              error={faults.of(`target.${name}`)}
              hint={
                name === "url" && needed
                  ? t(`admin.channels.hints.${kind as "slack" | "mattermost" | "alertmanager"}`)
                  : undefined
              }
              required={needed}
            />
          ))
        ) : (
          <p>
            <button type="button" className="link" onClick={() => setLeads(true)}>
              {t("admin.channels.elsewhere")}
            </button>
          </p>
        )}
        <div className="type-choice">
          <Checks
            key={ON_CALL.includes(kind) ? "on call" : "chat"}
            label={t("admin.receivers.types")}
            name="types"
            chosen={old?.types ?? ALERTS}
            options={types.map((value) => ({
              value,
              text: value,
              hint: t(`admin.types.${value.replace(".", "_") as "event_matched"}`),
            }))}
          />
        </div>
        <Select
          label={t("admin.channels.language")}
          name="language"
          defaultValue={old?.language ?? chosen}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, text: LANGUAGES[value] }))}
        />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
      </form>
    </Dialog>
  );
}
