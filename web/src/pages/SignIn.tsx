import { Link, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import { ApiError } from "../api/problem";
import { useTexts } from "../i18n";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

export default function SignIn() {
  const { t } = useTexts();
  const { session } = useApi();
  const { next, expired, saved } = useSearch({ from: "/sign-in" });
  const router = useRouter();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const { busy, error, submit } = useSubmit(async (values) => {
    try {
      await session.login(values.email ?? "", values.password ?? "", values.code);
    } catch (problem) {
      if (problem instanceof ApiError && problem.code === "second_factor_required") return setAsked(true);
      throw problem;
    }
    if (next) router.history.push(`/app${next}`);
    else await navigate({ to: "/" });
  });
  const wrong = error instanceof ApiError && error.code === "bad_credentials";
  return (
    <AccountPage
      title={t("signIn.welcome")}
      foot={
        <>
          {t("signIn.noAccount")} <Link to="/register">{t("signIn.register")}</Link>
        </>
      }
    >
      {expired || saved ? (
        <p className="notice" role="status">
          {saved ? t("forgot.saved") : t("signIn.expired")}
        </p>
      ) : null}
      <form onSubmit={submit}>
        <FormError error={wrong ? new Error(t("signIn.wrong")) : error} />
        <Field label={t("signIn.email")} name="email" type="email" autoComplete="username" required autoFocus />
        <Field
          label={t("signIn.password")}
          name="password"
          type="password"
          autoComplete="current-password"
          required
          action={<Link to="/forgot">{t("signIn.forgot")}</Link>}
        />
        {asked ? (
          <Field
            label={t("signIn.code")}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            autoFocus
          />
        ) : null}
        <button type="submit" className="button primary large" aria-busy={busy}>
          {busy ? t("form.busy") : t("signIn.submit")}
        </button>
      </form>
    </AccountPage>
  );
}
