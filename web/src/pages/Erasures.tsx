import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { UserX } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { ERASURES, type ErasureJob, type Page } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { Moment, StateOf } from "../panels/JobParts";
import { PagedPanel } from "../panels/PagedPanel";
import { type People, PeopleField } from "../panels/PeopleField";
import { PrivacyHead } from "../panels/PrivacyHead";
import { listed, MOST_PEOPLE } from "../state/ids";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";

/** Who was erased, how far those are that run, and letting somebody in again. */
export default function Erasures() {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const erases = useMay()("persons.erase");
  const [lifting, setLifting] = useState(false);
  return (
    <>
      <PrivacyHead about={t("jobs.erasures.about")}>
        {erases ? (
          <>
            <button type="button" className="button" onClick={() => setLifting(true)}>
              {t("jobs.erasures.lift")}
            </button>
            <Link
              to="/p/$project/privacy/erase"
              params={{ project }}
              search={sharedOf as never}
              className="button primary"
            >
              {t("jobs.erasures.make")}
            </Link>
          </>
        ) : null}
      </PrivacyHead>
      <PagedPanel<ErasureJob>
        title={t("jobs.erasures.list")}
        queryKey={[project, ERASURES]}
        ask={(cursor, signal) =>
          api.call<Page<ErasureJob>>(ERASURES, { project, signal, query: { limit: 25, cursor } })
        }
        everyMs={4_000}
        className="free"
        tableClass="jobs-table"
        rowKey={(one) => one.id}
        empty={
          <div className="empty">
            <UserX size={24} aria-hidden="true" />
            <p>{t("jobs.erasures.none")}</p>
          </div>
        }
        columns={[
          {
            name: t("jobs.erasures.who"),
            cell: (one) => (
              <>
                <Link
                  to="/p/$project/privacy/erasures/$erasure"
                  params={{ project, erasure: one.id }}
                  search={sharedOf as never}
                  className="event-name"
                >
                  {t("jobs.people.count", {
                    count: one.request.people,
                    shown: formatNumber(one.request.people, language),
                  })}
                </Link>
                <span className="under">
                  {t(`jobs.erasures.modes.${one.request.mode ?? "erase"}`)}
                  {one.request.reason ? (
                    <>
                      {" · "}
                      <bdi>{one.request.reason}</bdi>
                    </>
                  ) : null}
                </span>
              </>
            ),
          },
          { name: t("jobs.state"), cell: (one) => <StateOf job={one} /> },
          {
            name: t("jobs.erasures.events"),
            kind: "wide",
            cell: (one) => (one.result ? formatNumber(one.result.certificate.events, language) : "–"),
          },
          { name: t("jobs.asked"), kind: "narrow", cell: (one) => <Moment at={one.created_at} /> },
        ]}
      />
      {lifting ? <Lift onClose={() => setLifting(false)} /> : null}
    </>
  );
}

/** Events of these people are stored again from now on; what was erased stays gone. */
function Lift({ onClose }: { onClose: () => void }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [people, setPeople] = useState<People>({ kind: "user_id", text: "" });
  const [done, setDone] = useState<number>();
  const found = listed(people.text, people.kind);
  const ready = found.people.length > 0 && found.people.length <= MOST_PEOPLE && !found.unclear.length;
  const { busy, error, submit } = useSubmit(async () => {
    if (!ready) return;
    const body = { people: found.people };
    setDone((await api.call<{ readmitted: number }>(`${ERASURES}/lift`, { project, body })).readmitted);
    await client.invalidateQueries({ queryKey: [project] });
  });
  return (
    <Dialog title={t("jobs.erasures.liftTitle")} close={t("events.close")} onClose={onClose}>
      {done === undefined ? (
        <form onSubmit={submit}>
          <p>{t("jobs.erasures.liftAbout")}</p>
          <FormError error={error} />
          <PeopleField value={people} found={found} onChange={setPeople} />
          {ready ? (
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy ? t("form.busy") : t("jobs.erasures.lift")}
            </button>
          ) : null}
        </form>
      ) : (
        <p className="notice" role="status">
          {t("jobs.erasures.lifted", { count: done, shown: formatNumber(done, language) })}
        </p>
      )}
    </Dialog>
  );
}
