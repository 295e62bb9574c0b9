import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft, Clock, GitMerge, UserRound } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  at,
  type PersonAnswer,
  type PersonSession,
  personOf,
  type TimelineAnswer,
  type TimelineEvent,
} from "../api/persons";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatAgo, formatDuration, formatMoment, formatNumber } from "../i18n/format";
import { useEventNames } from "../panels/Editors";
import { Identity } from "../panels/Identity";
import { ListTable } from "../panels/ListTable";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { PersonRights } from "../panels/PersonRights";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { CodeBlock } from "../ui/CodeBlock";

type Query = ReturnType<typeof useQuery<PersonAnswer>>;

/** One person: what they did and when, what is known of them, and which ids are theirs and why. */
export default function Person() {
  const { t } = useTexts();
  const { person } = useParams({ from: "/inside/p/$project/people/$person" });
  const { project } = useScope();
  const query = useQuery(personOf(useApi(), project, person));
  const name = query.data?.profile.name;
  const shown = typeof name === "string" && name ? name : person.slice(2);
  return (
    <>
      <p className="back">
        <Link to="/p/$project/people" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("nav.people")}
        </Link>
      </p>
      <div className="controls person-head">
        <span className="avatar" aria-hidden="true">
          {person.startsWith("a:") ? <UserRound size={22} /> : [...shown][0]?.toUpperCase()}
        </span>
        <div>
          <h1>
            <bdi>{shown}</bdi>
          </h1>
          <p className="faint">
            {person.startsWith("a:") ? t("people.anonymous") : t("person.known")} · <code>{person}</code>
          </p>
        </div>
      </div>
      <Traits query={query} />
      <div className="person-grid">
        <div className="stack">
          <Timeline person={person} />
          <SessionList person={person} />
        </div>
        <div className="stack">
          <Profile query={query} />
          <Counts query={query} />
          <Identity query={query} person={person} />
          <PersonRights person={person} />
          <History query={query} />
        </div>
      </div>
    </>
  );
}

/** What is computed of all their events. */
function Traits({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const now = useNow(60_000);
  const number = (value: number) => formatNumber(value, language);
  return (
    <Panel title={t("person.traits")} query={query} className="traits">
      {({ traits }) => {
        const revenue = Object.entries(traits.revenue);
        const seen = (moment: string | null) =>
          moment ? (
            <time dateTime={moment} title={formatMoment(moment, timezone, language)}>
              {formatAgo(moment, now, language)}
            </time>
          ) : (
            "–"
          );
        return (
          <dl className="figures">
            {[
              [t("measure.count"), number(traits.events)],
              [t("measure.sessions"), number(traits.sessions)],
              [t("person.activeDays"), number(traits.active_days)],
              [
                t("people.revenue"),
                revenue.length ? revenue.map(([currency, sum]) => `${number(sum)} ${currency}`.trim()).join(", ") : "–",
              ],
              [t("people.firstSeen"), seen(traits.first_seen)],
              [t("people.lastSeen"), seen(traits.last_seen)],
            ].map(([name, value], place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: these are always the same six
              <div key={place}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        );
      }}
    </Panel>
  );
}

function Timeline({ person }: { person: string }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const names = useEventNames();
  const [{ event }, change] = useAsk((asked) => ({ event: textOf(asked.event) }));
  const timeOf = (one: TimelineEvent) => formatMoment(one.timestamp, timezone, language);
  const options = [...new Set([...(event ? [event] : []), ...names])];
  return (
    <PagedPanel<TimelineEvent>
      title={t("person.timeline")}
      queryKey={[project, "timeline", person, event]}
      ask={(cursor, signal) =>
        api.call<TimelineAnswer>(`${at(person)}/timeline`, {
          project,
          signal,
          query: { limit: 25, cursor, events: event, timezone },
        })
      }
      everyMs={15_000}
      rowKey={(one) => `${one.event_id}${one.event}${one.user_key}`}
      actions={
        <select
          className="small-select"
          aria-label={t("person.only")}
          value={event}
          onChange={(change_) => change({ event: change_.target.value })}
        >
          <option value="">{t("person.allEvents")}</option>
          {options.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      }
      empty={
        <div className="empty">
          <p>{t("person.noEvents")}</p>
        </div>
      }
      opens={{
        column: t("events.event"),
        name: t("events.json"),
        face: (one) => <bdi>{one.event}</bdi>,
        label: (one) => t("events.open", { event: one.event.slice(0, 100), time: timeOf(one) }),
      }}
      columns={[
        { name: t("events.page"), kind: "wide", cell: (one) => <bdi>{one.path ?? detailOf(one)}</bdi> },
        { name: t("person.id"), kind: "wide", cell: (one) => <bdi>{one.user_key}</bdi> },
        { name: t("events.time"), kind: "narrow", cell: (one) => <time dateTime={one.timestamp}>{timeOf(one)}</time> },
      ]}
      whole={(one) => <CodeBlock code={JSON.stringify(one, null, 2)} />}
    />
  );
}

/** The first few properties of an event without a page, such as one of a server. */
function detailOf({ properties }: TimelineEvent): string {
  const said = Object.entries((properties ?? {}) as object).filter(([, value]) => typeof value !== "object");
  return (
    said
      .slice(0, 3)
      .map(([name, value]) => `${name}: ${value}`)
      .join(" · ") || "–"
  );
}

function SessionList({ person }: { person: string }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  return (
    <PagedPanel<PersonSession>
      title={t("nav.sessions")}
      className="short"
      queryKey={[project, "person sessions", person]}
      ask={(cursor, signal) =>
        api.call<{ items: PersonSession[]; next_cursor: string | null }>(`${at(person)}/sessions`, {
          project,
          signal,
          query: { limit: 10, cursor, timezone },
        })
      }
      everyMs={0}
      rowKey={(one) => `${one.started}${one.session_id}`}
      empty={
        <div className="empty">
          <Clock size={22} aria-hidden="true" />
          <p>{t("person.noEvents")}</p>
        </div>
      }
      columns={[
        { name: t("sessions.began"), cell: (one) => formatMoment(one.started, timezone, language) },
        {
          name: t("sessions.way"),
          kind: "wide",
          cell: (one) => <bdi>{[...new Set([one.entry_page, one.exit_page])].filter(Boolean).join(" → ") || "–"}</bdi>,
        },
        { name: t("measure.count"), kind: "wide", cell: (one) => formatNumber(one.events, language) },
        {
          name: t("sessions.length"),
          kind: "narrow",
          cell: (one) => (one.bounced ? t("sessions.bounced") : formatDuration(one.seconds, language)),
        },
      ]}
    />
  );
}

const textIn = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function Profile({ query }: { query: Query }) {
  const { t } = useTexts();
  return (
    <Panel
      title={t("person.profile")}
      query={query}
      className="short"
      isEmpty={({ profile }) => Object.keys(profile).length === 0}
      empty={
        <div className="empty">
          <p>{t("person.noProfile")}</p>
        </div>
      }
      figure={{
        own: true,
        quiet: true,
        sentence: ({ profile }) => Object.keys(profile).join(", "),
        table: ({ profile }) => ({
          name: "profile",
          columns: [t("filter.property"), t("filter.value")],
          rows: Object.entries(profile).map(([name, value]) => [name, textIn(value)]),
        }),
      }}
    >
      {({ profile }) => (
        <dl className="facts">
          {Object.entries(profile).map(([name, value]) => (
            <div key={name}>
              <dt>
                <bdi>{name}</bdi>
              </dt>
              <dd>
                <bdi>{textIn(value)}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  );
}

const MOST_COUNTS = 12;

function Counts({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const title = t("person.counts");
  const columns: [string, string, string] = [t("fields.event"), t("measure.count"), t("measure.share")];
  return (
    <Panel
      title={title}
      query={query}
      className="short"
      isEmpty={({ traits }) => traits.counts.length === 0}
      empty={
        <div className="empty">
          <p>{t("person.noEvents")}</p>
        </div>
      }
      figure={{
        own: true,
        quiet: true,
        sentence: ({ traits }) =>
          traits.counts
            .slice(0, 3)
            .map(({ event, count }) => `${event} ${formatNumber(count, language)}`)
            .join(", "),
        table: ({ traits }) => ({
          name: "event-counts",
          columns: [t("fields.event"), t("measure.count"), t("people.firstSeen"), t("people.lastSeen")],
          rows: traits.counts.map((one) => [one.event, one.count, one.first, one.last]),
        }),
      }}
    >
      {({ traits }) => (
        <BarList
          caption={title}
          columns={columns}
          language={language}
          rows={traits.counts.slice(0, MOST_COUNTS).map(({ event, count }) => ({
            name: event,
            value: count,
            share: traits.events ? count / traits.events : null,
          }))}
        />
      )}
    </Panel>
  );
}

/** What changed the profile, the newest first. */
function History({ query }: { query: Query }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const [all, setAll] = useState(false);
  return (
    <Panel
      title={t("person.history")}
      query={query}
      className="short"
      isEmpty={({ history }) => history.length === 0}
      empty={
        <div className="empty">
          <GitMerge size={22} aria-hidden="true" />
          <p>{t("person.noProfile")}</p>
        </div>
      }
    >
      {({ history }) => (
        <div>
          <ListTable
            caption={t("person.history")}
            rows={all ? history : history.slice(0, 8)}
            rowKey={(one) => `${one.event_id}${one.operation}${one.name}${one.user_key}`}
            columns={[
              {
                name: t("filter.property"),
                cell: (one) => (
                  <>
                    <bdi>{one.name}</bdi>
                    <code className="under">{one.operation}</code>
                  </>
                ),
              },
              { name: t("filter.value"), cell: (one) => <bdi>{textIn(one.value)}</bdi> },
              { name: t("events.time"), kind: "narrow", cell: (one) => formatMoment(one.at, timezone, language) },
            ]}
          />
          {history.length > 8 && !all ? (
            <p className="more-line">
              <button type="button" className="button" onClick={() => setAll(true)}>
                {t("events.more")}
              </button>
            </p>
          ) : null}
        </div>
      )}
    </Panel>
  );
}
