import { useQuery } from "@tanstack/react-query";
import { BadgeCheck, BadgeHelp, BadgeX } from "lucide-react";
import type { ReactNode } from "react";
import { useApi } from "../api/client";
import type { Certificate } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatDay, formatMoment, formatNumber } from "../i18n/format";
import { type Verdict, verdictOf } from "../state/certificate";
import { useScope } from "../state/scope";
import { Facts } from "./JobParts";
import { type Column, ListTable } from "./ListTable";

const ICONS: Record<Verdict, typeof BadgeCheck> = {
  genuine: BadgeCheck,
  changed: BadgeX,
  unknown_key: BadgeX,
  unable: BadgeHelp,
};

/** The certificate of an erasure as a page that can be printed, checked here against the published keys. */
export function CertificateView({ certificate: one }: { certificate: Certificate }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const number = (value: number) => formatNumber(value, language);
  const moment = (at: string | null) => (at ? formatMoment(at, timezone, language) : "–");
  return (
    <article className="certificate">
      <Checked certificate={one} />
      <p className="certificate-said">
        {t(`jobs.certificate.said.${one.mode}`, {
          count: one.people,
          people: number(one.people),
          ids: number(one.tombstones),
          events: number(one.mode === "anonymise" ? one.anonymised : one.events),
        })}
      </p>
      <Facts
        facts={[
          [t("jobs.certificate.requested"), moment(one.requested_at)],
          [t("jobs.certificate.hidden"), moment(one.hidden_at)],
          [t("jobs.certificate.verified"), moment(one.verified_at)],
          [t("jobs.certificate.issued"), moment(one.issued_at)],
          [t("jobs.certificate.hours"), number(one.hours)],
          [
            t("jobs.certificate.disk"),
            one.disk.gone_at
              ? t("jobs.certificate.gone", { time: moment(one.disk.gone_at) })
              : t("jobs.certificate.leaving", { count: one.disk.old_parts, shown: number(one.disk.old_parts) }),
          ],
        ]}
      />
      <Part
        title={t("jobs.certificate.stores")}
        rows={one.stores}
        rowKey={({ store }) => store}
        none={t("jobs.certificate.nothing")}
        columns={[
          { name: t("jobs.certificate.store"), cell: ({ store }) => t(`jobs.certificate.places.${store}`, store) },
          { name: t("jobs.certificate.erased"), kind: "narrow", cell: ({ erased }) => number(erased) },
          {
            name: t("jobs.certificate.left"),
            kind: "narrow",
            cell: ({ left }) => <span className={left ? "bad-cell" : undefined}>{number(left)}</span>,
          },
        ]}
      />
      <Part
        title={t("jobs.certificate.withdrawn")}
        rows={one.withdrawn}
        rowKey={({ id }) => id}
        none={t("jobs.certificate.noWithdrawn")}
        columns={[
          { name: t("jobs.kind"), cell: ({ kind }) => t(`jobs.kinds.${kind as "export"}`) },
          { name: t("jobs.files"), kind: "narrow", cell: ({ files }) => number(files) },
          {
            name: t("jobs.certificate.where"),
            kind: "narrow",
            cell: ({ remade, beyond_reach, destination }) =>
              beyond_reach
                ? t("jobs.certificate.beyond")
                : remade
                  ? t("jobs.certificate.remade")
                  : destination || t("jobs.certificate.removed"),
          },
        ]}
      />
      <Part
        title={t("jobs.certificate.backups")}
        rows={one.backups}
        rowKey={({ id }) => id}
        none={t("jobs.certificate.noBackups")}
        columns={[
          { name: t("jobs.backups.made"), cell: ({ created_at }) => moment(created_at) },
          {
            name: t("jobs.certificate.until"),
            kind: "narrow",
            cell: ({ until }) => (until ? formatDay(until, language) : t("jobs.forEver")),
          },
        ]}
      />
      {one.delivered.length ? (
        <Part
          title={t("jobs.certificate.delivered")}
          rows={one.delivered}
          rowKey={({ kind, webhook_id }) => `${kind}${webhook_id}`}
          none=""
          columns={[
            { name: t("jobs.kind"), cell: ({ kind, webhook_id }) => [kind, webhook_id].filter(Boolean).join(" ") },
            { name: t("jobs.certificate.messages"), kind: "narrow", cell: ({ messages }) => number(messages) },
          ]}
        />
      ) : null}
      <p className="faint">
        {one.bus.kept_hours === null
          ? t(one.bus.rewritten ? "jobs.certificate.busRewritten" : "jobs.certificate.busGone")
          : t("jobs.certificate.busKept", { count: one.bus.kept_hours })}
      </p>
      <div className="signature">
        <Facts
          facts={[
            [t("jobs.certificate.fingerprint"), <code key="fingerprint">{one.fingerprint}</code>],
            [t("jobs.certificate.key"), <code key="key">{one.key_id}</code>],
            [t("jobs.certificate.algorithm"), one.algorithm],
            [t("jobs.certificate.signature"), <code key="signature">{one.signature}</code>],
          ]}
        />
        <p className="faint">{t("jobs.certificate.elsewhere")}</p>
      </div>
    </article>
  );
}

function Part<Row>(props: {
  title: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  columns: readonly Column<Row>[];
  none: ReactNode;
}) {
  return (
    <section>
      <h3>{props.title}</h3>
      {props.rows.length ? (
        <ListTable
          caption={props.title}
          className="jobs-table"
          rows={props.rows}
          rowKey={props.rowKey}
          columns={props.columns}
        />
      ) : (
        <p className="faint">{props.none}</p>
      )}
    </section>
  );
}

function Checked({ certificate }: { certificate: Certificate }) {
  const { t } = useTexts();
  const api = useApi();
  const query = useQuery({
    queryKey: ["certificate", certificate.erasure_id, certificate.signature],
    queryFn: async ({ signal }) => {
      const { keys } = await api.call<{ keys: { kid: string; x?: string }[] }>("/.well-known/jwks.json", { signal });
      return verdictOf(certificate, keys);
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  const verdict = query.data ?? (query.error ? "unable" : undefined);
  const Icon = verdict ? ICONS[verdict] : BadgeHelp;
  return (
    <p className={`verdict ${verdict ?? ""}`} role="status">
      <Icon size={18} aria-hidden="true" />
      {t(`jobs.certificate.verdict.${verdict ?? "checking"}`)}
    </p>
  );
}
