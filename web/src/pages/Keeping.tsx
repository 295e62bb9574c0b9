import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Scale, X } from "lucide-react";
import { useId, useState } from "react";
import { useApi } from "../api/client";
import {
  dueOf,
  RETENTION,
  type Retention,
  type RetentionPlan,
  type RetentionRule,
  retentionOf,
  saveRetention,
  startJob,
} from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDay, formatMoment, formatNumber } from "../i18n/format";
import { Typed, useEventNames } from "../panels/Editors";
import { Holds } from "../panels/Holds";
import { Facts } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import "../ui/jobs.css";

/** How long events stay, by name too, what would go of that now, and what nobody may drop. */
export default function Keeping() {
  const { t } = useTexts();
  const { project } = useScope();
  const query = useQuery(retentionOf(useApi(), project));
  return (
    <>
      <div className="controls">
        <h1>{t("jobs.keeping.title")}</h1>
      </div>
      <p className="about">{t("jobs.keeping.about")}</p>
      <div className="stack">
        <Panel title={t("jobs.keeping.plan")} query={query} className="free">
          {(kept) => <PlanForm key={JSON.stringify([kept.days, kept.rejected_days, kept.rules])} kept={kept} />}
        </Panel>
        <Holds />
        <Runs query={query} />
      </div>
    </>
  );
}

const daysOf = (text: string) => (text.trim() ? Number(text) : null);
const isForEver = (plan: RetentionPlan) =>
  plan.days === null && plan.rejected_days === null && plan.rules.every(({ days }) => days === null);

/** Days for all, for refused payloads and by name, and beside them what would go. */
function PlanForm({ kept }: { kept: Retention }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const id = useId();
  const names = useEventNames();
  const [days, setDays] = useState(kept.days === null ? "" : String(kept.days));
  const [rejected, setRejected] = useState(kept.rejected_days === null ? "" : String(kept.rejected_days));
  const [rules, setRules] = useState<RetentionRule[]>(kept.rules);
  const [shown, setShown] = useState<RetentionPlan>();
  const plan: RetentionPlan = {
    days: daysOf(days),
    rejected_days: daysOf(rejected),
    rules: rules.filter(({ event }) => event),
  };
  const put = (place: number, part: Partial<RetentionRule>) =>
    setRules(rules.map((one, at) => (at === place ? { ...one, ...part } : one)));
  const { busy, error, submit } = useSubmit(async () => {
    await saveRetention(api, project, plan);
    await client.invalidateQueries({ queryKey: [project, RETENTION] });
    await client.invalidateQueries({ queryKey: [project, "settings"] });
  });
  const same = JSON.stringify(shown) === JSON.stringify(plan);
  return (
    <form className="job-grid" onSubmit={submit}>
      <div className="stack">
        <FormError error={error} />
        <div className="field-pair">
          <Days label={t("jobs.keeping.events")} value={days} onChange={setDays} none={t("jobs.forEver")} />
          <Days
            label={t("jobs.keeping.rejected")}
            value={rejected}
            onChange={setRejected}
            none={t("jobs.keeping.asEvents")}
          />
        </div>
        <fieldset className="rule-rows">
          <legend className="label">{t("jobs.keeping.rules")}</legend>
          {rules.map((rule, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a rule is known by its place
            <div key={place} className="rule-row">
              <Typed
                label={t("jobs.keeping.event")}
                value={rule.event}
                known={names}
                placeholder={t("jobs.keeping.event")}
                onChange={(event) => put(place, { event })}
              />
              <input
                className="input"
                type="number"
                min={1}
                max={36_500}
                aria-label={t("jobs.keeping.daysOf", { event: rule.event || String(place + 1) })}
                placeholder={t("jobs.forEver")}
                value={rule.days ?? ""}
                onChange={(event) => put(place, { days: daysOf(event.target.value) })}
              />
              <button
                type="button"
                className="icon-button"
                aria-label={t("jobs.keeping.removeRule", { event: rule.event || String(place + 1) })}
                onClick={() => setRules(rules.filter((_, at) => at !== place))}
              >
                <X size={15} />
              </button>
            </div>
          ))}
          <button type="button" className="add" onClick={() => setRules([...rules, { event: "", days: 30 }])}>
            <Plus size={14} aria-hidden="true" />
            {t("jobs.keeping.addRule")}
          </button>
        </fieldset>
        <p className="field-note" id={id}>
          {t("jobs.keeping.when")}
        </p>
      </div>
      <div className="stack">
        {isForEver(plan) ? (
          <p className="notice">{t("jobs.keeping.never")}</p>
        ) : same && shown ? (
          <Due plan={shown} />
        ) : (
          <>
            <p className="faint">{t("jobs.keeping.previewAbout")}</p>
            <button type="button" className="button" onClick={() => setShown(plan)}>
              {t("jobs.keeping.preview")}
            </button>
          </>
        )}
        {kept.dry_run ? <p className="notice warning">{t("jobs.keeping.instanceDry")}</p> : null}
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("form.save")}
        </button>
      </div>
    </form>
  );
}

function Days(props: { label: string; value: string; none: string; onChange: (value: string) => void }) {
  const { t } = useTexts();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="number"
        min={1}
        max={36_500}
        value={props.value}
        placeholder={props.none}
        aria-describedby={`${id}-note`}
        onChange={(event) => props.onChange(event.target.value)}
      />
      <p id={`${id}-note`} className="field-note">
        {t("jobs.keeping.emptyMeans", { what: props.none })}
      </p>
    </div>
  );
}

/** What would go with this plan, counted now; nothing goes by looking. */
function Due({ plan }: { plan: RetentionPlan }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const query = useQuery({ ...dueOf(useApi(), project, plan), retry: false, placeholderData: undefined });
  const number = (value: number) => formatNumber(value, language);
  return (
    <Panel title={t("jobs.keeping.would")} query={query} className="free">
      {(due) => (
        <div className="stack">
          <p className="big-number">
            <strong>{number(due.events)}</strong>
            <span className="faint">{t("jobs.keeping.eventsGo", { count: due.events })}</span>
          </p>
          <Facts
            facts={[
              [t("jobs.keeping.cutoff"), due.cutoff ? formatDay(due.cutoff, language) : "–"],
              [t("jobs.keeping.hours"), number(due.hours)],
              [t("jobs.keeping.payloads"), number(due.rejected)],
              [t("jobs.keeping.held"), number(due.held_rows)],
            ]}
          />
          {due.by_event.length ? (
            <ListTable
              caption={t("jobs.keeping.byEvent")}
              rows={due.by_event.slice(0, 10)}
              rowKey={({ event }) => event}
              columns={[
                { name: t("events.event"), cell: ({ event }) => <bdi>{event}</bdi> },
                { name: t("measure.count"), kind: "narrow", cell: ({ events }) => number(events) },
              ]}
            />
          ) : null}
        </div>
      )}
    </Panel>
  );
}

const RUN_LOOKS: Record<string, string> = { completed: "stored", held: "dropped", started: "queued" };

function Runs({ query }: { query: ReturnType<typeof useQuery<Retention>> }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const number = (value: number) => formatNumber(value, language);
  return (
    <>
      <Panel
        title={t("jobs.keeping.runs")}
        query={query}
        className="free"
        isEmpty={({ runs }) => runs.length === 0}
        empty={
          <div className="empty">
            <Scale size={24} aria-hidden="true" />
            <p>{t("jobs.keeping.noRuns")}</p>
          </div>
        }
        actions={
          query.data && !isForEver(query.data) ? (
            <button type="button" className="link" onClick={() => setAsking(true)}>
              {t("jobs.keeping.run")}
            </button>
          ) : null
        }
      >
        {({ runs }) => (
          <ListTable
            caption={t("jobs.keeping.runs")}
            className="jobs-table"
            rows={runs}
            rowKey={({ id }) => id}
            columns={[
              { name: t("events.time"), cell: ({ at }) => formatMoment(at, timezone, language, true) },
              {
                name: t("jobs.state"),
                cell: ({ state, detail }) => (
                  <>
                    <span className={`state ${RUN_LOOKS[state] ?? ""}`}>
                      {t(`jobs.keeping.states.${state as "completed"}`)}
                    </span>
                    {detail ? <bdi className="under">{detail}</bdi> : null}
                  </>
                ),
              },
              { name: t("measure.count"), kind: "narrow", cell: ({ events }) => number(events) },
              { name: t("jobs.keeping.held"), kind: "wide", cell: ({ held_rows }) => number(held_rows) },
            ]}
          />
        )}
      </Panel>
      {asking ? (
        <Confirm
          title={t("jobs.keeping.runTitle")}
          about={t("jobs.keeping.runAbout")}
          action={t("jobs.keeping.run")}
          run={async () => {
            await startJob(api, project, `${RETENTION}/runs`, { dry_run: false });
            await client.invalidateQueries({ queryKey: [project, RETENTION] });
          }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}
