import { useQueries, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { ERASURES, type ErasureWanted, startJob } from "../api/jobs";
import { personOf } from "../api/persons";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { TypedWord } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { type People, PeopleField } from "../panels/PeopleField";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { listed, MOST_PEOPLE } from "../state/ids";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field, Segmented } from "../ui/form";
import "../ui/jobs.css";

const PREVIEWED = 5;

/** Whom to erase and how; what is there of them is shown before, and the last question is answered by typing. */
export default function ErasureForm() {
  const { t } = useTexts();
  const { project } = useScope();
  const [asked] = useAsk((one) => ({ person: textOf(one.person) }));
  const [people, setPeople] = useState<People>({ kind: asked.person ? "people" : "user_id", text: asked.person });
  const [linked, setLinked] = useState(true);
  const [mode, setMode] = useState<ErasureWanted["mode"]>("erase");
  const [properties, setProperties] = useState<"drop" | "keep">("drop");
  const [reason, setReason] = useState("");
  const [sure, setSure] = useState(false);
  const found = listed(people.text, people.kind);
  const ready = found.people.length > 0 && found.people.length <= MOST_PEOPLE && !found.unclear.length;
  const wanted: ErasureWanted = {
    people: found.people,
    linked,
    mode,
    reason,
    ...(mode === "anonymise" && { properties }),
  };
  return (
    <>
      <p className="back">
        <Link to="/p/$project/privacy" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("jobs.erasures.tab")}
        </Link>
      </p>
      <div className="controls">
        <h1>{t("jobs.erasures.make")}</h1>
      </div>
      <form
        className="job-grid"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) setSure(true);
        }}
      >
        <div className="panel padded">
          <PeopleField value={people} found={found} onChange={setPeople} />
          <label className="check-line">
            <input type="checkbox" checked={linked} onChange={(event) => setLinked(event.target.checked)} />
            <span>{t("jobs.erasures.linked")}</span>
          </label>
          <div className="field">
            <span className="label">{t("jobs.erasures.how")}</span>
            <Segmented
              label={t("jobs.erasures.how")}
              value={mode}
              options={(["erase", "anonymise"] as const).map((value) => ({
                value,
                text: t(`jobs.erasures.modes.${value}`),
              }))}
              onChange={setMode}
            />
            <p className="field-note">{t(`jobs.erasures.modeHint.${mode}`)}</p>
          </div>
          {mode === "anonymise" ? (
            <label className="check-line">
              <input
                type="checkbox"
                checked={properties === "keep"}
                onChange={(event) => setProperties(event.target.checked ? "keep" : "drop")}
              />
              <span>{t("jobs.erasures.keepProperties")}</span>
            </label>
          ) : null}
          <Field
            label={t("jobs.reason")}
            value={reason}
            maxLength={1000}
            hint={t("jobs.reasonHint")}
            onChange={(event) => setReason(event.target.value)}
          />
        </div>
        <section className="panel padded side-panel" aria-label={t("jobs.erasures.preview")}>
          <h2>{t("jobs.erasures.preview")}</h2>
          {ready ? <Preview people={found.people} /> : <p className="faint">{t("jobs.erasures.previewNone")}</p>}
          <p className="faint">{t("jobs.erasures.promise")}</p>
          {ready ? (
            <button type="submit" className="button danger">
              {t("jobs.erasures.next")}
            </button>
          ) : null}
        </section>
      </form>
      {sure ? <Sure wanted={wanted} onClose={() => setSure(false)} /> : null}
    </>
  );
}

/** What is there of the first few of them now. */
function Preview({ people }: { people: readonly string[] }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const shown = people.slice(0, PREVIEWED);
  const answers = useQueries({
    queries: shown.map((one) => ({ ...personOf(api, project, one), retry: false, staleTime: 30_000 })),
  });
  const rows = shown.map((id, place) => ({ id, query: answers[place] }));
  return (
    <>
      <ListTable
        caption={t("jobs.erasures.preview")}
        className="jobs-table"
        rows={rows}
        rowKey={({ id }) => id}
        columns={[
          { name: t("people.person"), cell: ({ id }) => <bdi className="event-name">{id}</bdi> },
          {
            name: t("measure.count"),
            kind: "narrow",
            cell: ({ query }) =>
              query?.data
                ? formatNumber(query.data.traits.events, language)
                : query?.isPending
                  ? "…"
                  : t("jobs.erasures.unknown"),
          },
          {
            name: t("person.ids"),
            kind: "narrow",
            cell: ({ query }) => (query?.data ? formatNumber(query.data.keys.length, language) : "–"),
          },
        ]}
      />
      {people.length > PREVIEWED ? (
        <p className="faint">
          {t("jobs.erasures.others", {
            count: people.length - PREVIEWED,
            shown: formatNumber(people.length - PREVIEWED, language),
          })}
        </p>
      ) : null}
    </>
  );
}

function Sure({ wanted, onClose }: { wanted: ErasureWanted; onClose: () => void }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const count = wanted.people.length;
  const word = count === 1 ? (wanted.people[0]?.slice(2) ?? "") : String(count);
  const { busy, error, submit } = useSubmit(async () => {
    if (typed !== word) return;
    const { id } = await startJob(api, project, ERASURES, wanted);
    void client.invalidateQueries({ queryKey: [project, ERASURES] });
    await navigate({
      to: "/p/$project/privacy/erasures/$erasure",
      params: { project, erasure: id },
      search: sharedOf as never,
    });
  });
  return (
    <Dialog
      title={t("jobs.erasures.sure", { count, shown: formatNumber(count, language) })}
      close={t("events.close")}
      onClose={onClose}
    >
      <form onSubmit={submit}>
        <p>{t(`jobs.erasures.sureAbout.${wanted.mode}`)}</p>
        <FormError error={error} />
        <TypedWord
          label={t(count === 1 ? "jobs.erasures.typeId" : "jobs.erasures.typeCount")}
          word={word}
          value={typed}
          onChange={setTyped}
        />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t("form.cancel")}
          </button>
          {typed === word ? (
            <button type="submit" className="button danger" aria-busy={busy}>
              {busy ? t("form.busy") : t("jobs.erasures.make")}
            </button>
          ) : null}
        </div>
      </form>
    </Dialog>
  );
}
