import { useInfiniteQuery } from "@tanstack/react-query";
import { Pause, Play, Search } from "lucide-react";
import { useState } from "react";
import { type EventsAnswer, type StoredEvent, useApi } from "../api/client";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { Panel } from "../panels/Panel";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";

const PAGE = 50;
const LIVE_MS = 3_000;

/** Whole events, the newest first: live while nothing is paused or paged. */
export default function Events() {
  const { t, language } = useTexts();
  const scope = useScope();
  const api = useApi();
  const { view, change } = useView();
  const [live, setLive] = useState(true);
  const [shown, setShown] = useState<StoredEvent>();
  const [typed, setTyped] = useState("");
  const { span, timezone, filters, events, project } = scope;
  const searched = view.search
    ? [...filters, { property: "event", op: "contains" as const, value: view.search }]
    : filters;
  const body = { ...span, timezone, filters: searched, events, limit: PAGE };
  const query = useInfiniteQuery({
    queryKey: [project, "events", body],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.call<EventsAnswer>("/api/v1/query/events", { project, signal, body: { ...body, cursor: pageParam } }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (known) => live && (known.state.data?.pages.length ?? 1) === 1 && LIVE_MS,
  });
  const asked = { ...query, data: query.data?.pages.flatMap((page) => page.items) };
  return (
    <>
      <Controls title={t("events.title")} />
      <div className="toolbar">
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
        <button type="button" className="button" aria-pressed={live} onClick={() => setLive(!live)}>
          {live ? <span className="live-dot" aria-hidden="true" /> : null}
          {live ? t("events.pause") : t("events.resume")}
          {live ? <Pause size={15} aria-hidden="true" /> : <Play size={15} aria-hidden="true" />}
        </button>
      </div>
      <Panel title={t("events.list")} query={asked as never} isEmpty={(items: StoredEvent[]) => items.length === 0}>
        {(items: StoredEvent[]) => (
          <div>
            <table className="latest">
              <caption className="hidden">{t("events.list")}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("events.event")}</th>
                  <th scope="col">{t("events.who")}</th>
                  <th scope="col" className="phone-off">
                    {t("events.page")}
                  </th>
                  <th scope="col" className="when">
                    {t("events.time")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((one) => {
                  const time = formatMoment(one.timestamp, timezone, language);
                  return (
                    <tr key={`${one.event_id}${one.timestamp}${one.event}`}>
                      <th scope="row">
                        <button
                          type="button"
                          className="row-button"
                          aria-label={t("events.open", { event: one.event.slice(0, 100), time })}
                          onClick={() => setShown(one)}
                        >
                          <bdi>{one.event}</bdi>
                        </button>
                      </th>
                      <td>
                        <bdi>{one.user_id ?? one.anonymous_id ?? "–"}</bdi>
                      </td>
                      <td className="phone-off">
                        <bdi>{one.path ?? "–"}</bdi>
                      </td>
                      <td className="when">
                        <time dateTime={one.timestamp}>{time}</time>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
            {query.hasNextPage ? (
              <p className="more-line">
                <button
                  type="button"
                  className="button"
                  aria-busy={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  {t("events.more")}
                </button>
              </p>
            ) : null}
          </div>
        )}
      </Panel>
      {shown ? (
        <Dialog title={t("events.json")} close={t("events.close")} onClose={() => setShown(undefined)} wide>
          <CodeBlock code={JSON.stringify(shown, null, 2)} />
        </Dialog>
      ) : null}
    </>
  );
}
