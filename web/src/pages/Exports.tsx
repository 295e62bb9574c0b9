import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CalendarClock, Download, Plus } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { EXPORTS, type ExportJob, type Page, SCHEDULES, type Schedule, saveSchedule, schedulesOf } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { useExportWords } from "../panels/ExportWords";
import { Moment, StateOf, useBytes } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import "../ui/jobs.css";

/** Files of events: made once, or again and again by a schedule. */
export default function Exports() {
  const { t } = useTexts();
  const { project } = useScope();
  const writes = useMay()("exports.write");
  return (
    <>
      <div className="controls">
        <h1>{t("jobs.exports.title")}</h1>
        {writes ? (
          <div className="control-row">
            <Link
              to="/p/$project/exports/schedules/new"
              params={{ project }}
              search={sharedOf as never}
              className="button"
            >
              <CalendarClock size={16} aria-hidden="true" />
              {t("jobs.schedules.make")}
            </Link>
            <Link
              to="/p/$project/exports/new"
              params={{ project }}
              search={sharedOf as never}
              className="button primary"
            >
              <Plus size={16} aria-hidden="true" />
              {t("jobs.exports.make")}
            </Link>
          </div>
        ) : null}
      </div>
      <p className="about">{t("jobs.exports.about")}</p>
      <div className="stack">
        <List writes={writes} />
        <Schedules writes={writes} />
      </div>
    </>
  );
}

function List({ writes }: { writes: boolean }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const words = useExportWords();
  const bytesOf = useBytes();
  return (
    <PagedPanel<ExportJob>
      title={t("jobs.exports.list")}
      queryKey={[project, EXPORTS]}
      ask={(cursor, signal) => api.call<Page<ExportJob>>(EXPORTS, { project, signal, query: { limit: 25, cursor } })}
      everyMs={4_000}
      className="free"
      tableClass="jobs-table"
      rowKey={(one) => one.id}
      empty={
        <div className="empty">
          <Download size={24} aria-hidden="true" />
          <p>{t("jobs.exports.none")}</p>
          {writes ? (
            <Link to="/p/$project/exports/new" params={{ project }} search={sharedOf as never} className="button">
              {t("jobs.exports.make")}
            </Link>
          ) : null}
        </div>
      }
      columns={[
        {
          name: t("jobs.exports.what"),
          cell: (one) => (
            <>
              <Link
                to="/p/$project/exports/$export"
                params={{ project, export: one.id }}
                search={sharedOf as never}
                className="event-name"
              >
                {words.range(one.request)}
              </Link>
              <span className="under">
                {words.format(one.request)} · {words.events(one.request)}
                {one.request.schedule_id ? ` · ${t("jobs.exports.scheduled")}` : ""}
              </span>
            </>
          ),
        },
        {
          name: t("jobs.state"),
          cell: (one) => (one.expired_at ? <span className="state">{t("jobs.expired")}</span> : <StateOf job={one} />),
        },
        {
          name: t("jobs.rows"),
          kind: "wide",
          cell: (one) =>
            one.result ? (
              <>
                {formatNumber(one.result.rows, language)}
                <span className="under">{bytesOf(one.result.bytes)}</span>
              </>
            ) : (
              "–"
            ),
        },
        { name: t("jobs.asked"), kind: "narrow", cell: (one) => <Moment at={one.created_at} /> },
      ]}
    />
  );
}

function Schedules({ writes }: { writes: boolean }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const words = useExportWords();
  const query = useQuery(schedulesOf(api, project));
  const [ending, setEnding] = useState<Schedule>();
  const refresh = () => client.invalidateQueries({ queryKey: [project, SCHEDULES] });
  const { error, submit } = useSubmit(async ({ id }) => {
    const found = query.data?.items.find((one) => one.id === id);
    if (found) await saveSchedule(api, project, { ...found.request, enabled: !found.request.enabled }, found.id);
    await refresh();
  });
  return (
    <>
      <Panel
        title={t("jobs.schedules.title")}
        query={query}
        className="free"
        isEmpty={({ items }) => items.length === 0}
        empty={
          <div className="empty">
            <CalendarClock size={24} aria-hidden="true" />
            <p>{t("jobs.schedules.none")}</p>
          </div>
        }
      >
        {({ items }) => (
          <div>
            <FormError error={error} />
            <ListTable
              caption={t("jobs.schedules.title")}
              className="jobs-table"
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("projects.name"),
                  cell: ({ id, request }) => (
                    <>
                      {writes ? (
                        <Link
                          to="/p/$project/exports/schedules/$schedule"
                          params={{ project, schedule: id }}
                          search={sharedOf as never}
                          className="event-name"
                        >
                          <bdi>{request.name}</bdi>
                        </Link>
                      ) : (
                        <bdi className="event-name">{request.name}</bdi>
                      )}
                      <span className="under">
                        {words.format(request)} · {words.events(request)}
                      </span>
                    </>
                  ),
                },
                {
                  name: t("jobs.schedules.every"),
                  cell: ({ request }) =>
                    request.every ? t(`jobs.schedules.often.${request.every}`) : <code>{request.cron}</code>,
                },
                {
                  name: t("jobs.schedules.next"),
                  kind: "wide",
                  cell: ({ request, next_window }) =>
                    request.enabled === false ? (
                      <span className="state queued">{t("jobs.schedules.paused")}</span>
                    ) : (
                      <time dateTime={next_window.due_at}>
                        {formatMoment(next_window.due_at, timezone, language, true)}
                      </time>
                    ),
                },
                {
                  name: t("jobs.actions"),
                  kind: "bare",
                  cell: (one) =>
                    writes ? (
                      <span className="links">
                        <form onSubmit={submit}>
                          <input type="hidden" name="id" value={one.id} />
                          <button
                            type="submit"
                            className="link"
                            aria-label={`${one.request.enabled === false ? t("jobs.schedules.resume") : t("jobs.schedules.pause")}: ${one.request.name}`}
                          >
                            {one.request.enabled === false ? t("jobs.schedules.resume") : t("jobs.schedules.pause")}
                          </button>
                        </form>
                        <button
                          type="button"
                          className="link"
                          onClick={() => setEnding(one)}
                          aria-label={`${t("jobs.schedules.end")}: ${one.request.name}`}
                        >
                          {t("jobs.schedules.end")}
                        </button>
                      </span>
                    ) : null,
                },
              ]}
            />
          </div>
        )}
      </Panel>
      {ending ? (
        <Confirm
          title={t("jobs.schedules.endTitle", { name: ending.request.name })}
          about={t("jobs.schedules.endAbout")}
          action={t("jobs.schedules.end")}
          run={async () => {
            await api.call(`${SCHEDULES}/${ending.id}`, { method: "DELETE", project });
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}
