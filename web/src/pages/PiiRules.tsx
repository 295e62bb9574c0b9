import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type PiiRule, RULES, rulesOf } from "../api/jobs";
import { changeProject, type ProjectSettings, projectSettings } from "../api/projects";
import { useTexts } from "../i18n";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { PiiRuleForm } from "../panels/PiiRuleForm";
import { PrivacyHead } from "../panels/PrivacyHead";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Select } from "../ui/form";

const IP_MODES = ["", "truncate", "drop", "keep"] as const;

/** What of an event is hashed, dropped or cut before anything of it is stored, and what becomes of addresses. */
export default function PiiRules() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("pii.write");
  const query = useQuery(rulesOf(api, project));
  // A finding of a scan leads here with the name of its property.
  const [{ property }] = useAsk((one) => ({ property: textOf(one.property) }));
  const [open, setOpen] = useState<PiiRule | "new" | undefined>(property ? "new" : undefined);
  const [ending, setEnding] = useState<PiiRule>();
  const refresh = () => client.invalidateQueries({ queryKey: [project, RULES] });
  return (
    <>
      <PrivacyHead about={t("jobs.rules.about")}>
        {writes ? (
          <button type="button" className="button primary" onClick={() => setOpen("new")}>
            {t("jobs.rules.make")}
          </button>
        ) : null}
      </PrivacyHead>
      <div className="job-grid">
        <Panel
          title={t("jobs.rules.list")}
          query={query}
          className="free"
          isEmpty={({ items }) => items.length === 0}
          empty={
            <div className="empty">
              <ShieldCheck size={24} aria-hidden="true" />
              <p>{t("jobs.rules.none")}</p>
            </div>
          }
        >
          {({ items }) => (
            <ListTable
              caption={t("jobs.rules.list")}
              className="jobs-table"
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("jobs.rules.finds"),
                  cell: (one) => (
                    <>
                      <code className="event-name">{one.text}</code>
                      <span className="under">
                        {t("jobs.rules.by")} {t(`jobs.rules.match.${one.match}`)}
                        {one.description ? (
                          <>
                            {" · "}
                            <bdi>{one.description}</bdi>
                          </>
                        ) : null}
                      </span>
                    </>
                  ),
                },
                {
                  name: t("jobs.rules.action"),
                  cell: (one) =>
                    one.action === "truncate"
                      ? t("jobs.rules.truncated", { count: one.length })
                      : t(`jobs.rules.actions.${one.action}`),
                },
                {
                  name: t("jobs.actions"),
                  kind: "bare",
                  cell: (one) =>
                    writes ? (
                      <span className="links">
                        <button
                          type="button"
                          className="link"
                          onClick={() => setOpen(one)}
                          aria-label={`${t("jobs.change")}: ${one.text}`}
                        >
                          {t("jobs.change")}
                        </button>
                        <button
                          type="button"
                          className="link"
                          onClick={() => setEnding(one)}
                          aria-label={`${t("jobs.remove")}: ${one.text}`}
                        >
                          {t("jobs.remove")}
                        </button>
                      </span>
                    ) : null,
                },
              ]}
            />
          )}
        </Panel>
        <Addresses />
      </div>
      {open ? (
        <PiiRuleForm
          rule={open === "new" ? undefined : open}
          property={property}
          onClose={() => setOpen(undefined)}
          onDone={async () => {
            await refresh();
            setOpen(undefined);
          }}
        />
      ) : null}
      {ending ? (
        <Confirm
          title={t("jobs.rules.removeTitle", { text: ending.text })}
          about={t("jobs.rules.removeAbout")}
          action={t("jobs.remove")}
          run={async () => {
            await api.call(`${RULES}/${ending.id}`, { method: "DELETE", project });
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}

/** What becomes of IP addresses: the same setting as on the page Settings. */
function Addresses() {
  const { t } = useTexts();
  const { project } = useScope();
  const query = useQuery(projectSettings(useApi(), project));
  return (
    <Panel title={t("settings.ip")} query={query} className="free">
      {(settings) => <AddressForm key={settings.ip_mode} settings={settings} />}
    </Panel>
  );
}

function AddressForm({ settings }: { settings: ProjectSettings }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ ip_mode }) => {
    const changed = await changeProject(api, settings.id, {
      ip_mode: (ip_mode || null) as ProjectSettings["ip_mode"],
    });
    client.setQueryData([settings.id, "settings"], changed);
    setSaved(true);
  });
  return (
    <form onSubmit={submit} onChange={() => setSaved(false)}>
      <FormError error={error} />
      <Select
        label={t("settings.ip")}
        name="ip_mode"
        defaultValue={settings.ip_mode ?? ""}
        hint={t("settings.ipHint")}
        options={IP_MODES.map((value) => ({ value, text: t(`settings.ipModes.${value || "default"}`) }))}
      />
      <div className="row">
        <button type="submit" className="button" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
        <span role="status">{saved ? <span className="state stored">{t("form.saved")}</span> : null}</span>
      </div>
    </form>
  );
}
