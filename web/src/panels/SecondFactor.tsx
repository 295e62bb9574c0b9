import { useQueryClient } from "@tanstack/react-query";
import { Download, ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import { encode } from "uqr";
import { beginTotp, confirmTotp, type Me, removeTotp, renewRecoveryCodes } from "../api/account";
import { useApi } from "../api/client";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";

/** Codes of an authenticator app beside the password: set up, renewed, removed. */
export function SecondFactor({ user }: { user: Me }) {
  const { t } = useTexts();
  const [open, setOpen] = useState<"setup" | "codes" | "remove">();
  const on = user.second_factor;
  const Icon = on ? ShieldCheck : ShieldOff;
  return (
    <div className="stack">
      <p className={on ? "health ok" : "health off"}>
        <Icon size={17} aria-hidden="true" />
        {on ? t("factor.on") : t("factor.off")}
      </p>
      <p className="faint">{t("factor.about")}</p>
      {user.has_password ? (
        <p className="row">
          {on ? (
            <>
              <button type="button" className="button" onClick={() => setOpen("codes")}>
                {t("factor.renew")}
              </button>
              <button type="button" className="button" onClick={() => setOpen("remove")}>
                {t("factor.remove")}
              </button>
            </>
          ) : (
            <button type="button" className="button primary" onClick={() => setOpen("setup")}>
              {t("factor.setUp")}
            </button>
          )}
        </p>
      ) : (
        <p>{t("factor.provider")}</p>
      )}
      {open === "setup" ? <SetUp onClose={() => setOpen(undefined)} /> : null}
      {open === "codes" ? <Renew onClose={() => setOpen(undefined)} /> : null}
      {open === "remove" ? <Remove onClose={() => setOpen(undefined)} /> : null}
    </div>
  );
}

interface Step {
  onClose: () => void;
}

function SetUp({ onClose }: Step) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [begun, setBegun] = useState<{ secret: string; uri: string }>();
  const [codes, setCodes] = useState<string[]>();
  const password = useSubmit(async ({ password = "" }) => setBegun(await beginTotp(api, { password })));
  const confirm = useSubmit(async ({ code = "" }) => {
    setCodes((await confirmTotp(api, { code })).recovery_codes);
  });
  // The panel behind changes only when the codes have been seen.
  const close = () => {
    if (codes) void client.invalidateQueries({ queryKey: ["me"] });
    onClose();
  };
  return (
    <Dialog title={t("factor.setUp")} close={t("events.close")} onClose={close}>
      {codes ? (
        <RecoveryCodes codes={codes} onDone={close} />
      ) : begun ? (
        <form onSubmit={confirm.submit}>
          <p>{t("factor.scan")}</p>
          <QrCode text={begun.uri} label={t("factor.qr")} />
          <p className="faint">{t("factor.typed")}</p>
          <CodeBlock code={begun.secret.replace(/(.{4})(?=.)/g, "$1 ")} />
          <FormError error={confirm.error} />
          <CodeField label={t("factor.code")} />
          <Send busy={confirm.busy} text={t("factor.confirm")} />
        </form>
      ) : (
        <form onSubmit={password.submit}>
          <p>{t("factor.sure")}</p>
          <FormError error={password.error} />
          <PasswordField />
          <Send busy={password.busy} text={t("factor.next")} />
        </form>
      )}
    </Dialog>
  );
}

function Renew({ onClose }: Step) {
  const { t } = useTexts();
  const api = useApi();
  const [codes, setCodes] = useState<string[]>();
  const { busy, error, submit } = useSubmit(async ({ code = "" }) => {
    setCodes((await renewRecoveryCodes(api, { code })).recovery_codes);
  });
  return (
    <Dialog title={t("factor.renew")} close={t("events.close")} onClose={onClose}>
      {codes ? (
        <RecoveryCodes codes={codes} onDone={onClose} />
      ) : (
        <form onSubmit={submit}>
          <p>{t("factor.renewAbout")}</p>
          <FormError error={error} />
          <CodeField label={t("factor.code")} />
          <Send busy={busy} text={t("factor.renew")} />
        </form>
      )}
    </Dialog>
  );
}

function Remove({ onClose }: Step) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const { busy, error, submit } = useSubmit(async ({ password = "", code = "" }) => {
    await removeTotp(api, { password, code });
    await client.invalidateQueries({ queryKey: ["me"] });
    onClose();
  });
  return (
    <Dialog title={t("factor.remove")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t("factor.removeAbout")}</p>
        <FormError error={error} />
        <PasswordField />
        <CodeField label={t("factor.either")} />
        <Send busy={busy} text={t("factor.remove")} />
      </form>
    </Dialog>
  );
}

function PasswordField() {
  const { t } = useTexts();
  return (
    <Field
      label={t("signIn.password")}
      name="password"
      type="password"
      autoComplete="current-password"
      required
      autoFocus
    />
  );
}

function CodeField({ label }: { label: string }) {
  return <Field label={label} name="code" autoComplete="one-time-code" maxLength={40} required />;
}

function Send({ busy, text }: { busy: boolean; text: string }) {
  const { t } = useTexts();
  return (
    <button type="submit" className="button primary" aria-busy={busy}>
      {busy ? t("form.busy") : text}
    </button>
  );
}

function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useTexts();
  const text = codes.join("\n");
  return (
    <div className="stack">
      <p className="notice" role="status">
        {t("factor.codes")}
      </p>
      <CodeBlock code={text} />
      <div className="dialog-foot">
        <button
          type="button"
          className="button"
          onClick={() => download("sluice-recovery-codes.txt", new Blob([`${text}\n`], { type: "text/plain" }))}
        >
          <Download size={15} aria-hidden="true" />
          {t("factor.download")}
        </button>
        <button type="button" className="button primary" onClick={onDone}>
          {t("factor.kept")}
        </button>
      </div>
    </div>
  );
}

/** Dark on light in both themes: not every app reads the other way round. */
function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 2 });
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
