import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useApi } from "../api/client";
import { membersOf } from "../api/people";
import { type Merge, mergePerson, type PersonAnswer, peopleLike, unmerge } from "../api/persons";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { useMay, useProject } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";
import { Panel } from "./Panel";

type Query = ReturnType<typeof useQuery<PersonAnswer>>;

/** Which ids are one person's, why, and who made them so; who may merges people and takes that back. */
export function Identity({ query, person }: { query: Query; person: string }) {
  const { t } = useTexts();
  const merges = useMay()("persons.merge");
  const [merging, setMerging] = useState(false);
  const [undoing, setUndoing] = useState<Merge>();
  return (
    <>
      <Panel
        title={t("person.identity")}
        query={query}
        className="short"
        actions={
          merges ? (
            <button type="button" className="link" onClick={() => setMerging(true)}>
              {t("person.merge")}
            </button>
          ) : null
        }
      >
        {(answer) => (
          <div className="stack">
            <div>
              <h3>{t("person.ids")}</h3>
              <p className="tags">
                {answer.keys.map((key) => (
                  <code key={key} className="id">
                    {key}
                  </code>
                ))}
              </p>
            </div>
            <Merges merges={answer.merges} undo={merges ? setUndoing : undefined} />
            <Links links={answer.links} />
          </div>
        )}
      </Panel>
      {merging ? <MergeForm person={person} onClose={() => setMerging(false)} /> : null}
      {undoing ? <UndoForm person={person} merge={undoing} onClose={() => setUndoing(undefined)} /> : null}
    </>
  );
}

/** What people joined, and took apart again. */
function Merges({ merges, undo }: { merges: readonly Merge[]; undo: ((merge: Merge) => void) | undefined }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const who = useWho();
  if (!merges.length) return null;
  const when = (moment: string) => formatMoment(moment, timezone, language);
  return (
    <div>
      <h3>{t("person.merges")}</h3>
      <ul className="links-list">
        {merges.map((one) => (
          <li key={one.id} className={one.removed_at ? "over" : undefined}>
            <p>
              <code>{one.from_key}</code> → <code>{one.to_key}</code>
            </p>
            <p className="faint">
              {t("person.mergedBy", { who: who(one.merged_by), when: when(one.merged_at) })}
              {one.reason ? (
                <>
                  {" "}
                  <q>{one.reason}</q>
                </>
              ) : null}
            </p>
            {one.removed_at ? (
              <p className="faint">
                {t("person.removedBy", { who: who(one.removed_by ?? ""), when: when(one.removed_at) })}
              </p>
            ) : undo ? (
              <button
                type="button"
                className="link"
                aria-label={`${t("person.unmerge")}: ${one.from_key}`}
                onClick={() => undo(one)}
              >
                {t("person.unmerge")}
              </button>
            ) : null}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What events joined, and whether it holds: of several links of an id only the first does. */
function Links({ links }: { links: PersonAnswer["links"] }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  if (!links.length) return null;
  return (
    <div>
      <h3>{t("person.links")}</h3>
      <ul className="links-list">
        {links.map((one) => (
          <li key={`${one.event_id}${one.from_key}${one.to_key}`} className={one.holds ? undefined : "over"}>
            <p>
              <code>{one.from_key}</code> → <code>{one.to_key}</code>
            </p>
            <p className="faint">
              {t("person.linkedBy", { event: one.event, when: formatMoment(one.at, timezone, language) })}
              {one.holds ? null : <> · {t("person.overruled")}</>}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Names whoever made a merge, as far as they still belong to the organisation. */
function useWho(): (by: string) => string {
  const { t } = useTexts();
  const organisation = useProject()?.organisation_id ?? "";
  const reads = useMay()("members.read");
  const members = useQuery({ ...membersOf(useApi(), organisation), enabled: reads && organisation !== "" }).data ?? [];
  return (by) => {
    const [kind, id] = by.split(":");
    if (kind === "key") return t("person.byKey");
    const member = members.find(({ user_id }) => user_id === id);
    return member ? member.name || member.email : t("person.bySomebody");
  };
}

function MergeForm({ person, onClose }: { person: string; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const list = useId();
  const [typed, setTyped] = useState("");
  const found = useQuery({ ...peopleLike(api, project, typed), enabled: typed.length > 1 }).data?.items ?? [];
  const { busy, error, submit } = useSubmit(async ({ into = "", reason = "" }) => {
    const merged = await mergePerson(api, project, person, into.trim(), reason.trim());
    onClose();
    void client.invalidateQueries({ queryKey: [project] });
    await navigate({
      to: "/p/$project/people/$person",
      params: { project, person: merged.person },
      search: sharedOf as never,
    });
  });
  return (
    <Dialog title={t("person.mergeTitle")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <p>{t("person.mergeAbout", { person })}</p>
        <Field
          label={t("person.into")}
          hint={t("person.intoHint")}
          name="into"
          list={list}
          autoComplete="off"
          required
          onChange={(event) => setTyped(event.target.value)}
        />
        <datalist id={list}>
          {found
            .filter((one) => one.person !== person)
            .map((one) => (
              <option key={one.person} value={one.person} />
            ))}
        </datalist>
        <Field label={t("person.reason")} name="reason" maxLength={1000} required />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("person.merge")}
        </button>
      </form>
    </Dialog>
  );
}

function UndoForm({ person, merge, onClose }: { person: string; merge: Merge; onClose: () => void }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const { busy, error, submit } = useSubmit(async ({ reason = "" }) => {
    await unmerge(api, project, person, merge.id, reason.trim());
    onClose();
    void client.invalidateQueries({ queryKey: [project] });
  });
  return (
    <Dialog title={t("person.unmergeTitle")} close={t("events.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <p>{t("person.unmergeAbout", { from: merge.from_key, to: merge.to_key })}</p>
        <Field label={t("person.reason")} name="reason" maxLength={1000} />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("person.unmerge")}
        </button>
      </form>
    </Dialog>
  );
}
