import { Link, useNavigate } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { mailedToken } from "../state/mailedToken";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** Behind the link of the mail: a new password for its one-time token. */
export default function Reset() {
  const { t } = useTexts();
  const { session } = useApi();
  const navigate = useNavigate();
  const { busy, error, submit } = useSubmit(async ({ password = "" }) => {
    await session.post("password/reset", { token: mailedToken(), new_password: password });
    await navigate({ to: "/sign-in", search: { saved: true } });
  });
  return (
    <AccountPage title={t("forgot.newTitle")} foot={<Link to="/sign-in">{t("forgot.back")}</Link>}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field
          label={t("forgot.newPassword")}
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={8}
          hint={t("register.passwordHint")}
          required
          autoFocus
        />
        <button type="submit" className="button primary large" aria-busy={busy}>
          {busy ? t("form.busy") : t("forgot.newSubmit")}
        </button>
      </form>
    </AccountPage>
  );
}
