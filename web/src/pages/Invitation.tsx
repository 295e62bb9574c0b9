import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { mailedToken } from "../state/mailedToken";
import { AccountPage, FormError, useSubmit } from "../ui/AccountPage";

interface Offer {
  organisation: string;
  email: string;
  role: "owner" | "admin" | "editor" | "viewer";
}

/** Behind the link of an invitation, for who is signed in: what it offers, and a button to accept. */
export default function Invitation() {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const token = mailedToken();
  const offer = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => api.call<Offer>("/api/v1/invitations/show", { body: { token } }),
    retry: false,
  });
  const { busy, error, submit } = useSubmit(async () => {
    await api.call("/api/v1/invitations/accept", { body: { token } });
    await client.invalidateQueries({ queryKey: ["me"] });
    await navigate({ to: "/" });
  });
  return (
    <AccountPage title={t("invitation.title")} foot={<Link to="/">{t("verify.go")}</Link>}>
      <FormError error={error ?? offer.error ?? undefined} />
      {offer.data ? (
        <form onSubmit={submit}>
          <p>
            {t("invitation.offer", {
              organisation: offer.data.organisation,
              role: t(`roles.${offer.data.role}`),
              email: offer.data.email,
            })}
          </p>
          <button type="submit" className="button primary large" aria-busy={busy}>
            {busy ? t("form.busy") : t("invitation.accept")}
          </button>
        </form>
      ) : null}
    </AccountPage>
  );
}
