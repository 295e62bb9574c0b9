import "../ui/explore.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, X } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type Annotation, annotations, removeAnnotation, saveAnnotation } from "../api/saved";
import type { Mark } from "../charts/TimeChart";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { instantOf, wallOf } from "../state/instant";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field, TextArea } from "../ui/form";

/** The project's notes of the range, the oldest first: their numbers are those on the charts. */
export function useNotes(): Annotation[] {
  const { project, span, timezone } = useScope();
  const query = useQuery({ ...annotations(useApi(), project, { ...span, timezone }), retry: false });
  return [...(query.data?.items ?? [])].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

/** Where on a chart's axis the notes stand: at the last point that begins before. */
export function marksOf(notes: readonly Annotation[], points: readonly string[]): Mark[] {
  return notes.flatMap(({ at, text }, place) => {
    const point = points.findLast((begin) => Date.parse(begin) <= Date.parse(at));
    return point === undefined ? [] : [{ point, number: place + 1, text }];
  });
}

/** The notes of the range, and who may write them writes them. */
export function Notes({ notes }: { notes: readonly Annotation[] }) {
  const { t, language } = useTexts();
  const { timezone, project } = useScope();
  const may = useMay()("annotations.write");
  const api = useApi();
  const client = useQueryClient();
  const [open, setOpen] = useState<Annotation | "new">();
  const [ending, setEnding] = useState<Annotation>();
  const refresh = () => client.invalidateQueries({ queryKey: [project, "/api/v1/annotations"] });
  if (!notes.length && !may) return null;
  return (
    <section className="panel short notes" aria-labelledby="notes">
      <header className="panel-head">
        <h2 id="notes">{t("notes.title")}</h2>
        {may ? (
          <button type="button" className="button" onClick={() => setOpen("new")}>
            <Plus size={15} aria-hidden="true" />
            {t("notes.add")}
          </button>
        ) : null}
      </header>
      {notes.length ? (
        <ol className="note-list">
          {notes.map((one) => (
            <li key={one.id}>
              <div className="note-line">
                <time dateTime={one.at}>{formatMoment(one.at, timezone, language, true)}</time>
                <bdi>{one.text}</bdi>
                {may ? (
                  <span className="step-tools">
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t("notes.edit", { text: one.text.slice(0, 60) })}
                      onClick={() => setOpen(one)}
                    >
                      <Pencil size={15} />
                    </button>
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t("notes.remove", { text: one.text.slice(0, 60) })}
                      onClick={() => setEnding(one)}
                    >
                      <X size={15} />
                    </button>
                  </span>
                ) : null}
              </div>
            </li>
          ))}
        </ol>
      ) : (
        <p className="note-none">{t("notes.none")}</p>
      )}
      {open ? (
        <NoteDialog
          note={open === "new" ? undefined : open}
          onClose={() => setOpen(undefined)}
          onSaved={() => {
            setOpen(undefined);
            void refresh();
          }}
        />
      ) : null}
      {ending ? (
        <Confirm
          title={t("notes.removeTitle")}
          about={t("notes.removeAbout")}
          action={t("dashboards.remove")}
          run={() => removeAnnotation(api, project, ending.id).then(refresh)}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </section>
  );
}

function NoteDialog(props: { note?: Annotation; onClose: () => void; onSaved: () => void }) {
  const { t } = useTexts();
  const { timezone, project } = useScope();
  const api = useApi();
  const { note } = props;
  const at = wallOf(note?.at ?? new Date().toISOString(), timezone);
  const { busy, error, submit } = useSubmit(async ({ day = "", time = "", text = "" }) => {
    await saveAnnotation(api, project, { at: instantOf(day, time, timezone).toISOString(), text }, note?.id);
    props.onSaved();
  });
  return (
    <Dialog title={note ? t("notes.change") : t("notes.add")} close={t("keys.close")} onClose={props.onClose}>
      <form onSubmit={submit}>
        <TextArea label={t("notes.text")} name="text" defaultValue={note?.text} maxLength={500} rows={3} required />
        <div className="field-pair">
          <Field label={t("notes.day")} name="day" type="date" defaultValue={at.date} max="2149-06-05" required />
          <Field label={t("notes.time")} name="time" type="time" defaultValue={note ? at.time : "00:00"} required />
        </div>
        <FormError error={error} />
        <button type="submit" className="button primary" aria-busy={busy}>
          {t("form.save")}
        </button>
      </form>
    </Dialog>
  );
}
