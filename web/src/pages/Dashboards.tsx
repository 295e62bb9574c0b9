import "../ui/explore.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { LayoutGrid, Plus } from "lucide-react";
import { useApi } from "../api/client";
import { type Dashboard, type DashboardWanted, dashboards, saveDashboard } from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useNew } from "../state/opened";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";

export const ACCESSES = ["organisation", "organisation_reads", "private"] as const;

/** The dashboards of the project that are open to whoever looks. */
export default function Dashboards() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const query = useQuery(dashboards(useApi(), project));
  const may = useMay()("dashboards.write");
  const now = useNow(60_000);
  const [making, setMaking] = useNew();
  return (
    <>
      <div className="controls">
        <h1>{t("dashboards.title")}</h1>
        {may ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            <Plus size={16} aria-hidden="true" />
            {t("dashboards.make")}
          </button>
        ) : null}
      </div>
      <Panel
        title={t("dashboards.all")}
        query={query}
        isEmpty={(items) => items.length === 0}
        empty={
          <div className="empty">
            <LayoutGrid size={24} aria-hidden="true" />
            <p>{may ? t("dashboards.none") : t("dashboards.noneAsk")}</p>
          </div>
        }
      >
        {(items) => (
          <ListTable<Dashboard>
            caption={t("dashboards.all")}
            rows={[...items].sort((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at))}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("dashboards.name"),
                cell: (one) => (
                  <>
                    <Link
                      to="/p/$project/dashboards/$dashboard"
                      params={{ project, dashboard: one.id }}
                      className="row-link"
                    >
                      <bdi>{one.name}</bdi>
                    </Link>
                    {one.description ? <small className="faint line">{one.description}</small> : null}
                  </>
                ),
              },
              {
                name: t("dashboards.contents"),
                kind: "wide",
                cell: ({ widgets }) => t("dashboards.widgets", { count: widgets.length }),
              },
              { name: t("dashboards.access"), kind: "wide", cell: ({ access }) => t(`dashboards.accesses.${access}`) },
              {
                name: t("dashboards.changed"),
                kind: "narrow",
                cell: (one) => <time dateTime={one.updated_at}>{formatAgo(one.updated_at, now, language)}</time>,
              },
            ]}
          />
        )}
      </Panel>
      {making ? <MakeDashboard onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function MakeDashboard({ onClose }: { onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { busy, error, submit } = useSubmit(async ({ name = "", description = "", access }) => {
    const made = await saveDashboard(api, project, {
      name: name.trim(),
      description,
      access: access as DashboardWanted["access"],
      widgets: [],
      layout: {},
    });
    await client.invalidateQueries({ queryKey: [project, "/api/v1/dashboards"] });
    await navigate({
      to: "/p/$project/dashboards/$dashboard",
      params: { project, dashboard: made.id },
      search: { ask: { edit: true } },
    });
  });
  return (
    <Dialog title={t("dashboards.make")} close={t("keys.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label={t("dashboards.name")} name="name" maxLength={200} required />
        <Field label={t("dashboards.description")} name="description" maxLength={2000} />
        <Select
          label={t("dashboards.access")}
          name="access"
          defaultValue="organisation"
          options={ACCESSES.map((value) => ({ value, text: t(`dashboards.accesses.${value}`) }))}
        />
        <FormError error={error} />
        <button type="submit" className="button primary" aria-busy={busy}>
          {t("dashboards.create")}
        </button>
      </form>
    </Dialog>
  );
}
