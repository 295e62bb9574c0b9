import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import {
  type AlertGroup,
  type AlertStep,
  alertOf,
  alertSteps,
  type Alert as Found,
  incidentsOfRule,
  pauseAlert,
  type Rule,
  removeAlert,
  type Trial,
  testAlert,
} from "../api/alerts";
import { useApi } from "../api/client";
import { type Incident, policiesOf } from "../api/incidents";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { AlertStateMark, Standing } from "../panels/AlertParts";
import { useAlertWords } from "../panels/AlertWords";
import { IncidentState, SeverityMark } from "../panels/IncidentParts";
import { ListTable } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import "../ui/alerts.css";

/** One alert rule: where it stands, which steps it took, and what it found. */
export default function Alert() {
  const { t } = useTexts();
  const { alert: id } = useParams({ strict: false }) as { alert: string };
  const { project } = useScope();
  const query = useQuery(alertOf(useApi(), project, id));
  const alert = query.data;
  const writes = useMay()("alerts.write");
  return (
    <>
      <p className="back">
        <Link to="/p/$project/alerts" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("alerts.nav.alerts")}
        </Link>
      </p>
      <div className="controls">
        <h1>{alert ? <bdi>{alert.rule.name}</bdi> : t("alerts.rules.one")}</h1>
        {alert && writes ? <Deeds alert={alert} /> : null}
      </div>
      <div className="grid halves incident-page">
        <div className="stack">
          <Panel title={t("alerts.rules.stands")} query={query} className="short">
            {(found) => <About alert={found} />}
          </Panel>
          {alert?.groups.length ? (
            <Panel title={t("alerts.rules.groups")} query={query} className="short">
              {({ groups, rule }) => <Groups groups={groups} rule={rule} />}
            </Panel>
          ) : null}
          {alert && writes ? <Test key={alert.updated_at} alert={alert} /> : null}
        </div>
        <div className="stack">
          <IncidentsOf id={id} />
          {alert ? <Steps alert={alert} /> : null}
        </div>
      </div>
    </>
  );
}

function Deeds({ alert }: { alert: Found }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [removing, setRemoving] = useState(false);
  const anew = () => client.invalidateQueries({ queryKey: [project, "alerts"] });
  const pause = useMutation({
    mutationFn: () => pauseAlert(api, project, alert.id, !alert.paused),
    onSuccess: anew,
  });
  return (
    <div className="control-row">
      <FormError error={pause.error ?? undefined} />
      <Link
        to="/p/$project/alerts/$alert/edit"
        params={{ project, alert: alert.id }}
        search={sharedOf as never}
        className="button primary"
      >
        {t("alerts.rules.change")}
      </Link>
      <button
        type="button"
        className="button"
        aria-busy={pause.isPending}
        onClick={() => pause.isPending || pause.mutate()}
      >
        {t(alert.paused ? "alerts.rules.resume" : "alerts.rules.pause")}
      </button>
      <button type="button" className="button" onClick={() => setRemoving(true)}>
        {t("alerts.rules.remove")}
      </button>
      {removing ? (
        <Confirm
          title={t("alerts.rules.removeTitle", { name: alert.rule.name })}
          about={t("alerts.rules.removeAbout")}
          action={t("alerts.rules.remove")}
          run={async () => {
            await removeAlert(api, project, alert.id);
            client.removeQueries({ queryKey: [project, "alerts", alert.id] });
            await client.invalidateQueries({ queryKey: [project, "alerts", "list"] });
            await navigate({ to: "/p/$project/alerts", params: { project }, search: sharedOf as never });
          }}
          onClose={() => setRemoving(false)}
        />
      ) : null}
    </div>
  );
}

function About({ alert }: { alert: Found }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const words = useAlertWords();
  const { rule } = alert;
  const policies = useQuery({ ...policiesOf(useApi(), project), enabled: rule.policy !== null }).data;
  const policy = policies?.find(({ id }) => id === rule.policy);
  const moment = (at: string) => formatMoment(at, timezone, language, true);
  const named = [
    ...rule.notify.emails,
    ...(rule.notify.webhooks.length ? [t("alerts.incidents.channels", { count: rule.notify.webhooks.length })] : []),
  ].join(", ");
  const facts: [string, string | null][] = [
    [
      t("alerts.rules.last"),
      rule.query.group_by
        ? t("alerts.rules.groupsFire", { count: alert.value ?? 0 })
        : words.number(alert.value, rule.condition),
    ],
    [t("alerts.rules.judged"), alert.evaluated_to && moment(alert.evaluated_to)],
    [t("alerts.rules.pendingSince"), alert.pending_since && moment(alert.pending_since)],
    [t("alerts.incidents.window"), words.length(rule.window)],
    [t("alerts.rules.form.for"), rule.for.startsWith("0") ? null : words.length(rule.for)],
    [t("alerts.rules.form.volume"), rule.min_volume ? String(rule.min_volume) : null],
    [t("alerts.rules.form.told"), policy ? null : named || t("alerts.rules.nobody")],
  ];
  return (
    <div className="stack">
      <p className="tags">
        <SeverityMark severity={rule.severity} />
        <Standing alert={alert} />
        {alert.incident ? (
          <Link
            to="/p/$project/incidents/$incident"
            params={{ project, incident: alert.incident.id }}
            search={sharedOf as never}
            className="link"
          >
            {t("alerts.rules.open")}
          </Link>
        ) : null}
      </p>
      <p className="alert-said">{words.condition(rule)}</p>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        {policy ? (
          <div>
            <dt>{t("alerts.incidents.policy")}</dt>
            <dd>
              <Link
                to="/p/$project/policies/$policy"
                params={{ project, policy: policy.id }}
                search={sharedOf as never}
                className="link"
              >
                <bdi>{policy.policy.name}</bdi>
              </Link>
            </dd>
          </div>
        ) : null}
      </dl>
    </div>
  );
}

function Groups({ groups, rule }: { groups: AlertGroup[]; rule: Rule }) {
  const { t } = useTexts();
  const { project } = useScope();
  const words = useAlertWords();
  return (
    <ListTable
      caption={t("alerts.rules.groups")}
      className="alerts-table"
      rows={groups}
      rowKey={({ group }) => group}
      columns={[
        { name: t("alerts.rules.group"), cell: ({ group }) => <bdi>{group}</bdi> },
        {
          name: t("alerts.incidents.state"),
          cell: ({ group, state, incident }) => (
            <>
              <AlertStateMark state={state} />
              {incident ? (
                <Link
                  to="/p/$project/incidents/$incident"
                  params={{ project, incident: incident.id }}
                  search={sharedOf as never}
                  className="link under"
                  aria-label={`${t("alerts.incidents.one")}: ${group}`}
                >
                  {t("alerts.incidents.one")}
                </Link>
              ) : null}
            </>
          ),
        },
        {
          name: t("alerts.incidents.value"),
          kind: "narrow",
          cell: ({ value }) => words.number(value, rule.condition),
        },
      ]}
    />
  );
}

/** What the rule comes to now, asked by hand; nobody is told. */
function Test({ alert }: { alert: Found }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const { mutate, data, error, isPending } = useMutation({ mutationFn: () => testAlert(api, project, alert.id) });
  return (
    <section className="panel padded alert-test" aria-label={t("alerts.rules.test.title")}>
      <h2>{t("alerts.rules.test.title")}</h2>
      <p className="faint">{t("alerts.rules.test.about")}</p>
      <button type="button" className="button" aria-busy={isPending} onClick={() => isPending || mutate()}>
        {isPending ? t("form.busy") : t("alerts.rules.test.run")}
      </button>
      <FormError error={error ?? undefined} />
      <div role="status">{data ? <Tested trial={data} rule={alert.rule} /> : null}</div>
    </section>
  );
}

function Tested({ trial, rule }: { trial: Trial; rule: Rule }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const words = useAlertWords();
  const moment = (at = "") => formatMoment(at, timezone, language, true);
  const held = trial.groups.filter(({ holds }) => holds);
  return (
    <>
      <p>
        <b>
          {trial.holds === null
            ? t("alerts.rules.test.unknown")
            : t(trial.holds ? "alerts.rules.test.holds" : "alerts.rules.test.holdsNot")}
        </b>{" "}
        {trial.problem?.detail}
      </p>
      <p className="faint">
        {t("alerts.rules.test.said", {
          value: trial.groups.length
            ? t("alerts.rules.groupsFire", { count: held.length })
            : words.number(trial.value, rule.condition),
          from: moment(trial.range.from),
          to: moment(trial.range.to),
        })}
      </p>
      {held.length ? (
        <ul className="alert-fired">
          {held.map(({ group, value }) => (
            <li key={group}>
              <bdi>{group}</bdi>: {words.number(value, rule.condition)}
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function IncidentsOf({ id }: { id: string }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  return (
    <PagedPanel<Incident>
      title={t("alerts.rules.found")}
      queryKey={[project, "incidents", "of", id]}
      ask={(cursor, signal) => incidentsOfRule(api, project, id, cursor, signal)}
      everyMs={15_000}
      className="short"
      tableClass="alerts-table"
      rowKey={(one) => one.id}
      empty={<p className="empty">{t("alerts.rules.foundNone")}</p>}
      columns={[
        {
          name: t("alerts.incidents.opened"),
          cell: (one) => (
            <Link
              to="/p/$project/incidents/$incident"
              params={{ project, incident: one.id }}
              search={sharedOf as never}
              className="event-name"
            >
              {formatMoment(one.opened_at, timezone, language, true)}
              {one.group ? <bdi> · {one.group}</bdi> : null}
            </Link>
          ),
        },
        { name: t("alerts.incidents.state"), cell: (one) => <IncidentState state={one.state} /> },
      ]}
    />
  );
}

function Steps({ alert }: { alert: Found }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const words = useAlertWords();
  return (
    <PagedPanel<AlertStep>
      title={t("alerts.rules.history")}
      queryKey={[project, "alerts", alert.id, "history"]}
      ask={(cursor, signal) => alertSteps(api, project, alert.id, cursor, signal)}
      everyMs={15_000}
      className="short"
      tableClass="alerts-table"
      rowKey={({ id }) => id}
      empty={<p className="empty">{t("alerts.rules.historyNone")}</p>}
      columns={[
        {
          name: t("measure.time"),
          cell: (one) => (
            <>
              {formatMoment(one.at, timezone, language, true)}
              {one.group ? <span className="under">{one.group}</span> : null}
            </>
          ),
        },
        {
          name: t("alerts.rules.step"),
          cell: (one) => (
            <>
              {t(`alerts.rules.states.${one.before}`)} → <b>{t(`alerts.rules.states.${one.after}`)}</b>
              {one.problem ? <span className="under">{one.problem.detail || one.problem.code}</span> : null}
            </>
          ),
        },
        {
          name: t("alerts.incidents.value"),
          kind: "narrow",
          cell: (one) => words.number(one.value, alert.rule.condition),
        },
      ]}
    />
  );
}
