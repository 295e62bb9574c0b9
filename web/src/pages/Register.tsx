import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import { ApiError } from "../api/problem";
import { useTexts } from "../i18n";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

export default function Register() {
  const { t } = useTexts();
  const { session } = useApi();
  const navigate = useNavigate();
  const [known, setKnown] = useState("");
  const { busy, error, submit } = useSubmit(async ({ email = "", password = "", full_name = "", company = "" }) => {
    try {
      await session.register({ email, password, full_name, company });
    } catch (problem) {
      // The address has an account with another password; its owner has been told by mail.
      if (problem instanceof ApiError && problem.code === "bad_credentials") return setKnown(email);
      throw problem;
    }
    await navigate({ to: "/" });
  });
  return (
    <AccountPage
      title={t("register.title")}
      foot={
        <>
          {t("register.haveAccount")} <Link to="/sign-in">{t("signIn.submit")}</Link>
        </>
      }
    >
      {known ? (
        <p className="notice" role="status">
          {t("register.mailed", { email: known })}
        </p>
      ) : (
        <form onSubmit={submit}>
          <FormError error={error} />
          <Field label={t("register.name")} name="full_name" autoComplete="name" maxLength={200} required autoFocus />
          <Field label={t("register.company")} name="company" autoComplete="organization" maxLength={200} required />
          <Field label={t("signIn.email")} name="email" type="email" autoComplete="username" required />
          <Field
            label={t("signIn.password")}
            name="password"
            type="password"
            autoComplete="new-password"
            minLength={8}
            hint={t("register.passwordHint")}
            required
          />
          <button type="submit" className="button primary large" aria-busy={busy}>
            {busy ? t("form.busy") : t("register.submit")}
          </button>
        </form>
      )}
    </AccountPage>
  );
}
