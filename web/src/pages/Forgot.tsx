import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

export default function Forgot() {
  const { t } = useTexts();
  const { session } = useApi();
  const [sentTo, setSentTo] = useState("");
  const { busy, error, submit } = useSubmit(async ({ email = "" }) => {
    await session.post("password/forgot", { email });
    setSentTo(email);
  });
  return (
    <AccountPage title={t("forgot.title")} foot={<Link to="/sign-in">{t("forgot.back")}</Link>}>
      {sentTo ? (
        <p className="notice" role="status">
          {t("forgot.sent", { email: sentTo })}
        </p>
      ) : (
        <form onSubmit={submit}>
          <p className="faint">{t("forgot.about")}</p>
          <FormError error={error} />
          <Field label={t("signIn.email")} name="email" type="email" autoComplete="username" required autoFocus />
          <button type="submit" className="button primary large" aria-busy={busy}>
            {busy ? t("form.busy") : t("forgot.submit")}
          </button>
        </form>
      )}
    </AccountPage>
  );
}
