import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Gavel } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { HOLDS, type Hold, holdsOf, RETENTION } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDay } from "../i18n/format";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";
import { Moment } from "./JobParts";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";

const STATES = {
  true: ["stored", "jobs.holds.inForce"],
  false: ["queued", "jobs.holds.soon"],
} as const;

/** What nobody may drop, neither retention nor an erasure, until somebody releases it. */
export function Holds() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("retention.write");
  const query = useQuery(holdsOf(api, project));
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<Hold>();
  const refresh = () => client.invalidateQueries({ queryKey: [project] });
  const nameOf = (one: Hold) => one.person ?? t("jobs.holds.project");
  return (
    <>
      <Panel
        title={t("jobs.holds.title")}
        query={query}
        className="free"
        isEmpty={({ items }) => items.length === 0}
        actions={
          writes ? (
            <button type="button" className="link" onClick={() => setAdding(true)}>
              {t("jobs.holds.make")}
            </button>
          ) : null
        }
        empty={
          <div className="empty">
            <Gavel size={24} aria-hidden="true" />
            <p>{t("jobs.holds.none")}</p>
          </div>
        }
      >
        {({ items }) => (
          <ListTable
            caption={t("jobs.holds.title")}
            className="jobs-table"
            rows={items.toSorted((a, b) => Number(a.released_at !== null) - Number(b.released_at !== null))}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("jobs.holds.whose"),
                cell: (one) => (
                  <>
                    <bdi className="event-name">{nameOf(one)}</bdi>
                    <bdi className="under">{one.reason}</bdi>
                  </>
                ),
              },
              {
                name: t("jobs.state"),
                cell: (one) => {
                  if (one.released_at)
                    return (
                      <span className="state">
                        {t("jobs.holds.released", { day: formatDay(one.released_at, language) })}
                      </span>
                    );
                  const [look, text] = STATES[`${one.in_force}`];
                  return <span className={`state ${look}`}>{t(text)}</span>;
                },
              },
              { name: t("jobs.holds.since"), kind: "wide", cell: (one) => <Moment at={one.created_at} /> },
              {
                name: t("jobs.actions"),
                kind: "bare",
                cell: (one) =>
                  writes && !one.released_at ? (
                    <button
                      type="button"
                      className="link"
                      onClick={() => setEnding(one)}
                      aria-label={`${t("jobs.holds.release")}: ${nameOf(one)}`}
                    >
                      {t("jobs.holds.release")}
                    </button>
                  ) : null,
              },
            ]}
          />
        )}
      </Panel>
      {adding ? (
        <Add
          onClose={() => setAdding(false)}
          onDone={async () => {
            await refresh();
            setAdding(false);
          }}
        />
      ) : null}
      {ending ? (
        <Confirm
          title={t("jobs.holds.releaseTitle", { name: nameOf(ending) })}
          about={t("jobs.holds.releaseAbout")}
          action={t("jobs.holds.release")}
          run={async () => {
            await api.call(`${HOLDS}/${ending.id}`, { method: "DELETE", project });
            await client.invalidateQueries({ queryKey: [project, RETENTION] });
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}

function Add({ onClose, onDone }: { onClose: () => void; onDone: () => Promise<void> }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const [whose, setWhose] = useState<"user_id" | "anonymous_id" | "project">("user_id");
  const { busy, error, submit } = useSubmit(async ({ id = "", reason = "" }) => {
    const body = whose === "project" ? { project: true, reason } : { [whose]: id.trim(), reason };
    await api.call(HOLDS, { project, body });
    await onDone();
  });
  return (
    <Dialog title={t("jobs.holds.make")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t("jobs.holds.about")}</p>
        <FormError error={error} />
        <Select
          label={t("jobs.holds.whose")}
          value={whose}
          onChange={(event) => setWhose(event.target.value as typeof whose)}
          options={[
            { value: "user_id", text: t("jobs.people.kinds.user_id") },
            { value: "anonymous_id", text: t("jobs.people.kinds.anonymous_id") },
            { value: "project", text: t("jobs.holds.project") },
          ]}
        />
        {whose === "project" ? null : (
          <Field label={t("jobs.people.id")} name="id" maxLength={512} required autoComplete="off" />
        )}
        <Field label={t("jobs.reason")} name="reason" maxLength={1000} required />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("jobs.holds.start")}
        </button>
      </form>
    </Dialog>
  );
}
