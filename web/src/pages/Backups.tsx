import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { DatabaseBackup } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type Backups as Answer, BACKUPS, backupsOf, type Copy } from "../api/jobs";
import { ApiError } from "../api/problem";
import { useTexts } from "../i18n";
import { formatAgo, formatDay, formatMoment, formatNumber } from "../i18n/format";
import { Facts, Moment, useBytes } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import "../ui/jobs.css";

const LOOKS: Record<string, string> = { completed: "stored", running: "queued", failed: "dropped" };
type Query = ReturnType<typeof useQuery<Answer>>;

/** Copies of the whole instance: until when each holds everything, whether it was restored for a test, and when the next is due. */
export default function Backups() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("backups.write");
  const query = useQuery({ ...backupsOf(api, project), retry: false });
  const refresh = () => client.invalidateQueries({ queryKey: [project, "backups"] });
  const begin = useMutation({ mutationFn: () => api.call(BACKUPS, { method: "POST", project }), onSettled: refresh });
  // Where several organisations share an instance, its copies are for those who run it.
  const foreign = query.error instanceof ApiError && query.error.status === 403;
  const running = query.data?.items.some(({ state }) => state === "running");
  return (
    <>
      <div className="controls">
        <h1>{t("jobs.backups.title")}</h1>
        {writes && query.data && !running ? (
          <button
            type="button"
            className="button primary"
            aria-busy={begin.isPending}
            onClick={() => begin.isPending || begin.mutate()}
          >
            {t("jobs.backups.make")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("jobs.backups.about")}</p>
      <FormError error={begin.error ?? undefined} />
      {foreign ? (
        <section className="panel">
          <div className="empty">
            <DatabaseBackup size={24} aria-hidden="true" />
            <p>{t("jobs.backups.operators")}</p>
          </div>
        </section>
      ) : (
        <div className="job-grid">
          <Copies query={query} writes={writes} refresh={refresh} />
          <div className="stack">
            <Policy query={query} />
            <section className="panel padded">
              <h2>{t("jobs.backups.verify")}</h2>
              <p className="faint">{t("jobs.backups.verifyAbout")}</p>
              <CodeBlock code={"sluice backup verify\nsluice backup drill"} />
            </section>
          </div>
        </div>
      )}
    </>
  );
}

function Copies({ query, writes, refresh }: { query: Query; writes: boolean; refresh: () => Promise<void> }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const bytesOf = useBytes();
  const [ending, setEnding] = useState<Copy>();
  const nameOf = (one: Copy) => formatMoment(one.created_at, timezone, language, true);
  return (
    <>
      <Panel
        title={t("jobs.backups.list")}
        query={query}
        className="free"
        isEmpty={({ items }) => items.length === 0}
        empty={
          <div className="empty">
            <DatabaseBackup size={24} aria-hidden="true" />
            <p>{t("jobs.backups.none")}</p>
            <CodeBlock
              code={'SLUICE_BACKUP_URL="s3://key:secret@bucket/sluice"\nSLUICE_BACKUP_SCHEDULE="17 3 * * *"'}
            />
          </div>
        }
      >
        {({ items }) => (
          <ListTable
            caption={t("jobs.backups.list")}
            className="jobs-table"
            rows={items}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("jobs.backups.made"),
                cell: (one) => (
                  <>
                    <span className="event-name">{nameOf(one)}</span>
                    <span className="under">{t(`jobs.backups.kinds.${one.kind}`)}</span>
                  </>
                ),
              },
              {
                name: t("jobs.state"),
                cell: (one) => (
                  <>
                    <span className={`state ${one.deleted_at ? "" : (LOOKS[one.state] ?? "")}`}>
                      {one.deleted_at
                        ? t("jobs.backups.removed")
                        : t(`jobs.backups.states.${one.state as "completed"}`)}
                    </span>
                    {one.error_detail ? <bdi className="under">{one.error_detail}</bdi> : null}
                  </>
                ),
              },
              {
                name: t("jobs.backups.point"),
                kind: "wide",
                cell: (one) => (one.holds_until ? <Moment at={one.holds_until} /> : "–"),
              },
              {
                name: t("jobs.size"),
                kind: "wide",
                cell: (one) =>
                  one.state === "completed" ? (
                    <>
                      {bytesOf(one.bytes)}
                      <span className="under">
                        {t("jobs.backups.events", { count: one.events, shown: formatNumber(one.events, language) })}
                      </span>
                    </>
                  ) : (
                    "–"
                  ),
              },
              { name: t("jobs.backups.drill"), kind: "wide", cell: (one) => <Drill copy={one} /> },
              {
                name: t("jobs.actions"),
                kind: "bare",
                cell: (one) =>
                  writes && !one.deleted_at && one.state !== "running" ? (
                    <button
                      type="button"
                      className="link"
                      onClick={() => setEnding(one)}
                      aria-label={`${t("jobs.remove")}: ${nameOf(one)}`}
                    >
                      {t("jobs.remove")}
                    </button>
                  ) : null,
              },
            ]}
          />
        )}
      </Panel>
      {ending ? (
        <Confirm
          title={t("jobs.backups.removeTitle", { name: nameOf(ending) })}
          about={t("jobs.backups.removeAbout")}
          action={t("jobs.remove")}
          run={async () => {
            await api.call(`${BACKUPS}/${ending.id}`, { method: "DELETE", project });
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}

/** Whether the copy was restored for a test, and what came of it. */
function Drill({ copy }: { copy: Copy }) {
  const { t, language } = useTexts();
  if (!copy.drilled_at) return <span className="faint">{t("jobs.backups.undrilled")}</span>;
  return (
    <>
      <span className={copy.drill ? "state dropped" : "state stored"}>
        {copy.drill ? t("jobs.backups.drillFailed") : t("jobs.backups.drilled")}
      </span>
      <span className="under">{copy.drill || formatDay(copy.drilled_at, language)}</span>
    </>
  );
}

function Policy({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const now = useNow(30_000);
  return (
    <Panel title={t("jobs.backups.policy")} query={query} className="free">
      {({ policy, items }) => {
        const newest = items.find(({ state, deleted_at }) => state === "completed" && !deleted_at);
        return (
          <div className="stack">
            <Facts
              facts={[
                [
                  t("jobs.backups.lost"),
                  newest?.holds_until ? formatAgo(newest.holds_until, now, language) : t("jobs.backups.everything"),
                ],
                [t("jobs.backups.schedule"), policy.schedule ?? t("jobs.never")],
                [t("jobs.backups.drills"), policy.drill_schedule ?? t("jobs.never")],
                [t("jobs.backups.keep"), t("jobs.days", { count: policy.keep_days })],
              ]}
            />
            {policy.elsewhere ? null : <p className="notice warning">{t("jobs.backups.beside")}</p>}
          </div>
        );
      }}
    </Panel>
  );
}
