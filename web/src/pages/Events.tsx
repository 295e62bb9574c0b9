import { Pause, Play, Search } from "lucide-react";
import { useState } from "react";
import { type EventsAnswer, type StoredEvent, useApi } from "../api/client";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { PagedPanel } from "../panels/PagedPanel";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { CodeBlock } from "../ui/CodeBlock";

const PAGE = 50;
const LIVE_MS = 3_000;

/** Whole events, the newest first: live while nothing is paused or paged. */
export default function Events() {
  const { t, language } = useTexts();
  const { span, timezone, filters, events, project } = useScope();
  const api = useApi();
  const { view } = useView();
  const [live, setLive] = useState(true);
  const searched = view.search
    ? [...filters, { property: "event", op: "contains" as const, value: view.search }]
    : filters;
  const body = { ...span, timezone, filters: searched, events, limit: PAGE };
  const timeOf = (one: StoredEvent) => formatMoment(one.timestamp, timezone, language);
  return (
    <>
      <Controls title={t("events.title")} />
      <div className="toolbar">
        <NameSearch />
        <button type="button" className="button" aria-pressed={live} onClick={() => setLive(!live)}>
          {live ? <span className="live-dot" aria-hidden="true" /> : null}
          {live ? t("events.pause") : t("events.resume")}
          {live ? <Pause size={15} aria-hidden="true" /> : <Play size={15} aria-hidden="true" />}
        </button>
      </div>
      <PagedPanel<StoredEvent>
        title={t("events.list")}
        queryKey={[project, "events", body]}
        ask={(cursor, signal) =>
          api.call<EventsAnswer>("/api/v1/query/events", { project, signal, body: { ...body, cursor } })
        }
        everyMs={live ? LIVE_MS : 0}
        rowKey={(one) => `${one.event_id}${one.timestamp}${one.event}`}
        opens={{
          column: t("events.event"),
          name: t("events.json"),
          face: (one) => <bdi>{one.event}</bdi>,
          label: (one) => t("events.open", { event: one.event.slice(0, 100), time: timeOf(one) }),
        }}
        columns={[
          { name: t("events.who"), cell: (one) => <bdi>{one.user_id ?? one.anonymous_id ?? "–"}</bdi> },
          { name: t("events.page"), kind: "wide", cell: (one) => <bdi>{one.path ?? "–"}</bdi> },
          {
            name: t("events.time"),
            kind: "narrow",
            cell: (one) => <time dateTime={one.timestamp}>{timeOf(one)}</time>,
          },
        ]}
        whole={(one) => <CodeBlock code={JSON.stringify(one, null, 2)} />}
      />
    </>
  );
}

/** A part of a name to look for; it stands in the address once it is sent. */
function NameSearch() {
  const { t } = useTexts();
  const { view, change } = useView();
  const [typed, setTyped] = useState(view.search ?? "");
  return (
    <form
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        change({ search: typed.trim() || undefined });
      }}
    >
      <Search size={16} aria-hidden="true" />
      <input
        type="search"
        data-key="search"
        aria-label={t("events.search")}
        placeholder={t("events.search")}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          if (!event.target.value) change({ search: undefined });
        }}
      />
    </form>
  );
}
