import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { SCHEDULES, type Schedule, type ScheduleRequest, saveSchedule, scheduleOf } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { type ExportChoice, ExportFields, exportOf, USUAL } from "../panels/ExportFields";
import { Facts } from "../panels/JobParts";
import { Panel } from "../panels/Panel";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Select } from "../ui/form";
import "../ui/jobs.css";

/** An export that is made again and again: a new one, or the one in the address. */
export default function ExportSchedule() {
  const { t } = useTexts();
  const { schedule: id } = useParams({ strict: false }) as { schedule?: string };
  const { project } = useScope();
  const query = useQuery({ ...scheduleOf(useApi(), project, id ?? ""), enabled: id !== undefined });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/exports" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("jobs.nav.exports")}
        </Link>
      </p>
      <div className="controls">
        <h1>{id ? t("jobs.schedules.change") : t("jobs.schedules.make")}</h1>
      </div>
      {id ? (
        <Panel title={query.data?.request.name ?? t("jobs.schedules.title")} query={query} className="free">
          {(kept) => <Form key={kept.updated_at} kept={kept} />}
        </Panel>
      ) : (
        <Form />
      )}
    </>
  );
}

function choiceOf(request: ScheduleRequest): ExportChoice {
  return {
    format: request.format,
    compression: request.compression ?? "",
    escape: request.formulas !== "keep",
    events: request.events ?? [],
    filters: request.filters ?? [],
    columns: request.columns ?? [],
  };
}

function Form({ kept }: { kept?: Schedule }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const before = kept?.request;
  const [choice, setChoice] = useState(before ? choiceOf(before) : USUAL);
  const [often, setOften] = useState<"hourly" | "daily" | "cron">(before ? (before.every ?? "cron") : "daily");
  const { busy, error, submit } = useSubmit(async ({ name = "", cron = "", delay_minutes, keep_days, from }) => {
    // What windows it has stays as it is; the server refuses another.
    const windows = before
      ? { every: before.every, cron: before.cron, timezone: before.timezone, destination: before.destination }
      : { ...(often === "cron" ? { cron } : { every: often }), ...(from && { from }) };
    const wanted = {
      ...exportOf(choice),
      ...windows,
      name,
      delay_minutes: Number(delay_minutes),
      keep_days: keep_days ? Number(keep_days) : null,
      enabled: before?.enabled ?? true,
      ...(before?.notify && { notify: before.notify }),
    } as ScheduleRequest;
    await saveSchedule(api, project, wanted, kept?.id);
    await client.invalidateQueries({ queryKey: [project, SCHEDULES] });
    await navigate({ to: "/p/$project/exports", params: { project }, search: sharedOf as never });
  });
  return (
    <form className="job-grid" onSubmit={submit}>
      <div className={kept ? "stack" : "panel padded"}>
        <FormError error={error} />
        <Field label={t("projects.name")} name="name" maxLength={200} required defaultValue={before?.name ?? ""} />
        {kept ? null : (
          <>
            <Select
              label={t("jobs.schedules.every")}
              value={often}
              onChange={(event) => setOften(event.target.value as typeof often)}
              options={(["hourly", "daily", "cron"] as const).map((value) => ({
                value,
                text: t(`jobs.schedules.often.${value}`),
              }))}
            />
            {often === "cron" ? (
              <Field
                label={t("jobs.schedules.cron")}
                name="cron"
                placeholder="0 */6 * * *"
                required
                spellCheck={false}
                autoComplete="off"
                hint={t("jobs.schedules.cronHint")}
              />
            ) : null}
            <Field label={t("jobs.schedules.from")} name="from" type="date" hint={t("jobs.schedules.fromHint")} />
          </>
        )}
        <Field
          label={t("jobs.schedules.delay")}
          name="delay_minutes"
          type="number"
          min={0}
          max={10_080}
          required
          defaultValue={before?.delay_minutes ?? 15}
          hint={t("jobs.schedules.delayHint")}
        />
        <Field
          label={t("jobs.schedules.keep")}
          name="keep_days"
          type="number"
          min={1}
          max={36_500}
          defaultValue={before?.keep_days ?? ""}
          placeholder={t("jobs.forEver")}
        />
        <ExportFields value={choice} onChange={setChoice} />
      </div>
      <section className={kept ? "side-panel stack" : "panel padded side-panel"} aria-label={t("jobs.schedules.next")}>
        {kept ? (
          <Facts
            facts={[
              [
                t("jobs.schedules.every"),
                kept.request.every ? (
                  t(`jobs.schedules.often.${kept.request.every}`)
                ) : (
                  <code key="cron">{kept.request.cron}</code>
                ),
              ],
              [t("jobs.schedules.next"), formatMoment(kept.next_window.due_at, timezone, language, true)],
            ]}
          />
        ) : null}
        <p className="faint">{kept ? t("jobs.schedules.windowsStay") : t("jobs.schedules.about")}</p>
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
      </section>
    </form>
  );
}
