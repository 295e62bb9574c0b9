import { Columns3, Download } from "lucide-react";
import { useState } from "react";
import type { Condition } from "../api/analysis";
import { useApi } from "../api/client";
import type { Did, FoundPeople, FoundPerson } from "../api/persons";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Conditions, Names, Typed, useEventNames } from "../panels/Editors";
import type { Column } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { sentenceOf } from "../panels/Panel";
import { PersonLink } from "../panels/PeopleBehind";
import { useProfileFields } from "../panels/ProfileFields";
import { SearchBox } from "../panels/SearchBox";
import { useAsk } from "../state/ask";
import { type Asked, conditionsOf, isObject, listOf, numberOf, oneOf, textOf, textsOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { Select } from "../ui/form";

const SORTS = ["last_seen", "first_seen", "events", "revenue", "person"] as const;
const OFTEN = ["gte", "lte", "eq"] as const;
const MOST_DID = 10;
const MOST_COLUMNS = 20;
const NUMBERS: readonly string[] = ["events", "revenue"];

interface PeopleAsked {
  q: string;
  filters: Condition[];
  did: Did[];
  columns: string[];
  sort: (typeof SORTS)[number];
  order: "asc" | "desc";
}

const didOf = (value: unknown): Did | undefined =>
  isObject(value)
    ? {
        event: textOf(value.event),
        op: oneOf(OFTEN, value.op, "gte"),
        times: numberOf(value.times, 1, 0, 1_000_000_000),
      }
    : undefined;

const peopleOf = (asked: Asked): PeopleAsked => ({
  q: textOf(asked.q),
  filters: conditionsOf(asked.filters),
  did: listOf(asked.did, didOf, MOST_DID),
  columns: textsOf(asked.columns, MOST_COLUMNS),
  sort: oneOf(SORTS, asked.sort, "last_seen"),
  order: oneOf(["asc", "desc"] as const, asked.order, "desc"),
});

/** What the API takes: numbers as numbers, and only what is chosen. */
function asPeople({ q, filters, did, columns, sort, order }: PeopleAsked) {
  const number = (one: Condition) =>
    NUMBERS.includes(one.property) && Number.isFinite(Number(one.value)) ? { ...one, value: Number(one.value) } : one;
  return {
    q,
    filters: filters.map(number),
    did: did.filter(({ event }) => event),
    columns: [...new Set(["profile.name", "profile.email", ...columns])],
    sort,
    order,
  };
}

/** Who there is: search, conditions on what people are like and did, columns, pages, export. */
export default function People() {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const [asked, change] = useAsk(peopleOf);
  const { names, known } = useProfileFields();
  const body = {
    ...asPeople(asked),
    // A column that no profile ever had is refused: the two that are always asked for are left out where none has them.
    columns: asPeople(asked).columns.filter((one) => asked.columns.includes(one) || known.includes(one)),
  };
  const text = (value: unknown) =>
    value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
  const shownName = ({ profile }: FoundPerson) => (typeof profile.name === "string" ? profile.name : undefined);
  const extra = asked.columns.map((name): Column<FoundPerson> => {
    const bare = name.replace(/^profile\./, "");
    return { name: bare, kind: "wide", cell: ({ profile }) => <bdi>{text(profile[bare])}</bdi> };
  });
  return (
    <>
      <div className="controls">
        <h1>{t("nav.people")}</h1>
        <div className="control-row">
          <ColumnsChoice chosen={asked.columns} known={known} onChange={(columns) => change({ columns })} />
          <Export body={body} />
        </div>
      </div>
      <div className="built">
        <section className="builder" aria-label={t("people.conditions")}>
          <div className="builder-part">
            <SearchBox label={t("people.search")} value={asked.q} onChange={(q) => change({ q })} />
            <div className="field compact">
              <span className="label">{t("people.are")}</span>
              <Conditions
                label={t("people.are")}
                values={asked.filters}
                fields={names}
                onChange={(filters) => change({ filters })}
              />
            </div>
            <Doings values={asked.did} onChange={(did) => change({ did })} />
          </div>
          <div className="builder-part">
            <Select
              label={t("people.sort")}
              value={`${asked.sort} ${asked.order}`}
              options={SORTS.flatMap((sort) =>
                (["desc", "asc"] as const).map((order) => ({
                  value: `${sort} ${order}`,
                  text: t(`people.sorts.${sort}_${order}`),
                })),
              )}
              onChange={(event) => {
                const [sort, order] = event.target.value.split(" ");
                change({ sort, order } as Partial<PeopleAsked>);
              }}
            />
          </div>
        </section>
        <PagedPanel<FoundPerson>
          title={t("people.list")}
          queryKey={[project, "people", body]}
          ask={(cursor, signal) =>
            api.call<FoundPeople>("/api/v1/people", { project, signal, body: { ...body, limit: 50, cursor } })
          }
          everyMs={0}
          tableClass="people-table"
          rowKey={({ person }) => person}
          empty={
            <div className="empty">
              <p>{t("people.none")}</p>
              <button type="button" className="button" onClick={() => change({ q: "", filters: [], did: [] })}>
                {t("people.clear")}
              </button>
            </div>
          }
          columns={[
            {
              name: t("people.person"),
              cell: (one) => (
                <>
                  <PersonLink id={one.person} name={shownName(one)} />
                  {one.profile.email ? <bdi className="under">{text(one.profile.email)}</bdi> : null}
                </>
              ),
            },
            ...extra,
            { name: t("measure.count"), cell: ({ events }) => formatNumber(events, language) },
            {
              name: t("people.revenue"),
              kind: "wide",
              cell: ({ revenue }) => (revenue ? formatNumber(revenue, language) : "–"),
            },
            {
              name: t("people.firstSeen"),
              kind: "wide",
              cell: ({ first_seen }) => formatMoment(first_seen, timezone, language),
            },
            {
              name: t("people.lastSeen"),
              kind: "narrow",
              cell: ({ last_seen }) => <time dateTime={last_seen}>{formatMoment(last_seen, timezone, language)}</time>,
            },
          ]}
        />
      </div>
    </>
  );
}

/** What people did, how often. */
function Doings({ values, onChange }: { values: readonly Did[]; onChange: (did: Did[]) => void }) {
  const { t } = useTexts();
  const events = useEventNames();
  const put = (place: number, part: Partial<Did>) =>
    onChange(values.map((one, at) => (at === place ? { ...one, ...part } : one)));
  return (
    <div className="field compact">
      <span className="label">{t("people.did")}</span>
      {values.map((one, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a condition is known by its place
        <div key={place} className="condition">
          <Typed
            label={t("fields.event")}
            placeholder={t("fields.event")}
            value={one.event}
            known={events}
            onChange={(event) => (event ? put(place, { event }) : onChange(values.filter((_, at) => at !== place)))}
          />
          <select
            aria-label={t("people.howOften")}
            value={one.op}
            onChange={(event) => put(place, { op: event.target.value as Did["op"] })}
          >
            {OFTEN.map((op) => (
              <option key={op} value={op}>
                {t(`people.often.${op}`)}
              </option>
            ))}
          </select>
          <Typed
            label={t("people.times")}
            type="number"
            min={0}
            value={String(one.times)}
            onChange={(times) => put(place, { times: Math.max(Math.round(Number(times)) || 0, 0) })}
          />
          <button
            type="button"
            className="link"
            aria-label={t("analysis.removeCondition")}
            onClick={() => onChange(values.filter((_, at) => at !== place))}
          >
            ×
          </button>
        </div>
      ))}
      {values.length < MOST_DID ? (
        <button type="button" className="add" onClick={() => onChange([...values, { event: "", op: "gte", times: 1 }])}>
          + {t("people.addDid")}
        </button>
      ) : null}
    </div>
  );
}

function ColumnsChoice(props: {
  chosen: readonly string[];
  known: readonly string[];
  onChange: (columns: string[]) => void;
}) {
  const { t } = useTexts();
  return (
    <details className="popover">
      <summary className="button">
        <Columns3 size={16} aria-hidden="true" />
        {t("people.columns")}
      </summary>
      <div className="popover-body">
        <Names
          label={t("people.columns")}
          values={props.chosen}
          known={props.known}
          most={MOST_COLUMNS}
          placeholder="profile.…"
          onChange={(columns) =>
            props.onChange(columns.map((one) => (one.startsWith("profile.") ? one : `profile.${one}`)))
          }
        />
        <p className="field-note">{t("people.columnsHint")}</p>
      </div>
    </details>
  );
}

/** The same people as a file, for who may export. */
function Export({ body }: { body: object }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const may = useMay()("exports.read");
  const [state, setState] = useState<"busy" | Error>();
  if (!may) return null;
  const run = () => {
    setState("busy");
    api
      .file("/api/v1/people/export", { project, body })
      .then(({ content }) => {
        download("people.csv", content);
        setState(undefined);
      })
      .catch((error: unknown) => setState(error instanceof Error ? error : new Error(String(error))));
  };
  return (
    <>
      <button type="button" className="button" aria-busy={state === "busy"} onClick={() => state === "busy" || run()}>
        <Download size={16} aria-hidden="true" />
        {state === "busy" ? t("form.busy") : t("panel.csv")}
      </button>
      {state instanceof Error ? (
        <span className="form-error" role="alert">
          {sentenceOf(state, t)}
        </span>
      ) : null}
    </>
  );
}
