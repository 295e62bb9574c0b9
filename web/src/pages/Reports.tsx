import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileChartColumn, Plus } from "lucide-react";
import { useApi } from "../api/client";
import { type BuiltInReport, type Report, reportsOf } from "../api/reports";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { whenOf } from "../state/reports";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import "../ui/reports.css";

/** The reports of a project: those that come by themselves, and those that can be looked at at once. */
export default function Reports() {
  const { t, language, chosen } = useTexts();
  const { project } = useScope();
  const writes = useMay()("reports.write");
  const query = useQuery(reportsOf(useApi(), project, chosen));
  const builtIns = new Map(query.data?.built_ins.map((one) => [one.slug as string, one.title]));
  return (
    <>
      <div className="controls">
        <h1>{t("reports.nav.reports")}</h1>
        {writes ? (
          <Link to="/p/$project/reports/new" params={{ project }} search={sharedOf as never} className="button primary">
            <Plus size={16} aria-hidden="true" />
            {t("reports.make")}
          </Link>
        ) : null}
      </div>
      <p className="about">{t("reports.about")}</p>
      <div className="stack">
        <Panel
          title={t("reports.own")}
          query={{ ...query, data: query.data?.items } as never}
          isEmpty={(items: Report[]) => items.length === 0}
          className="free"
          empty={
            <div className="empty">
              <FileChartColumn size={24} aria-hidden="true" />
              <p>{t("reports.none")}</p>
            </div>
          }
        >
          {(items: Report[]) => (
            <ListTable<Report>
              caption={t("reports.own")}
              className="reports-table"
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("projects.name"),
                  cell: (one) => (
                    <>
                      <Link
                        to="/p/$project/reports/$report"
                        params={{ project, report: one.id }}
                        search={sharedOf as never}
                        className="event-name"
                      >
                        <bdi>{one.report.name}</bdi>
                      </Link>
                      <span className="under">
                        {one.report.report === "custom"
                          ? one.report.dashboard_id
                            ? t("reports.aDashboard")
                            : t("reports.parts", { count: one.report.parts.length })
                          : builtIns.get(one.report.report)}
                      </span>
                    </>
                  ),
                },
                {
                  name: t("reports.goesTo"),
                  kind: "wide",
                  cell: (one) => one.report.emails.join(", ") || <span className="faint">{t("reports.nobody")}</span>,
                },
                {
                  name: t("reports.comes"),
                  cell: (one) => (
                    <>
                      {whenOf(one.report, t)}
                      {one.next_at ? (
                        <span className="under">
                          {formatMoment(one.next_at, one.report.timezone ?? "UTC", language, true)}
                        </span>
                      ) : null}
                    </>
                  ),
                },
              ]}
            />
          )}
        </Panel>
        <Panel
          title={t("reports.builtIns")}
          query={{ ...query, data: query.data?.built_ins } as never}
          className="free"
        >
          {(items: BuiltInReport[]) => (
            <ul className="report-cards">
              {items.map((one) => (
                <li key={one.slug}>
                  <Link
                    to="/p/$project/reports/built-in/$slug"
                    params={{ project, slug: one.slug }}
                    search={sharedOf as never}
                  >
                    <strong>{one.title}</strong>
                    <span>{one.description}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </>
  );
}
