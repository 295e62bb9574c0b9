import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  BUILT_INS,
  FORMATS,
  LASTS,
  previewOf,
  type Report,
  type ReportRequest,
  reportOf,
  reportsOf,
  SCHEDULES,
  saveReport,
  WEEKDAYS,
} from "../api/reports";
import { dashboards } from "../api/saved";
import { channels } from "../api/webhooks";
import { useTexts } from "../i18n";
import { AddWidget } from "../panels/AddWidget";
import { Panel } from "../panels/Panel";
import { ReportParts } from "../panels/ReportParts";
import { ReportSections } from "../panels/ReportSections";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { addressesOf, isComplete, NEW_REPORT, wantedOf } from "../state/reports";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Checks, Field, Select, TimezoneSelect } from "../ui/form";
import "../ui/analysis.css";
import "../ui/reports.css";

const CUSTOM = "custom";
const DASHBOARD = "dashboard";

/** Puts a report together and shows what it would say now. */
export default function ReportForm() {
  const { t } = useTexts();
  const { report: id } = useParams({ strict: false }) as { report?: string };
  const { project } = useScope();
  const kept = useQuery({ ...reportOf(useApi(), project, id ?? ""), enabled: id !== undefined });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/reports" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("reports.nav.reports")}
        </Link>
      </p>
      <div className="controls">
        <h1>{id ? t("reports.edit") : t("reports.make")}</h1>
      </div>
      {id === undefined ? (
        <Form />
      ) : kept.data ? (
        <Form key={kept.data.updated_at} kept={kept.data} />
      ) : (
        <Panel title={t("reports.one")} query={kept}>
          {() => null}
        </Panel>
      )}
    </>
  );
}

function Form({ kept }: { kept?: Report }) {
  const { t, chosen } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [{ report: begun }] = useAsk((asked) => ({ report: textOf(asked.report) }));
  const [draft, setDraft] = useState<ReportRequest>(
    kept?.report ?? {
      ...NEW_REPORT,
      report: BUILT_INS.find((one) => one === begun) ?? NEW_REPORT.report,
      timezone,
      language: chosen,
    },
  );
  // When it comes and to whom is nothing that can be looked at.
  const previewed = (): ReportRequest => ({
    ...wantedOf(draft),
    name: draft.name || t("reports.form.unnamed"),
    schedule: draft.report === "overview" ? (draft.schedule === "weekly" ? "weekly" : "daily") : "none",
    cron: "",
    emails: [],
    channels: [],
    attach: [],
  });
  const [asked, setAsked] = useState<ReportRequest | undefined>(() => (isComplete(draft) ? previewed() : undefined));
  const [adding, setAdding] = useState(false);
  const change = (part: Partial<ReportRequest>) => setDraft({ ...draft, ...part });
  const preview = useQuery({
    ...previewOf(api, project, asked ?? wantedOf(draft)),
    enabled: asked !== undefined,
  });
  const { busy, error, submit } = useSubmit(async (values) => {
    const wanted = {
      ...wantedOf({ ...draft, cron: values.cron ?? "" }),
      name: (values.name ?? "").trim(),
      emails: addressesOf(values.emails ?? ""),
      attach: FORMATS.filter((one) => values[`attach.${one}`]),
    };
    const saved = await saveReport(api, project, wanted, kept?.id);
    await client.invalidateQueries({ queryKey: [project] });
    await navigate({
      to: "/p/$project/reports/$report",
      params: { project, report: saved.id },
      search: sharedOf as never,
    });
  });
  return (
    <div className="built wide-builder report-builder">
      <form className="panel padded" onSubmit={submit}>
        <Field
          label={t("reports.form.name")}
          hint={t("reports.form.nameHint")}
          name="name"
          maxLength={200}
          required
          defaultValue={draft.name}
        />
        <Content draft={draft} change={change} onAdd={() => setAdding(true)} />
        <When draft={draft} change={change} />
        <To draft={draft} change={change} />
        <FormError error={error} />
        {isComplete(draft) ? (
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("reports.form.save")}
          </button>
        ) : null}
      </form>
      <div className="stack">
        <section className="panel padded" aria-label={t("reports.form.preview")}>
          <h2>{t("reports.form.preview")}</h2>
          <p className="faint">{t("reports.form.previewHint")}</p>
          {isComplete(draft) ? (
            <button
              type="button"
              className="button"
              aria-busy={preview.isFetching}
              onClick={() => setAsked(previewed())}
            >
              {asked ? t("reports.form.again") : t("reports.form.show")}
            </button>
          ) : null}
        </section>
        {asked && preview.data ? (
          <ReportSections result={preview.data} />
        ) : asked ? (
          <Panel title={t("reports.one")} query={preview}>
            {() => null}
          </Panel>
        ) : null}
      </div>
      {adding ? (
        <AddWidget
          onClose={() => setAdding(false)}
          onAdd={(one) => {
            change({ parts: [...draft.parts, one] });
            setAdding(false);
          }}
        />
      ) : null}
    </div>
  );
}

interface Step {
  draft: ReportRequest;
  change: (part: Partial<ReportRequest>) => void;
}

function Content({ draft, change, onAdd }: Step & { onAdd: () => void }) {
  const { t, chosen } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const builtIns = useQuery(reportsOf(api, project, chosen)).data?.built_ins ?? [];
  const boards = useQuery(dashboards(api, project)).data?.filter(({ access }) => access !== "private") ?? [];
  const custom = draft.report === CUSTOM;
  const shown = custom ? (draft.dashboard_id === null ? CUSTOM : DASHBOARD) : draft.report;
  const choose = (value: string) => {
    if (value === CUSTOM) change({ report: CUSTOM, dashboard_id: null });
    else if (value === DASHBOARD) change({ report: CUSTOM, dashboard_id: boards[0]?.id ?? "" });
    else change({ report: BUILT_INS.find((one) => one === value) ?? "overview", dashboard_id: null });
  };
  return (
    <>
      <Select
        label={t("reports.form.content")}
        value={shown}
        hint={builtIns.find(({ slug }) => slug === draft.report)?.description}
        onChange={(event) => choose(event.target.value)}
        options={[
          ...BUILT_INS.map((value) => ({
            value,
            text: builtIns.find(({ slug }) => slug === value)?.title ?? value,
          })),
          { value: CUSTOM, text: t("reports.form.custom") },
          { value: DASHBOARD, text: t("reports.form.dashboard") },
        ]}
      />
      {shown === CUSTOM ? (
        <ReportParts parts={draft.parts} onChange={(parts) => change({ parts })} onAdd={onAdd} />
      ) : null}
      {shown === DASHBOARD ? (
        boards.length ? (
          <Select
            label={t("reports.form.chooseDashboard")}
            value={draft.dashboard_id ?? ""}
            onChange={(event) => change({ dashboard_id: event.target.value })}
            options={boards.map(({ id, name }) => ({ value: id, text: name }))}
          />
        ) : (
          <p className="faint">{t("reports.form.noDashboard")}</p>
        )
      ) : null}
      {draft.report === "overview" ? (
        <p className="field-note">{t("reports.form.overviewLast")}</p>
      ) : (
        <Select
          label={t("reports.last")}
          hint={t("reports.form.lastHint")}
          value={draft.last || (draft.report === "retention" ? "12w" : "30d")}
          onChange={(event) => change({ last: event.target.value })}
          options={[...new Set([...LASTS, ...(draft.last ? [draft.last] : [])])].map((value) => ({
            value,
            text: t(`reports.lasts.${value}` as "reports.lasts.7d", { defaultValue: value }),
          }))}
        />
      )}
    </>
  );
}

function When({ draft, change }: Step) {
  const { t } = useTexts();
  return (
    <>
      <Select
        label={t("reports.form.schedule")}
        value={draft.schedule}
        onChange={(event) => change({ schedule: SCHEDULES.find((one) => one === event.target.value) ?? "none" })}
        options={SCHEDULES.map((value) => ({ value, text: t(`reports.schedules.${value}`) }))}
      />
      {draft.schedule === "cron" ? (
        <Field
          label={t("reports.form.cron")}
          hint={t("reports.form.cronHint")}
          name="cron"
          defaultValue={draft.cron}
          placeholder="0 8 1 * *"
          maxLength={200}
          required
          spellCheck={false}
          autoComplete="off"
        />
      ) : draft.schedule === "none" ? null : (
        <div className="field-pair">
          {draft.schedule === "weekly" ? (
            <Select
              label={t("reports.form.weekday")}
              value={draft.weekday}
              onChange={(event) => change({ weekday: WEEKDAYS.find((one) => one === event.target.value) ?? "monday" })}
              options={WEEKDAYS.map((value) => ({ value, text: t(`reports.weekdays.${value}`) }))}
            />
          ) : null}
          <Select
            label={t("reports.form.hour")}
            value={String(draft.hour)}
            onChange={(event) => change({ hour: Number(event.target.value) })}
            options={Array.from({ length: 24 }, (_, hour) => ({
              value: String(hour),
              text: `${String(hour).padStart(2, "0")}:00`,
            }))}
          />
        </div>
      )}
      <TimezoneSelect
        label={t("reports.form.timezone")}
        known={draft.timezone ?? "UTC"}
        value={draft.timezone ?? "UTC"}
        onChange={(event) => change({ timezone: event.target.value })}
      />
    </>
  );
}

function To({ draft, change }: Step) {
  const { t } = useTexts();
  const { project } = useScope();
  const reads = useMay()("webhooks.read");
  const known = useQuery({ ...channels(useApi(), project), enabled: reads }).data ?? [];
  const toggle = (id: string) =>
    change({
      channels: draft.channels.includes(id) ? draft.channels.filter((one) => one !== id) : [...draft.channels, id],
    });
  return (
    <>
      <Field
        label={t("reports.form.emails")}
        hint={t("reports.form.emailsHint")}
        name="emails"
        defaultValue={draft.emails.join(", ")}
        autoComplete="off"
        spellCheck={false}
      />
      {known.length ? (
        <fieldset className="checks">
          <legend>{t("reports.form.channels")}</legend>
          {known.map(({ id, name }) => (
            <label key={id}>
              <input type="checkbox" checked={draft.channels.includes(id)} onChange={() => toggle(id)} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      ) : null}
      <Checks
        label={t("reports.form.attach")}
        name="attach"
        chosen={draft.attach}
        options={FORMATS.map((value) => ({ value, text: t(`reports.formats.${value}`) }))}
      />
      <Select
        label={t("reports.form.language")}
        value={draft.language}
        onChange={(event) => change({ language: event.target.value === "ru" ? "ru" : "en" })}
        options={(["en", "ru"] as const).map((value) => ({ value, text: t(`reports.languages.${value}`) }))}
      />
    </>
  );
}
