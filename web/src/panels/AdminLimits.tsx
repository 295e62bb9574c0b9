import { useQuery } from "@tanstack/react-query";
import { type Limits, limitsOf } from "../api/admin";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber, formatPercent } from "../i18n/format";
import { useScope } from "../state/scope";
import { CodeBlock } from "../ui/CodeBlock";
import { Facts } from "./JobParts";
import { Panel } from "./Panel";

const RATES = ["ingest_rate", "read_key_rate", "read_user_rate", "query_budget"] as const;

/** How much the project may send and ask, whose limit it is, and how much of the day's events is used. */
export function LimitsPanel() {
  const { t } = useTexts();
  const { project } = useScope();
  const query = useQuery(limitsOf(useApi(), project));
  return (
    <Panel title={t("admin.limits.title")} query={query} className="short">
      {(limits) => (
        <div className="stack">
          <Quota limits={limits} />
          <LimitsList limits={limits} />
          <p className="faint">{t("admin.limits.operator")}</p>
          <CodeBlock code={`sluice limits --project ${project} --events-per-day 1000000`} />
        </div>
      )}
    </Panel>
  );
}

function Quota({ limits }: { limits: Limits }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const { events_per_day: most, events_today: used } = limits;
  if (most === null || used === null) return null;
  const share = used / most;
  return (
    <div className="stack">
      <p>
        {t("admin.limits.used", {
          used: formatNumber(used, language),
          most: formatNumber(most, language),
          share: formatPercent(share, language),
        })}{" "}
        <span className="faint">
          {t("admin.limits.resets", { moment: formatMoment(limits.resets_at, timezone, language, true) })}
        </span>
      </p>
      <meter
        className="quota"
        min={0}
        max={most}
        high={most * 0.9}
        optimum={0}
        value={Math.min(used, most)}
        aria-label={t("admin.limits.of.events_per_day")}
      />
    </div>
  );
}

function LimitsList({ limits }: { limits: Limits }) {
  const { t, language } = useTexts();
  const none = t("admin.limits.none");
  const count = (value: number | null) => (value === null ? none : formatNumber(value, language));
  const rate = (text: string | null) => {
    const [, amount, unit] = /^(\d+)\/(second|minute|hour|day)$/.exec(text ?? "") ?? [];
    return amount && unit
      ? t(`admin.limits.per.${unit as "hour"}`, { amount: formatNumber(Number(amount), language) })
      : none;
  };
  // What readers may is one setting of the project, for keys and people alike.
  const isOwn = (name: string) => limits.own.includes(name.replace(/^read_(key|user)_rate$/, "read_rate"));
  const rows: [name: "events_per_day" | "query_rows" | "query_at_once" | (typeof RATES)[number], value: string][] = [
    ["events_per_day", count(limits.events_per_day)],
    ...RATES.map((name): [typeof name, string] => [name, rate(limits[name])]),
    ["query_rows", count(limits.query_rows)],
    ["query_at_once", count(limits.query_at_once)],
  ];
  return (
    <Facts
      facts={rows.map(([name, value]) => [
        t(`admin.limits.of.${name}`),
        <>
          {value} <span className="state">{isOwn(name) ? t("admin.limits.own") : t("admin.limits.instance")}</span>
        </>,
      ])}
    />
  );
}
