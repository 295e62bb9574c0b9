import { useRef, useState } from "react";
import type { ListWanted, Uploaded } from "../api/segments";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Checks, Field, Select, TextArea } from "../ui/form";

/** A list of ids from a file or the clipboard; says what was taken and what was not. */
export function UploadForm(props: {
  /** Asks for a name: it becomes a segment of its own. */
  named?: boolean;
  send: (wanted: ListWanted & { list: string }) => Promise<Uploaded>;
  onDone: (done: Uploaded) => void;
  onClose: () => void;
}) {
  const { t, language } = useTexts();
  const [list, setList] = useState("");
  const [done, setDone] = useState<Uploaded>();
  const file = useRef<HTMLInputElement>(null);
  const { busy, error, submit } = useSubmit(async (values) => {
    setDone(
      await props.send({
        name: values.name ?? "",
        ids: values.ids === "anonymous_id" ? "anonymous_id" : "user_id",
        on_error: values["rubbish.skip"] ? "skip" : "refuse",
        list,
      }),
    );
  });
  const number = (value: number) => formatNumber(value, language);
  return (
    <Dialog title={t("segments.upload")} close={t("events.close")} onClose={props.onClose}>
      {done ? (
        <div className="stack">
          <p className="notice" role="status">
            {t("segments.uploaded", {
              listed: number(done.listed),
              repeated: number(done.repeated),
              skipped: number(done.skipped),
            })}
          </p>
          {done.lines.length ? (
            <ul className="links-list">
              {done.lines.slice(0, 20).map(({ line, reason }) => (
                <li key={line}>{t("segments.line", { line: number(line), reason })}</li>
              ))}
            </ul>
          ) : null}
          <div className="dialog-foot">
            <button type="button" className="button primary" onClick={() => props.onDone(done)}>
              {t("segments.show")}
            </button>
          </div>
        </div>
      ) : (
        <form onSubmit={submit}>
          <FormError error={error} />
          {props.named ? <Field label={t("projects.name")} name="name" maxLength={200} required /> : null}
          <Select
            label={t("segments.ids")}
            name="ids"
            options={[
              { value: "user_id", text: t("segments.idKinds.user_id") },
              { value: "anonymous_id", text: t("segments.idKinds.anonymous_id") },
            ]}
          />
          <TextArea
            label={t("segments.lines")}
            hint={t("segments.linesHint")}
            rows={7}
            value={list}
            required
            onChange={(event) => setList(event.target.value)}
          />
          <input
            ref={file}
            type="file"
            className="hidden"
            tabIndex={-1}
            aria-label={t("segments.file")}
            accept=".txt,.csv,text/plain,text/csv"
            onChange={(event) => void event.target.files?.[0]?.text().then(setList)}
          />
          <button type="button" className="button" onClick={() => file.current?.click()}>
            {t("segments.file")}
          </button>
          <Checks
            label={t("segments.rubbish")}
            name="rubbish"
            chosen={[]}
            options={[{ value: "skip", text: t("segments.skip"), hint: t("segments.skipHint") }]}
          />
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("segments.send")}
          </button>
        </form>
      )}
    </Dialog>
  );
}
