import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, CircleCheck, CircleX, Clock } from "lucide-react";
import type { ReactNode } from "react";
import { useApi } from "../api/client";
import { type Proof, proofOf } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { Facts, Moment } from "../panels/JobParts";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useAsk } from "../state/ask";
import { oneOf } from "../state/asked";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Segmented } from "../ui/form";
import { Scroll } from "../ui/Scroll";
import "../ui/jobs.css";

type Query = ReturnType<typeof useQuery<Proof>>;
type Period = Proof["periods"][number];
const ICONS = { proven: CircleCheck, gap: CircleX, unchecked: Clock };
const LOOKS = { proven: "ok", gap: "degraded", unchecked: "behind" };
/** Minutes of more days than these are more than anybody reads, and soon more than the server gives. */
const MOST_MINUTE_DAYS = 2;
const DAY_MS = 86_400_000;

/** The proof that what was accepted is stored or refused: the sums, each hour or minute, and what is missing. */
export default function Ledger() {
  const { t } = useTexts();
  const { project, span, timezone } = useScope();
  const [asked, change] = useAsk((one) => ({ by: oneOf(["hour", "minute"], one.by, "hour") }));
  const days = (Date.parse(span.to.slice(0, 10)) - Date.parse(span.from.slice(0, 10))) / DAY_MS + 1;
  const minutes = days <= MOST_MINUTE_DAYS;
  const by = minutes ? asked.by : "hour";
  const query = useQuery(proofOf(useApi(), project, { ...span, timezone, by }));
  return (
    <>
      <p className="back">
        <Link to="/p/$project/system" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("nav.system")}
        </Link>
      </p>
      <Controls title={t("jobs.ledger.title")} bare />
      <p className="about">{t("jobs.ledger.about")}</p>
      <div className="stack">
        <Sums query={query} />
        <Gaps query={query} />
        <Periods
          query={query}
          by={by}
          actions={
            minutes ? (
              <Segmented
                label={t("jobs.ledger.by")}
                value={by}
                options={(["hour", "minute"] as const).map((value) => ({ value, text: t(`interval.${value}`) }))}
                onChange={(next) => change({ by: next })}
              />
            ) : null
          }
        />
      </div>
    </>
  );
}

function Sums({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const number = (value: number) => formatNumber(value, language);
  return (
    <Panel title={t("jobs.ledger.proof")} query={query} className="free">
      {(proof) => {
        const Icon = ICONS[proof.state];
        return (
          <div className="stack">
            <p className={`health ${LOOKS[proof.state]}`} role="status">
              <Icon size={17} aria-hidden="true" />
              {t(`jobs.ledger.states.${proof.state}`)}
            </p>
            <dl className="equation">
              <Term name={t("jobs.ledger.accepted")} value={number(proof.accepted)} />
              <span aria-hidden="true">=</span>
              <Term name={t("jobs.ledger.stored")} value={number(proof.stored)} />
              <span aria-hidden="true">+</span>
              <Term name={t("jobs.ledger.rejected")} value={number(proof.rejected)} />
              <span aria-hidden="true">+</span>
              <Term name={t("jobs.ledger.in_flight")} value={number(proof.in_flight)} />
              <span aria-hidden="true">+</span>
              <Term name={t("jobs.ledger.dead_letters")} value={number(proof.dead_letters)} />
              <span aria-hidden="true">+</span>
              <Term name={t("jobs.ledger.missing")} value={number(proof.missing)} bad={proof.missing !== 0} />
            </dl>
            <Facts
              facts={[
                [t("jobs.ledger.kept"), number(proof.kept)],
                [t("jobs.ledger.gone"), number(proof.gone)],
                [
                  t("jobs.ledger.checked"),
                  proof.checked_at ? <Moment key="checked" at={proof.checked_at} /> : t("jobs.never"),
                ],
              ]}
            />
          </div>
        );
      }}
    </Panel>
  );
}

function Term({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
  return (
    <div className={bad ? "bad" : undefined}>
      <dt className="faint">{name}</dt>
      <dd>
        <strong>{value}</strong>
      </dd>
    </div>
  );
}

/** What cannot be accounted for, of the whole instance; where there is none, nothing is shown. */
function Gaps({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  if (!query.data?.gaps.length) return null;
  return (
    <Panel title={t("jobs.ledger.gaps")} query={query} className="free">
      {({ gaps }) => (
        <ListTable
          caption={t("jobs.ledger.gaps")}
          className="jobs-table"
          rows={gaps}
          rowKey={({ id }) => id}
          columns={[
            {
              name: t("jobs.kind"),
              cell: ({ kind, detail }) => (
                <>
                  <span className="state dropped">{t(`jobs.ledger.kinds.${kind}`)}</span>
                  <bdi className="under">{detail}</bdi>
                </>
              ),
            },
            {
              name: t("jobs.ledger.place"),
              cell: (one) =>
                t("jobs.ledger.offsets", { partition: one.partition, first: one.first_offset, last: one.last_offset }),
            },
            {
              name: t("jobs.ledger.missing"),
              kind: "narrow",
              cell: ({ missing }) => formatNumber(missing, language),
            },
            {
              name: t("jobs.ledger.found"),
              kind: "wide",
              cell: ({ found_at }) => formatMoment(found_at, timezone, language, true),
            },
          ]}
        />
      )}
    </Panel>
  );
}

const lostOf = ({ accepted, stored, rejected }: Period) => accepted - stored - rejected;

function Periods({ query, by, actions }: { query: Query; by: "hour" | "minute"; actions: ReactNode }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const number = (value: number) => formatNumber(value, language);
  const title = t(`jobs.ledger.each.${by}`);
  const names = [
    t("jobs.ledger.at"),
    t("jobs.ledger.accepted"),
    t("jobs.ledger.stored"),
    t("jobs.ledger.rejected"),
    t("jobs.ledger.missing"),
  ];
  return (
    <Panel
      title={title}
      query={query}
      actions={actions}
      className="free"
      isEmpty={({ periods }) => periods.length === 0}
      empty={<p className="empty">{t("jobs.ledger.none")}</p>}
      figure={{
        own: true,
        sentence: ({ periods }) => {
          const bad = periods.filter((one) => lostOf(one) !== 0).length;
          return bad
            ? t("jobs.ledger.badPeriods", { count: bad, shown: number(bad) })
            : t("jobs.ledger.goodPeriods", { count: periods.length, shown: number(periods.length) });
        },
        table: ({ periods }) => ({
          name: "ledger",
          columns: names,
          rows: periods.map((one) => [one.start, one.accepted, one.stored, one.rejected, lostOf(one)]),
        }),
      }}
    >
      {({ periods }) => (
        <div className="stack">
          <Strip periods={periods} by={by} />
          <Scroll label={title} className="table-scroll">
            <table className="table">
              <thead>
                <tr>
                  {names.map((name, place) => (
                    <th key={name} scope="col" className={place ? "number" : undefined}>
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {periods.toReversed().map((one) => (
                  <tr key={one.start} className={lostOf(one) ? "gap-row" : undefined}>
                    <th scope="row">
                      <time dateTime={one.start}>{formatMoment(one.start, timezone, language, true)}</time>
                    </th>
                    {[one.accepted, one.stored, one.rejected, lostOf(one)].map((value, place) => (
                      <td key={names[place + 1]} className="number">
                        {number(value)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </div>
      )}
    </Panel>
  );
}

const HEIGHT = 44;
const STEP_MS = { hour: 3_600_000, minute: 60_000 };

/** A bar for each period at its place in time, as high as much was accepted; red and full where something is missing. */
function Strip({ periods, by }: { periods: readonly Period[]; by: "hour" | "minute" }) {
  const { span } = useScope();
  const most = Math.max(...periods.map(({ accepted }) => accepted), 1);
  const placeOf = ({ start }: Period) => Math.floor(Date.parse(start) / STEP_MS[by]);
  const asked = Date.parse(span.from.includes("T") ? span.from : `${span.from}T00:00:00Z`);
  const first = Math.min(Math.floor(asked / STEP_MS[by]), ...periods.map(placeOf));
  const width = Math.max(...periods.map(placeOf)) - first + 1;
  return (
    <svg className="ledger-strip" viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {periods.map((one) => {
        const bad = lostOf(one) !== 0;
        const height = bad ? HEIGHT : Math.max((one.accepted / most) * HEIGHT, 1);
        return (
          <rect
            key={one.start}
            className={bad ? "gap" : undefined}
            x={placeOf(one) - first + 0.08}
            y={HEIGHT - height}
            width={0.84}
            height={height}
          />
        );
      })}
    </svg>
  );
}
