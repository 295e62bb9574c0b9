import "../ui/admin.css";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Download, ShieldAlert, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import { me } from "../api/account";
import { type AuditEntry, auditFile, auditPage, type Verification, verifyAudit } from "../api/admin";
import { useApi } from "../api/client";
import { membersOf } from "../api/people";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Typed } from "../panels/Editors";
import { Facts } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Toggle } from "../panels/Toggle";
import { useAsk } from "../state/ask";
import { type Asked, isObject, textOf } from "../state/asked";
import { changesOf } from "../state/changes";
import { instantOf } from "../state/instant";
import { useMay, useProject } from "../state/may";
import { useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";

/** Nouns that the log's actions begin with; an action may be given whole too. */
const NOUNS = [
  "alert",
  "api_key",
  "audit_log",
  "backup",
  "channel",
  "dashboard",
  "definition",
  "export",
  "invitation",
  "member",
  "organisation",
  "password",
  "project",
  "replay",
  "second_factor",
  "session",
  "share",
  "user",
  "webhook",
];
const DAY = /^\d{4}-\d\d-\d\d$/;
const DAY_MS = 86_400_000;

const dayOf = (value: unknown) => (DAY.test(textOf(value)) ? textOf(value) : "");
const askedOf = (one: Asked) => ({
  who: textOf(one.who),
  what: textOf(one.what),
  target: textOf(one.target),
  from: dayOf(one.from),
  to: dayOf(one.to),
  here: one.here === true,
});

/** Who did what in the organisation: filtered, each with what was there before and after; and whether the log is whole. */
export default function Audit() {
  const { t } = useTexts();
  const { project: id, timezone } = useScope();
  const organisation = useProject()?.organisation_id ?? "";
  const reads = useMay()("audit.read");
  const api = useApi();
  const [asked, change] = useAsk(askedOf);
  const members = useQuery({ ...membersOf(api, organisation), enabled: organisation !== "" }).data ?? [];
  const filters = {
    organisation_id: organisation,
    actor: asked.who,
    action: asked.what,
    target: asked.target,
    project: asked.here ? id : "",
    since: asked.from && instantOf(asked.from, "00:00", timezone).toISOString(),
    until: asked.to && instantOf(nextDay(asked.to), "00:00", timezone).toISOString(),
  };
  const file = useMutation({
    mutationFn: () => auditFile(api, filters),
    onSuccess: ({ content }) => download("audit.csv", content),
  });
  if (!organisation) return null;
  return (
    <>
      <div className="controls">
        <h1>{t("admin.nav.audit")}</h1>
        {reads ? (
          <button
            type="button"
            className="button"
            aria-busy={file.isPending}
            onClick={() => file.isPending || file.mutate()}
          >
            <Download size={16} aria-hidden="true" />
            {t("panel.csv")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("admin.audit.about")}</p>
      <FormError error={file.error ?? undefined} />
      {file.data?.more ? (
        <p className="notice" role="status">
          {t("admin.audit.more")}
        </p>
      ) : null}
      <div className="stack">
        {reads ? <Whole organisation={organisation} /> : null}
        <section className="builder flat filter-row" aria-label={t("admin.audit.filters")}>
          <Typed
            label={t("admin.audit.who")}
            value={asked.who}
            known={members.map(({ email }) => email)}
            placeholder={t("admin.audit.anybody")}
            onChange={(who) => change({ who })}
            visible
          />
          <Typed
            label={t("admin.audit.what")}
            value={asked.what}
            known={NOUNS}
            placeholder={t("admin.audit.anything")}
            onChange={(what) => change({ what })}
            visible
          />
          <Typed
            label={t("admin.audit.since")}
            type="date"
            value={asked.from}
            onChange={(from) => change({ from })}
            visible
          />
          <Typed
            label={t("admin.audit.until")}
            type="date"
            value={asked.to}
            onChange={(to) => change({ to })}
            visible
          />
          <Toggle label={t("admin.audit.here")} value={asked.here} onChange={(here) => change({ here })} />
        </section>
        <Entries filters={filters} only={(target) => change({ target })} target={asked.target} />
      </div>
    </>
  );
}

const nextDay = (day: string) => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);

function Entries(props: { filters: Parameters<typeof auditPage>[1]; target: string; only: (target: string) => void }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const api = useApi();
  const nameOf = useTargetNames(props.filters.organisation_id);
  const when = (one: AuditEntry) => formatMoment(one.at, timezone, language);
  return (
    <PagedPanel<AuditEntry>
      title={t("admin.audit.entries")}
      queryKey={[props.filters.organisation_id, "audit", props.filters]}
      ask={(cursor, signal) => auditPage(api, props.filters, cursor, signal)}
      everyMs={30_000}
      className="short"
      tableClass="audit-table"
      rowKey={({ seq }) => String(seq)}
      empty={<p className="empty">{t("admin.audit.none")}</p>}
      actions={
        props.target ? (
          <button type="button" className="link" onClick={() => props.only("")}>
            {t("admin.audit.every")}
          </button>
        ) : null
      }
      opens={{
        column: t("admin.audit.what"),
        name: t("admin.audit.entry"),
        face: (one) => <Action name={one.action} />,
        label: (one) =>
          t("admin.audit.open", { action: one.action, who: one.actor_name || one.actor_kind, time: when(one) }),
      }}
      columns={[
        { name: t("admin.audit.who"), cell: (one) => <bdi>{one.actor_name || t("admin.audit.system")}</bdi> },
        { name: t("admin.audit.target"), kind: "wide", cell: (one) => <bdi>{nameOf(one)}</bdi> },
        { name: t("admin.audit.when"), kind: "narrow", cell: (one) => <time dateTime={one.at}>{when(one)}</time> },
      ]}
      whole={(one, close) => (
        <Entry
          one={one}
          name={nameOf(one)}
          only={(target) => {
            close();
            props.only(target);
          }}
        />
      )}
    />
  );
}

/** What was done, in one line or broken at its dot. */
function Action({ name }: { name: string }) {
  const [noun, ...verb] = name.split(".");
  return (
    <code>
      {noun}
      <wbr />
      {verb.length ? `.${verb.join(".")}` : ""}
    </code>
  );
}

/** What somebody would call the target: a person's name, a project's, that of the thing itself; else how its id begins. */
function useTargetNames(organisation: string) {
  const api = useApi();
  const members = useQuery(membersOf(api, organisation)).data ?? [];
  const projects = useQuery(me(api)).data?.projects ?? [];
  return ({ target, before, after }: AuditEntry) => {
    // What was done by an address says its method and path.
    if (target.includes(" ")) return target;
    const [kind = "", id = ""] = target.split(":");
    const person = members.find(({ user_id }) => user_id === id);
    const own = [after, before].flatMap((one) => (isObject(one) ? [textOf(one.name) || textOf(one.email)] : []));
    const name = person?.name || person?.email || projects.find((one) => one.id === id)?.name || own.find(Boolean);
    return `${kind.replaceAll("_", " ")} ${name ?? id.slice(0, 8)}`.trim();
  };
}

function Entry({ one, name, only }: { one: AuditEntry; name: string; only: (target: string) => void }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const changes = changesOf(one.before, one.after);
  const mark = (text: string, is: boolean, changed: boolean) =>
    text === "" ? "–" : changed ? <span className={is ? "diff-new" : "diff-old"}>{text}</span> : text;
  const facts: [string, ReactNode][] = [
    [t("admin.audit.what"), <code key="action">{one.action}</code>],
    [
      t("admin.audit.who"),
      <bdi key="who">{[one.actor_name || t("admin.audit.system"), one.actor_kind].join(", ")}</bdi>,
    ],
    [
      t("admin.audit.target"),
      <button key="target" type="button" className="link" onClick={() => only(one.target)}>
        <bdi>{name}</bdi>
      </button>,
    ],
    [t("admin.audit.when"), formatMoment(one.at, timezone, language)],
    [t("account.address"), <bdi key="address">{one.address || "–"}</bdi>],
    [t("admin.audit.request"), <code key="request">{one.request_id || "–"}</code>],
    [
      t("admin.audit.row"),
      <code key="hash">
        {one.seq} · {one.hash.slice(0, 16)}…
      </code>,
    ],
  ];
  return (
    <div className="stack">
      <Facts facts={facts} />
      {changes.length ? (
        <ListTable
          caption={t("admin.audit.changes")}
          rows={changes}
          rowKey={({ field }) => field}
          className="changes-table"
          columns={[
            { name: t("admin.audit.field"), cell: ({ field }) => <code>{field}</code> },
            { name: t("admin.audit.before"), cell: (row) => <bdi>{mark(row.before, false, row.changed)}</bdi> },
            { name: t("admin.audit.after"), cell: (row) => <bdi>{mark(row.after, true, row.changed)}</bdi> },
          ]}
        />
      ) : (
        <p className="faint">{t("admin.audit.nothing")}</p>
      )}
    </div>
  );
}

/** Reads the whole log, when asked to, and says whether it is what was recorded. */
function Whole({ organisation }: { organisation: string }) {
  const { t } = useTexts();
  const api = useApi();
  const verify = useMutation({ mutationFn: () => verifyAudit(api, organisation) });
  return (
    <section className="panel padded" aria-label={t("admin.audit.whole")}>
      <div className="row spread">
        <p className="faint">{t("admin.audit.wholeAbout")}</p>
        <button
          type="button"
          className="button"
          aria-busy={verify.isPending}
          onClick={() => verify.isPending || verify.mutate()}
        >
          {verify.isPending ? t("form.busy") : t("admin.audit.verify")}
        </button>
      </div>
      <FormError error={verify.error ?? undefined} />
      {verify.data ? <Verdict found={verify.data} /> : null}
    </section>
  );
}

function Verdict({ found }: { found: Verification }) {
  const { t, language } = useTexts();
  const number = (value: number) => formatNumber(value, language);
  const counts = {
    rows: number(found.rows),
    checkpoints: number(found.checkpoints),
    to: number(found.checked_to),
  };
  const Icon = found.sound ? ShieldCheck : ShieldAlert;
  return (
    <div className="stack" role="status">
      <p className={found.sound ? "health ok" : "health degraded"}>
        <Icon size={17} aria-hidden="true" />
        {found.sound ? t("admin.audit.sound") : t("admin.audit.unsound", { count: found.faults.length })}
      </p>
      <p className="faint">{t("admin.audit.counts", counts)}</p>
      {found.faults.length ? (
        <ul className="links-list">
          {found.faults.slice(0, 50).map((fault) => (
            <li key={`${fault.seq} ${fault.kind} ${fault.detail}`}>
              {t("admin.audit.fault", { row: number(fault.seq), detail: fault.detail })}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
