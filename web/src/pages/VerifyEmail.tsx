import { useMutation } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { mailedToken } from "../state/mailedToken";
import { AccountPage, FormError } from "../ui/AccountPage";

/** Behind the link of the mail: the address is confirmed at once. */
export default function VerifyEmail() {
  const { t } = useTexts();
  const { session } = useApi();
  const { mutate, error, isSuccess } = useMutation({
    mutationFn: (token: string) => session.post("email/verify", { token }),
  });
  const [token] = useState(mailedToken);
  useEffect(() => {
    if (token) mutate(token);
  }, [mutate, token]);
  if (!token) return <Navigate to="/" replace />;
  return (
    <AccountPage title={t("verify.title")} foot={<Link to="/">{t("verify.go")}</Link>}>
      <FormError error={error ?? undefined} />
      {isSuccess ? (
        <p className="notice" role="status">
          {t("verify.done")}
        </p>
      ) : null}
    </AccountPage>
  );
}
