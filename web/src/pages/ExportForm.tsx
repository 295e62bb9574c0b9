import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { EXPORTS, startJob } from "../api/jobs";
import { useTexts } from "../i18n";
import { ExportFields, exportOf, HowMany, USUAL } from "../panels/ExportFields";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";
import "../ui/jobs.css";

const DAY = 10;

/** One export: which events, which of their columns, as what. */
export default function ExportForm() {
  const { t, chosen } = useTexts();
  const { project, span } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [choice, setChoice] = useState(USUAL);
  const [from, setFrom] = useState(span.from.slice(0, DAY));
  const [to, setTo] = useState(span.to.slice(0, DAY));
  const { busy, error, submit } = useSubmit(async ({ emails = "" }) => {
    const told = emails.split(/[\s,;]+/).filter(Boolean);
    const notify = told.length ? { notify: { emails: told, language: chosen } } : {};
    const { id } = await startJob(api, project, EXPORTS, { from, to, ...exportOf(choice), ...notify });
    void client.invalidateQueries({ queryKey: [project, EXPORTS] });
    await navigate({
      to: "/p/$project/exports/$export",
      params: { project, export: id },
      search: sharedOf as never,
    });
  });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/exports" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("jobs.nav.exports")}
        </Link>
      </p>
      <div className="controls">
        <h1>{t("jobs.exports.make")}</h1>
      </div>
      <form className="job-grid" onSubmit={submit}>
        <div className="panel padded">
          <FormError error={error} />
          <div className="field-pair">
            <Field
              label={t("jobs.exports.from")}
              type="date"
              value={from}
              max={to}
              required
              onChange={(event) => setFrom(event.target.value)}
            />
            <Field
              label={t("jobs.exports.to")}
              type="date"
              value={to}
              min={from}
              required
              onChange={(event) => setTo(event.target.value)}
            />
          </div>
          <ExportFields value={choice} onChange={setChoice} />
          <Field
            label={t("jobs.exports.notify")}
            name="emails"
            placeholder="ada@example.com"
            autoComplete="off"
            hint={t("jobs.exports.notifyHint")}
          />
        </div>
        <section className="panel padded side-panel" aria-label={t("jobs.exports.found")}>
          <HowMany from={from} to={to} choice={choice} />
          <p className="faint">{t("jobs.exports.promise")}</p>
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("jobs.exports.start")}
          </button>
        </section>
      </form>
    </>
  );
}
