import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Navigate, useNavigate, useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { me } from "../api/account";
import { useApi } from "../api/client";
import { acceptInvitation, type Offer, offerOf } from "../api/people";
import { ApiError } from "../api/problem";
import { useTexts } from "../i18n";
import { mailedToken } from "../state/mailedToken";
import type { Role } from "../state/may";
import { useSignedIn } from "../state/signedIn";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** Behind the link of an invitation: what it offers. Who has no account makes one and is in with the same button. */
export default function Invitation() {
  const { t } = useTexts();
  const api = useApi();
  const signedIn = useSignedIn() === "yes";
  const [token] = useState(mailedToken);
  const offer = useQuery({ ...offerOf(api, token), enabled: token !== "" });
  const user = useQuery({ ...me(api), enabled: signedIn }).data;
  const foreign = user && offer.data && user.email.toLowerCase() !== offer.data.email.toLowerCase();
  if (!token) return <Navigate to="/" replace />;
  return (
    <AccountPage title={t("invitation.title")} foot={<Link to="/">{t("verify.go")}</Link>}>
      <FormError error={offer.error ?? undefined} />
      {offer.isPending ? <p role="status">{t("form.busy")}</p> : null}
      {offer.data ? (
        <>
          <p>
            {t("invitation.offer", {
              organisation: offer.data.organisation,
              role: t(`roles.${offer.data.role as Role}`),
              email: offer.data.email,
            })}
          </p>
          {!signedIn ? (
            <Join offer={offer.data} token={token} />
          ) : foreign ? (
            <Foreign email={user.email} />
          ) : (
            <Accept token={token} />
          )}
        </>
      ) : null}
    </AccountPage>
  );
}

function useAccept(token: string): () => Promise<void> {
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    await acceptInvitation(api, token).catch(joinedAlready);
    await client.invalidateQueries({ queryKey: ["me"] });
    await navigate({ to: "/" });
  };
}

/** Registering with an invitation has used it up: that is no fault. */
function joinedAlready(problem: unknown): void {
  if (!(problem instanceof ApiError && problem.code === "gone")) throw problem;
}

function Accept({ token }: { token: string }) {
  const { t } = useTexts();
  const { busy, error, submit } = useSubmit(useAccept(token));
  return (
    <form onSubmit={submit}>
      <FormError error={error} />
      <button type="submit" className="button primary large" aria-busy={busy}>
        {busy ? t("form.busy") : t("invitation.accept")}
      </button>
    </form>
  );
}

/** The account that is signed in has another address than the invited one: a link that was passed on opens nothing. */
function Foreign({ email }: { email: string }) {
  const { t } = useTexts();
  const { session } = useApi();
  return (
    <>
      <p className="notice">{t("invitation.foreign", { email })}</p>
      <button type="button" className="button large" onClick={() => void session.logout()}>
        {t("shell.signOut")}
      </button>
    </>
  );
}

/** A new account with the invited address; one that is there already signs in and comes back. */
function Join({ offer, token }: { offer: Offer; token: string }) {
  const { t } = useTexts();
  const { session } = useApi();
  const accept = useAccept(token);
  const here = useRouterState({ select: ({ location }) => location.href });
  const [known, setKnown] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ name = "", password = "" }) => {
    try {
      await session.register({ email: offer.email, password, full_name: name, invitation: token });
    } catch (problem) {
      // The address has an account with another password.
      if (problem instanceof ApiError && problem.code === "bad_credentials") return setKnown(true);
      throw problem;
    }
    await accept();
  });
  const signIn = (
    <Link to="/sign-in" search={{ next: here }}>
      {t("invitation.signIn")}
    </Link>
  );
  if (known)
    return (
      <p className="notice" role="status">
        {t("invitation.known", { email: offer.email })} {signIn}
      </p>
    );
  return (
    <>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field label={t("signIn.email")} value={offer.email} autoComplete="username" readOnly />
        <Field label={t("register.name")} name="name" autoComplete="name" maxLength={200} required autoFocus />
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
          {busy ? t("form.busy") : t("invitation.join")}
        </button>
      </form>
      <p className="account-foot">
        {t("register.haveAccount")} {signIn}
      </p>
    </>
  );
}
