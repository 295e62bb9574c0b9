import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useApi } from "../api/client";
import { type Dashboard, type Definition, dashboards, saveDashboard, saveDefinition, type Widget } from "../api/saved";
import { useTexts } from "../i18n";
import { fresh, placed, sizeOf } from "../state/layout";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";

interface Asking {
  project: string;
  /** As a definition has it: its kind, its query, its moving range. */
  content: { kind: Definition["kind"]; query: Record<string, unknown>; last: string };
  onClose: () => void;
}

/** Saves a query under a name, as the next version of the one it was opened from or as a new one. */
export function SaveQuery({
  project,
  content,
  known,
  onClose,
  onSaved,
}: Asking & { known?: Definition; onSaved: (saved: Definition) => void }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [anew, setAnew] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    const body = { ...content, name: name.trim(), description: known?.description ?? "", tags: known?.tags ?? [] };
    const saved = await saveDefinition(api, project, body, anew ? undefined : known);
    await client.invalidateQueries({ queryKey: [project, "/api/v1/definitions"] });
    onSaved(saved);
  });
  return (
    <Dialog title={t("explore.save")} close={t("keys.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label={t("explore.name")} name="name" defaultValue={known?.name} maxLength={200} required />
        <FormError error={error} />
        <div className="dialog-foot">
          {known ? (
            <button type="submit" className="button" onClick={() => setAnew(true)}>
              {t("explore.saveAs")}
            </button>
          ) : null}
          <button type="submit" className="button primary" aria-busy={busy} onClick={() => setAnew(false)}>
            {t("explore.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const NEW = "new";

/** Puts a query onto a dashboard, as a widget of its own. */
export function AddToDashboard({ project, content, chart, title, onClose }: Asking & { chart: string; title: string }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const known = useQuery(dashboards(api, project)).data;
  const [into, setInto] = useState("");
  const [added, setAdded] = useState<Dashboard>();
  const chosen = into || (known?.[0]?.id ?? NEW);
  const { busy, error, submit } = useSubmit(async ({ name = "", title: called = "" }) => {
    const target = known?.find(({ id }) => id === chosen);
    const widget: Widget = { id: fresh(), title: called.trim(), inline: content, chart };
    const before = target ?? {
      name: name.trim(),
      description: "",
      access: "organisation" as const,
      widgets: [],
      layout: {},
    };
    const widgets = [...before.widgets, widget];
    const body = {
      name: before.name,
      description: before.description,
      access: before.access,
      widgets,
      layout: { ...before.layout, items: placed(before.layout, widgets, { [widget.id]: sizeOf(widget) }) },
    };
    setAdded(await saveDashboard(api, project, body, target));
    await client.invalidateQueries({ queryKey: [project, "/api/v1/dashboards"] });
  });
  return (
    <Dialog title={t("explore.addTo")} close={t("keys.close")} onClose={onClose}>
      {added ? (
        <div className="stack">
          <p role="status">{t("explore.added", { name: added.name })}</p>
          <Link
            to="/p/$project/dashboards/$dashboard"
            params={{ project, dashboard: added.id }}
            className="button primary"
          >
            {t("explore.openDashboard")}
          </Link>
        </div>
      ) : (
        <form onSubmit={submit}>
          <Field label={t("dashboards.widgetTitle")} name="title" defaultValue={title} maxLength={200} />
          <Select
            label={t("explore.dashboard")}
            value={chosen}
            options={[
              ...(known ?? []).map(({ id, name }) => ({ value: id, text: name })),
              { value: NEW, text: t("explore.newDashboard") },
            ]}
            onChange={(event) => setInto(event.target.value)}
          />
          {chosen === NEW ? <Field label={t("explore.newName")} name="name" maxLength={200} required /> : null}
          <FormError error={error} />
          <button type="submit" className="button primary" aria-busy={busy}>
            {t("explore.add")}
          </button>
        </form>
      )}
    </Dialog>
  );
}
