import { useState } from "react";
import { useTexts } from "../i18n";
import { useMay } from "../state/may";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** A key to send events with: typed, or made now. */
export function PublicKeyForm(props: { use: (key: string) => void; make: (name: string) => Promise<void> }) {
  const { t } = useTexts();
  const makes = useMay()("keys.write");
  const [typed, setTyped] = useState("");
  const wrong = typed !== "" && !/^slp_[A-Za-z0-9_-]{10,}$/.test(typed);
  const { busy, error, submit } = useSubmit(() =>
    typed || !makes ? Promise.resolve(wrong ? undefined : props.use(typed)) : props.make(t("playground.title")),
  );
  return (
    <form className="panel shop" onSubmit={submit}>
      <p>{makes ? t("playground.noKey") : t("playground.askKey")}</p>
      <FormError error={error} />
      <Field
        label={t("playground.key")}
        placeholder="slp_…"
        value={typed}
        autoComplete="off"
        spellCheck={false}
        required={!makes}
        onChange={(event) => setTyped(event.target.value.trim())}
        error={wrong ? t("playground.keyWrong") : undefined}
      />
      <div>
        <button type="submit" className="button primary" aria-busy={busy}>
          {typed || !makes ? t("playground.use") : t("playground.make")}
        </button>
      </div>
    </form>
  );
}
