import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { createProject } from "../api/account";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { keepPublicKey } from "../state/publicKey";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** The first run: a project, then how to send the first event. */
export default function Welcome() {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    const made = await createProject(api, name);
    if (made.keys) keepPublicKey(made.id, made.keys.write.key);
    await client.invalidateQueries({ queryKey: ["me"] });
    await navigate({ to: "/p/$project/install", params: { project: made.id } });
  });
  return (
    <AccountPage title={t("projects.first")} foot={null}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field label={t("projects.name")} name="name" maxLength={200} required autoFocus />
        <button type="submit" className="button primary large" aria-busy={busy}>
          {busy ? t("form.busy") : t("projects.create")}
        </button>
      </form>
    </AccountPage>
  );
}
