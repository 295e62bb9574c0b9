import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { consentOf, sayConsent } from "../api/jobs";
import { useTexts } from "../i18n";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Moment } from "./JobParts";
import { Panel } from "./Panel";

const LOOKS = { granted: "stored", withdrawn: "dropped", unknown: "" };

/** What a person may ask of you: what they said of their consent, to see what is there, to be erased. */
export function PersonRights({ person }: { person: string }) {
  const may = useMay();
  return may("persons.erase") ? <Rights person={person} /> : null;
}

function Rights({ person }: { person: string }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const query = useQuery({ ...consentOf(api, project, person), retry: false });
  const say = useMutation({
    mutationFn: (state: "withdrawn" | "granted") => sayConsent(api, project, person, state, "app"),
    onSettled: () =>
      client.invalidateQueries({ queryKey: [project, `/api/v1/people/${encodeURIComponent(person)}/consent`] }),
  });
  const search = ((old: object) => ({ ...sharedOf(old), ask: { person } })) as never;
  return (
    <Panel title={t("jobs.person.title")} query={query} className="free">
      {({ state, changed_at }) => {
        const next = state === "withdrawn" ? "granted" : "withdrawn";
        return (
          <div className="stack">
            <p className="row">
              <span>{t("jobs.person.consent")}</span>
              <span className={`state ${LOOKS[state]}`}>{t(`jobs.person.states.${state}`)}</span>
              {changed_at ? (
                <span className="faint">
                  <Moment at={changed_at} />
                </span>
              ) : null}
            </p>
            <FormError error={say.error ?? undefined} />
            <div className="row">
              <button
                type="button"
                className="button"
                aria-busy={say.isPending}
                onClick={() => say.isPending || say.mutate(next)}
              >
                {t(`jobs.person.say.${next}`)}
              </button>
              <Link to="/p/$project/privacy/access" params={{ project }} search={search} className="button">
                {t("jobs.access.make")}
              </Link>
              <Link to="/p/$project/privacy/erase" params={{ project }} search={search} className="button danger">
                {t("jobs.erasures.make")}
              </Link>
            </div>
            <p className="field-note">{t("jobs.person.note")}</p>
          </div>
        );
      }}
    </Panel>
  );
}
