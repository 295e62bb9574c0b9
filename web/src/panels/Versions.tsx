import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "../api/client";
import { type Dashboard, type DashboardWanted, dashboardVersions, restoreDashboard, type Version } from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { useNow } from "../state/now";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { ListTable } from "./ListTable";

/** What a dashboard was before; an older version is restored as the newest. */
export function Versions(props: { project: string; saved: Dashboard; may: boolean; onClose: () => void }) {
  const { t, language } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const { project, saved } = props;
  const query = useQuery(dashboardVersions(api, project, saved.id));
  const now = useNow(60_000);
  const { busy, error, submit } = useSubmit(async ({ version }) => {
    await restoreDashboard(api, project, saved, Number(version));
    props.onClose();
    await client.invalidateQueries({ queryKey: [project, "/api/v1/dashboards"] });
  });
  return (
    <Dialog title={t("dashboards.versions")} close={t("keys.close")} onClose={props.onClose} wide>
      <FormError error={error ?? query.error ?? undefined} />
      <ListTable<Version<DashboardWanted>>
        caption={t("dashboards.versions")}
        rows={query.data?.items ?? []}
        rowKey={({ version }) => String(version)}
        columns={[
          { name: t("dashboards.versions"), cell: ({ version }) => t("dashboards.version", { version }) },
          { name: t("dashboards.name"), kind: "wide", cell: ({ content }) => <bdi>{content.name}</bdi> },
          {
            name: t("dashboards.contents"),
            kind: "wide",
            cell: ({ content }) => t("dashboards.widgets", { count: content.widgets?.length ?? 0 }),
          },
          { name: t("dashboards.changed"), cell: ({ saved_at }) => formatAgo(saved_at, now, language) },
          {
            name: t("dashboards.restore"),
            kind: "bare",
            cell: ({ version }) =>
              version === saved.version ? (
                t("dashboards.now")
              ) : props.may ? (
                <form onSubmit={submit}>
                  <input type="hidden" name="version" value={version} />
                  <button
                    type="submit"
                    className="link"
                    aria-busy={busy}
                    aria-label={`${t("dashboards.restore")}: ${t("dashboards.version", { version })}`}
                  >
                    {t("dashboards.restore")}
                  </button>
                </form>
              ) : null,
          },
        ]}
      />
    </Dialog>
  );
}
