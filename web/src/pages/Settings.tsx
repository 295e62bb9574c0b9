import "../ui/admin.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import { changeProject, deleteProject, type ProjectSettings, projectSettings } from "../api/projects";
import { useTexts } from "../i18n";
import { LimitsPanel } from "../panels/AdminLimits";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Select, TextArea, TimezoneSelect } from "../ui/form";

const IP_MODES = ["", "truncate", "drop", "keep"] as const;

/** What holds for a project: its name, its days, how long events stay, which sites may ask, what becomes of addresses. */
export default function Settings() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const may = useMay();
  const query = useQuery(projectSettings(useApi(), project));
  return (
    <>
      <div className="controls">
        <h1>{t("settings.title")}</h1>
      </div>
      <div className="steps">
        <Panel title={t("settings.general")} query={query}>
          {(settings) => <General key={settings.updated_at} settings={settings} />}
        </Panel>
        <Elsewhere />
        <LimitsPanel />
        {may("project.delete") ? (
          <Panel title={t("settings.danger")} query={query} className="short">
            {(settings) => <Delete settings={settings} />}
          </Panel>
        ) : null}
      </div>
    </>
  );
}

/** What else holds for the project, on pages of its own. */
function Elsewhere() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const may = useMay();
  return (
    <nav className="panel padded" aria-label={t("admin.settings.more")}>
      <h2>{t("admin.settings.more")}</h2>
      <ul className="links-list">
        {may("retention.write") ? (
          <li>
            <Link to="/p/$project/data-retention" params={{ project }} search={sharedOf as never}>
              {t("admin.settings.retention")}
            </Link>
          </li>
        ) : null}
        {may("pii.write") ? (
          <li>
            <Link to="/p/$project/privacy/rules" params={{ project }} search={sharedOf as never}>
              {t("admin.settings.pii")}
            </Link>
          </li>
        ) : null}
        {may("keys.read") ? (
          <li>
            <Link to="/p/$project/keys" params={{ project }} search={sharedOf as never}>
              {t("apiKeys.title")}
            </Link>
          </li>
        ) : null}
      </ul>
    </nav>
  );
}

function General({ settings }: { settings: ProjectSettings }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const { busy, error, submit } = useSubmit(async (values) => {
    setSaved(false);
    const changed = await changeProject(api, settings.id, {
      name: values.name,
      timezone: values.timezone,
      retention_days: values.retention_days ? Number(values.retention_days) : null,
      allowed_origins: (values.allowed_origins ?? "").split(/\s+/).filter(Boolean),
      ip_mode: (values.ip_mode || null) as ProjectSettings["ip_mode"],
    });
    client.setQueryData([settings.id, "settings"], { ...changed, updated_at: settings.updated_at });
    await client.invalidateQueries({ queryKey: ["me"] });
    setSaved(true);
  });
  return (
    <form onSubmit={submit} onChange={() => setSaved(false)}>
      <FormError error={error} />
      <Field label={t("projects.name")} name="name" defaultValue={settings.name} maxLength={200} required />
      <TimezoneSelect
        label={t("timezone")}
        name="timezone"
        known={settings.timezone}
        defaultValue={settings.timezone}
        hint={t("settings.timezoneHint")}
      />
      <Field
        label={t("settings.retention")}
        name="retention_days"
        type="number"
        min={1}
        max={36_500}
        step={1}
        defaultValue={settings.retention_days ?? ""}
        placeholder={t("settings.retentionDefault")}
        hint={t("settings.retentionHint")}
      />
      <TextArea
        label={t("settings.origins")}
        name="allowed_origins"
        rows={3}
        spellCheck={false}
        placeholder="https://shop.example.com"
        defaultValue={settings.allowed_origins.join("\n")}
        hint={t("settings.originsHint")}
      />
      <Select
        label={t("settings.ip")}
        name="ip_mode"
        defaultValue={settings.ip_mode ?? ""}
        hint={t("settings.ipHint")}
        options={IP_MODES.map((value) => ({ value, text: t(`settings.ipModes.${value || "default"}`) }))}
      />
      <div className="row">
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
        <span role="status">{saved ? <span className="state stored">{t("form.saved")}</span> : null}</span>
      </div>
    </form>
  );
}

function Delete({ settings }: { settings: ProjectSettings }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    await deleteProject(api, settings.id, name);
    await navigate({ to: "/projects" });
    await client.invalidateQueries();
  });
  return (
    <div className="row spread">
      <p className="faint">{t("settings.deleteAbout")}</p>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        {t("settings.delete")}
      </button>
      {asking ? (
        <Dialog title={t("settings.delete")} close={t("events.close")} onClose={() => setAsking(false)}>
          <form onSubmit={submit}>
            <p>{t("settings.deleteAbout")}</p>
            <FormError error={error} />
            <Field label={t("settings.deleteName", { name: settings.name })} name="name" autoComplete="off" required />
            <div className="dialog-foot">
              <button type="button" className="button" onClick={() => setAsking(false)}>
                {t("form.cancel")}
              </button>
              <button type="submit" className="button danger" aria-busy={busy}>
                {busy ? t("form.busy") : t("settings.delete")}
              </button>
            </div>
          </form>
        </Dialog>
      ) : null}
    </div>
  );
}
