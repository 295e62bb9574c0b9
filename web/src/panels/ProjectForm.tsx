import { useQuery, useQueryClient } from "@tanstack/react-query";
import { me } from "../api/account";
import { useApi } from "../api/client";
import { createProject } from "../api/projects";
import { useTexts } from "../i18n";
import { may } from "../state/may";
import { keepPublicKey } from "../state/publicKey";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Select, TimezoneSelect } from "../ui/form";

/** A new project, in one of the organisations whose projects the user may make; nothing where there is none. */
export function ProjectForm({ large, onMade }: { large?: boolean; onMade: (project: string) => Promise<void> }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const open = useQuery(me(api)).data?.organisations.filter(({ role }) => may(role, "project.create")) ?? [];
  const { busy, error, submit } = useSubmit(async ({ name = "", timezone, organisation_id }) => {
    const made = await createProject(api, {
      name,
      ...(timezone && { timezone }),
      ...((organisation_id || open[0]) && { organisation_id: organisation_id || open[0]?.id }),
    });
    if (made.keys) keepPublicKey(made.id, made.keys.write.key);
    await client.invalidateQueries({ queryKey: ["me"] });
    await onMade(made.id);
  });
  return (
    <form onSubmit={submit}>
      <FormError error={error} />
      <Field label={t("projects.name")} name="name" maxLength={200} required autoFocus />
      {open.length > 1 ? (
        <Select
          label={t("projects.organisation")}
          name="organisation_id"
          options={open.map(({ id, name }) => ({ value: id, text: name }))}
        />
      ) : null}
      <TimezoneSelect
        label={t("timezone")}
        name="timezone"
        hint={t("settings.timezoneHint")}
        known={Intl.DateTimeFormat().resolvedOptions().timeZone}
      />
      <button type="submit" className={large ? "button primary large" : "button primary"} aria-busy={busy}>
        {busy ? t("form.busy") : t("projects.create")}
      </button>
    </form>
  );
}
