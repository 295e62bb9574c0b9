import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FileUser } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { ACCESS, type AccessJob, type Page, startJob } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Moment, StateOf } from "../panels/JobParts";
import { PagedPanel } from "../panels/PagedPanel";
import { PrivacyHead } from "../panels/PrivacyHead";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";

/** What people were given of what is kept about them. */
export default function AccessRequests() {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const asks = useMay()("persons.export");
  const [asked] = useAsk((one) => ({ person: textOf(one.person) }));
  const [making, setMaking] = useState(asked.person !== "");
  return (
    <>
      <PrivacyHead about={t("jobs.access.about")}>
        {asks ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            {t("jobs.access.make")}
          </button>
        ) : null}
      </PrivacyHead>
      <PagedPanel<AccessJob>
        title={t("jobs.access.list")}
        queryKey={[project, ACCESS]}
        ask={(cursor, signal) => api.call<Page<AccessJob>>(ACCESS, { project, signal, query: { limit: 25, cursor } })}
        everyMs={4_000}
        className="free"
        tableClass="jobs-table"
        rowKey={(one) => one.id}
        empty={
          <div className="empty">
            <FileUser size={24} aria-hidden="true" />
            <p>{t("jobs.access.none")}</p>
          </div>
        }
        columns={[
          {
            name: t("jobs.access.request"),
            cell: (one) => (
              <>
                <Link
                  to="/p/$project/privacy/access/$request"
                  params={{ project, request: one.id }}
                  search={sharedOf as never}
                  className="event-name"
                >
                  {formatMoment(one.created_at, timezone, language, true)}
                </Link>
                <bdi className="under">{one.request.reason || t("jobs.access.sealed")}</bdi>
              </>
            ),
          },
          {
            name: t("jobs.state"),
            cell: (one) =>
              one.expired_at ? <span className="state">{t("jobs.expired")}</span> : <StateOf job={one} />,
          },
          {
            name: t("jobs.rows"),
            kind: "wide",
            cell: (one) => (one.result ? formatNumber(one.result.rows, language) : "–"),
          },
          { name: t("jobs.asked"), kind: "narrow", cell: (one) => <Moment at={one.created_at} /> },
        ]}
      />
      {making ? <Make person={asked.person} onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function Make({ person, onClose }: { person: string; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { busy, error, submit } = useSubmit(async ({ kind = "u", id = "", alone, reason = "" }) => {
    const body = { person: `${kind}:${id.trim()}`, linked: !alone, reason };
    const made = await startJob(api, project, ACCESS, body);
    void client.invalidateQueries({ queryKey: [project, ACCESS] });
    await navigate({
      to: "/p/$project/privacy/access/$request",
      params: { project, request: made.id },
      search: sharedOf as never,
    });
  });
  return (
    <Dialog title={t("jobs.access.make")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t("jobs.access.makeAbout")}</p>
        <FormError error={error} />
        <Select
          label={t("jobs.people.kind")}
          name="kind"
          defaultValue={person.slice(0, 1) || "u"}
          options={[
            { value: "u", text: t("jobs.people.kinds.user_id") },
            { value: "a", text: t("jobs.people.kinds.anonymous_id") },
          ]}
        />
        <Field
          label={t("jobs.people.id")}
          name="id"
          maxLength={512}
          required
          autoFocus
          autoComplete="off"
          defaultValue={person.slice(2)}
        />
        <label className="check-line">
          <input type="checkbox" name="alone" />
          <span>{t("jobs.people.alone")}</span>
        </label>
        <Field label={t("jobs.reason")} name="reason" maxLength={1000} hint={t("jobs.reasonHint")} />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("jobs.access.start")}
        </button>
      </form>
    </Dialog>
  );
}
