import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Wrench } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { removeWindow, ruleNames, saveWindow, type Window, windowsOf } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { wallOf } from "../state/instant";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Checks, Field, TimezoneSelect } from "../ui/form";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";

const HOUR_MS = 3_600_000;

/** When nobody is told of incidents because somebody is at work. */
export function Maintenance() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("alerts.write");
  const now = useNow(60_000);
  const query = useQuery(windowsOf(api, project));
  const [editing, setEditing] = useState<Window | "new">();
  const [removing, setRemoving] = useState<Window>();
  const refresh = () => client.invalidateQueries({ queryKey: [project, "maintenance"] });
  const moment = (at: string, zone: string) => formatMoment(at, zone, language, true);
  return (
    <>
      <Panel
        title={t("alerts.maintenance.list")}
        query={query}
        className="short"
        isEmpty={(windows) => windows.length === 0}
        empty={
          <div className="empty">
            <Wrench size={24} aria-hidden="true" />
            <p>{t("alerts.maintenance.none")}</p>
          </div>
        }
        actions={
          writes ? (
            <button type="button" className="link" onClick={() => setEditing("new")}>
              {t("alerts.maintenance.make")}
            </button>
          ) : null
        }
      >
        {(windows) => (
          <ListTable
            caption={t("alerts.maintenance.list")}
            className="alerts-table"
            rows={windows}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("alerts.maintenance.name"),
                cell: (one) => (
                  <>
                    <bdi className="event-name">{one.name}</bdi>
                    <span className="under">
                      {one.rules.length
                        ? t("alerts.maintenance.some", { count: one.rules.length })
                        : t("alerts.maintenance.all")}
                    </span>
                  </>
                ),
              },
              {
                name: t("alerts.maintenance.when"),
                cell: (one) => (
                  <>
                    {moment(one.from, one.timezone)} – {moment(one.to, one.timezone)}
                    <span className="under">
                      {one.weekly ? `${t("alerts.maintenance.everyWeek")}, ` : ""}
                      {one.timezone.replaceAll("_", " ")}
                    </span>
                  </>
                ),
              },
              {
                name: t("alerts.incidents.state"),
                kind: "wide",
                cell: (one) =>
                  one.active_until ? (
                    <span className="state queued">
                      {t("alerts.maintenance.onUntil", { moment: moment(one.active_until, one.timezone) })}
                    </span>
                  ) : (
                    <span className="state">
                      {t(`alerts.maintenance.${one.weekly || Date.parse(one.to) > now ? "planned" : "past"}`)}
                    </span>
                  ),
              },
              {
                name: t("alerts.maintenance.edit"),
                kind: "bare",
                cell: (one) =>
                  writes ? (
                    <span className="links">
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("alerts.maintenance.edit")}: ${one.name}`}
                        onClick={() => setEditing(one)}
                      >
                        {t("alerts.maintenance.edit")}
                      </button>
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("alerts.maintenance.remove")}: ${one.name}`}
                        onClick={() => setRemoving(one)}
                      >
                        {t("alerts.maintenance.remove")}
                      </button>
                    </span>
                  ) : null,
              },
            ]}
          />
        )}
      </Panel>
      <p className="faint">{t("alerts.maintenance.about")}</p>
      {editing ? (
        <WindowForm
          window={editing === "new" ? undefined : editing}
          now={now}
          onClose={() => setEditing(undefined)}
          onDone={refresh}
        />
      ) : null}
      {removing ? (
        <Confirm
          title={t("alerts.maintenance.removeTitle", { name: removing.name })}
          about={t("alerts.maintenance.removeAbout")}
          action={t("alerts.maintenance.remove")}
          run={async () => {
            await removeWindow(api, project, removing.id);
            await refresh();
          }}
          onClose={() => setRemoving(undefined)}
        />
      ) : null}
    </>
  );
}

function WindowForm(props: { window?: Window; now: number; onClose: () => void; onDone: () => Promise<void> }) {
  const { t } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const { window } = props;
  const rules = useQuery(ruleNames(api, project)).data ?? [];
  const zone = window?.timezone ?? timezone;
  const wall = (at: string) => {
    const { date, time } = wallOf(at, zone);
    return `${date}T${time}`;
  };
  const hour = new Date(Math.ceil(props.now / HOUR_MS) * HOUR_MS);
  const { busy, error, submit } = useSubmit(async (values) => {
    await saveWindow(
      api,
      project,
      {
        name: values.name ?? "",
        from: values.from ?? "",
        to: values.to ?? "",
        timezone: values.timezone ?? zone,
        weekly: Boolean(values["how.weekly"]),
        rules: rules.filter(({ id }) => values[`rules.${id}`]).map(({ id }) => id),
      },
      window?.id,
    );
    await props.onDone();
    props.onClose();
  });
  const title = t(window ? "alerts.maintenance.edit" : "alerts.maintenance.make");
  return (
    <Dialog title={title} close={t("events.close")} onClose={props.onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field label={t("alerts.maintenance.name")} name="name" maxLength={200} required defaultValue={window?.name} />
        <div className="field-pair">
          <Field
            label={t("alerts.maintenance.from")}
            name="from"
            type="datetime-local"
            required
            defaultValue={wall(window?.from ?? hour.toISOString())}
          />
          <Field
            label={t("alerts.maintenance.to")}
            name="to"
            type="datetime-local"
            required
            defaultValue={wall(window?.to ?? new Date(hour.getTime() + 2 * HOUR_MS).toISOString())}
          />
        </div>
        <TimezoneSelect label={t("alerts.policies.timezone")} name="timezone" known={zone} defaultValue={zone} />
        <Checks
          label={t("alerts.maintenance.when")}
          name="how"
          chosen={window?.weekly ? ["weekly"] : []}
          options={[{ value: "weekly", text: t("alerts.maintenance.weekly") }]}
        />
        {rules.length ? (
          <Checks
            label={t("alerts.maintenance.rules")}
            name="rules"
            chosen={window?.rules ?? []}
            options={rules.map(({ id, name }) => ({ value: id, text: name }))}
          />
        ) : null}
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("alerts.policies.save")}
        </button>
      </form>
    </Dialog>
  );
}
