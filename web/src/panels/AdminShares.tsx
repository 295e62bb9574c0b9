import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Link2Off } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { dashboards, revokeShare, type Share, shares } from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo, formatDay } from "../i18n/format";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { Confirm } from "../ui/Confirm";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";

/** Every link to a dashboard of the project: who made it, when it was used last, and its end. */
export function AllShares({ nameOf }: { nameOf: (id: string | null) => string }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const now = useNow(60_000);
  const writes = useMay()("shares.write");
  const query = useQuery(shares(api, project));
  const known = useQuery(dashboards(api, project)).data ?? [];
  const [ending, setEnding] = useState<Share>();
  const open = (one: Share) => !one.revoked_at && !(one.expires_at && Date.parse(one.expires_at) <= now);
  const dashboardOf = (one: Share) => known.find(({ id }) => id === one.dashboard_id);
  return (
    <>
      <Panel
        title={t("admin.saved.shares")}
        query={query}
        className="short"
        isEmpty={(found) => found.length === 0}
        empty={
          <div className="empty">
            <Link2Off size={24} aria-hidden="true" />
            <p>{t("admin.saved.noShares")}</p>
          </div>
        }
      >
        {(found) => (
          <ListTable
            caption={t("admin.saved.shares")}
            className="saved-table"
            rows={found.toReversed().toSorted((a, b) => Number(open(b)) - Number(open(a)))}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("dashboards.shareName"),
                cell: (one) => (
                  <>
                    <bdi className="event-name">{one.name}</bdi>
                    <span className="under">
                      {dashboardOf(one) ? (
                        <Link to="/p/$project/dashboards/$dashboard" params={{ project, dashboard: one.dashboard_id }}>
                          <bdi>{dashboardOf(one)?.name}</bdi>
                        </Link>
                      ) : null}{" "}
                      <code>{one.prefix}…</code>
                    </span>
                  </>
                ),
              },
              { name: t("admin.saved.by"), kind: "wide", cell: (one) => <bdi>{nameOf(one.created_by)}</bdi> },
              {
                name: t("dashboards.used"),
                kind: "wide",
                cell: (one) => (one.last_used_at ? formatAgo(one.last_used_at, now, language) : t("apiKeys.never")),
              },
              {
                name: t("apiKeys.state"),
                cell: (one) => (
                  <span className={open(one) ? "state stored" : "state dropped"}>
                    {one.revoked_at
                      ? t("dashboards.ended")
                      : !open(one)
                        ? t("apiKeys.expired")
                        : one.expires_at
                          ? t("apiKeys.until", { day: formatDay(one.expires_at, language) })
                          : t("apiKeys.holds")}
                  </span>
                ),
              },
              {
                name: t("apiKeys.end"),
                kind: "bare",
                cell: (one) =>
                  open(one) && writes ? (
                    <button
                      type="button"
                      className="link"
                      aria-label={t("dashboards.endShare", { name: one.name })}
                      onClick={() => setEnding(one)}
                    >
                      {t("apiKeys.end")}
                    </button>
                  ) : null,
              },
            ]}
          />
        )}
      </Panel>
      {ending ? (
        <Confirm
          title={t("dashboards.endTitle", { name: ending.name })}
          about={t("dashboards.endAbout")}
          action={t("apiKeys.end")}
          run={async () => {
            await revokeShare(api, project, ending.id);
            await client.invalidateQueries({ queryKey: [project, "/api/v1/shares"] });
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}
