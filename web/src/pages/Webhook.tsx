import "../ui/admin.css";
import { useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type Webhook as Hook, LISTS, MATCHED, rotate } from "../api/webhooks";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { ReceiverPage } from "../panels/AdminReceivers";
import { SecretOnce, WebhookForm } from "../panels/AdminWebhookForm";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";

/** One webhook: its secret, its test, its deliveries. */
export default function Webhook() {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const filterOf = ({ filter }: Hook) =>
    [
      filter.events.join(", ") || t("analysis.anyEvent"),
      ...filter.filters.map(
        ({ property, op, value }) => `${property} ${op} ${value === undefined ? "" : String(value)}`,
      ),
    ].join("; ");
  return (
    <ReceiverPage<Hook>
      which="webhook"
      facts={(one) => [
        [t("admin.webhooks.url"), <bdi key="url">{one.url}</bdi>],
        ...(one.types.includes(MATCHED) ? ([[t("admin.webhooks.filter"), filterOf(one)]] as [string, string][]) : []),
        [
          t("admin.webhooks.secret"),
          one.previous_secret_until && Date.parse(one.previous_secret_until) > Date.now()
            ? t("admin.webhooks.bothUntil", {
                moment: formatMoment(one.previous_secret_until, timezone, language, true),
              })
            : one.secret,
        ],
      ]}
      more={(one) => <Rotate one={one} />}
      editing={(one, close) => <WebhookForm old={one} onClose={close} />}
    />
  );
}

/** A new secret, after a question; for a day both sign. */
function Rotate({ one }: { one: Hook }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [secret, setSecret] = useState("");
  const { busy, error, submit } = useSubmit(async () => {
    setSecret((await rotate(api, project, one.id)).secret);
    await client.invalidateQueries({ queryKey: [project, LISTS.webhook] });
  });
  const close = () => {
    setOpen(false);
    setSecret("");
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <KeyRound size={15} aria-hidden="true" />
        {t("admin.webhooks.rotate")}
      </button>
      {open ? (
        <Dialog title={t("admin.webhooks.rotate")} close={t("events.close")} onClose={close}>
          {secret ? (
            <SecretOnce secret={secret} onDone={close} />
          ) : (
            <form onSubmit={submit}>
              <p>{t("admin.webhooks.rotateAbout")}</p>
              <FormError error={error} />
              <div className="dialog-foot">
                <button type="submit" className="button primary" aria-busy={busy}>
                  {busy ? t("form.busy") : t("admin.webhooks.rotateNow")}
                </button>
              </div>
            </form>
          )}
        </Dialog>
      ) : null}
    </>
  );
}
