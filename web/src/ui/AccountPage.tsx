import { type FormEvent, type ReactNode, useState } from "react";
import { changeLanguage, LANGUAGES, type Language, useTexts } from "../i18n";
import { sentenceOf } from "../panels/Panel";
import { Logo } from "./Logo";

/** The frame of the pages before sign-in. */
export function AccountPage({ title, foot, children }: { title: string; foot: ReactNode; children: ReactNode }) {
  const { t, chosen, instance } = useTexts();
  const other = (Object.keys(LANGUAGES) as Language[]).filter((one) => one !== chosen);
  return (
    <main className="account">
      <section className="account-box">
        <div className="brand">
          <Logo size={34} />
          <span>Sluice</span>
        </div>
        <h1>{title}</h1>
        {children}
        <p className="account-foot">{foot}</p>
        <p className="account-languages">
          {other.map((one) => (
            <button
              key={one}
              type="button"
              className="link"
              lang={one}
              onClick={() => void changeLanguage(instance, one)}
            >
              {LANGUAGES[one]}
            </button>
          ))}
        </p>
      </section>
      <section className="account-side" aria-hidden="true">
        <svg viewBox="0 0 600 300" preserveAspectRatio="none" aria-hidden="true">
          <path d="M0 220C80 200 120 130 200 140s110 70 190 40 110-120 210-130v250H0Z" />
          <path d="M0 250c90-10 130-60 210-55s120 60 200 35 100-80 190-90v160H0Z" />
        </svg>
        <p>{t("signIn.product")}</p>
        <p className="faint">{t("signIn.promise")}</p>
      </section>
    </main>
  );
}

/** A form's values go to `send`; until it is done the form is busy, what it raises is shown. */
export function useSubmit(send: (values: Record<string, string>) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    const values = Object.fromEntries(
      [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]),
    );
    send(values)
      .catch((problem: unknown) => setError(problem instanceof Error ? problem : new Error(String(problem))))
      .finally(() => setBusy(false));
  };
  return { busy, error, submit };
}

export function FormError({ error }: { error: Error | undefined }) {
  const { t } = useTexts();
  return error ? (
    <p className="form-error" role="alert">
      {sentenceOf(error, t)}
    </p>
  ) : null;
}
