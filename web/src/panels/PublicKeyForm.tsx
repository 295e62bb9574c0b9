import { useState } from "react";
import { useTexts } from "../i18n";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** A key to send events with: typed, or made now. */
export function PublicKeyForm(props: { use: (key: string) => void; make: (name: string) => Promise<void> }) {
  const { t } = useTexts();
  const [typed, setTyped] = useState("");
  const wrong = typed !== "" && !/^slp_[A-Za-z0-9_-]{10,}$/.test(typed);
  const { busy, error, submit } = useSubmit(() =>
    typed ? Promise.resolve(wrong ? undefined : props.use(typed)) : props.make(t("playground.title")),
  );
  return (
    <form className="panel shop" onSubmit={submit}>
      <p>{t("playground.noKey")}</p>
      <FormError error={error} />
      <Field
        label={t("playground.key")}
        placeholder="slp_…"
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setTyped(event.target.value.trim())}
        error={wrong ? t("playground.keyWrong") : undefined}
      />
      <div>
        <button type="submit" className="button primary" aria-busy={busy}>
          {typed ? t("playground.use") : t("playground.make")}
        </button>
      </div>
    </form>
  );
}
