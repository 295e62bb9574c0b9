import { type UseQueryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Version } from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { useNow } from "../state/now";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { type Column, ListTable } from "./ListTable";

interface Named {
  name: string;
}

/** What something saved was before; an older version is restored as the newest. */
export function Versions<Content extends Named>(props: {
  /** The newest version there is. */
  newest: number;
  query: UseQueryOptions<{ items: Version<Content>[] }, Error, { items: Version<Content>[] }, never>;
  restore: (version: number) => Promise<unknown>;
  /** What is asked anew after it. */
  changes: readonly unknown[];
  contents: Omit<Column<Version<Content>>, "kind">;
  may: boolean;
  onClose: () => void;
}) {
  const { t, language } = useTexts();
  const client = useQueryClient();
  const query = useQuery(props.query);
  const now = useNow(60_000);
  const { busy, error, submit } = useSubmit(async ({ version }) => {
    await props.restore(Number(version));
    props.onClose();
    await client.invalidateQueries({ queryKey: props.changes });
  });
  return (
    <Dialog title={t("dashboards.versions")} close={t("keys.close")} onClose={props.onClose} wide>
      <FormError error={error ?? query.error ?? undefined} />
      <ListTable<Version<Content>>
        caption={t("dashboards.versions")}
        rows={query.data?.items ?? []}
        rowKey={({ version }) => String(version)}
        columns={[
          { name: t("dashboards.versions"), cell: ({ version }) => t("dashboards.version", { version }) },
          { name: t("dashboards.name"), kind: "wide", cell: ({ content }) => <bdi>{content.name}</bdi> },
          { ...props.contents, kind: "wide" },
          { name: t("dashboards.changed"), cell: ({ saved_at }) => formatAgo(saved_at, now, language) },
          {
            name: t("dashboards.restore"),
            kind: "bare",
            cell: ({ version }) =>
              version === props.newest ? (
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
