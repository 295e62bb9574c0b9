import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../api/client";
import { get } from "../api/queries";
import { useTexts } from "../i18n";
import { formatDuration } from "../i18n/format";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";

/** After how long a pause the next event begins another session; who manages the project changes it. */
export function SessionGap() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("project.write");
  const [open, setOpen] = useState(false);
  const { data } = useQuery(get<{ gap_seconds: number }>(api, project, "/api/v1/sessions/settings", {}, false));
  const { busy, error, submit } = useSubmit(async ({ minutes = "" }) => {
    await api.call("/api/v1/sessions/settings", { method: "PUT", project, body: { gap: `${Number(minutes)}m` } });
    setOpen(false);
    void client.invalidateQueries({ queryKey: [project] });
  });
  if (!data) return null;
  return (
    <>
      <span className="faint">{t("sessions.gap", { length: formatDuration(data.gap_seconds, language) })}</span>
      {writes ? (
        <button type="button" className="link" onClick={() => setOpen(true)}>
          {t("sessions.change")}
        </button>
      ) : null}
      {open ? (
        <Dialog title={t("sessions.gapTitle")} close={t("events.close")} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <FormError error={error} />
            <Field
              label={t("sessions.gapMinutes")}
              hint={t("sessions.gapHint")}
              name="minutes"
              type="number"
              min={1}
              max={1440}
              required
              defaultValue={Math.round(data.gap_seconds / 60)}
            />
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy ? t("form.busy") : t("form.save")}
            </button>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
