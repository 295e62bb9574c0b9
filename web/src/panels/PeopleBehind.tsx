import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download } from "lucide-react";
import type { Behind } from "../api/analysis";
import { useApi } from "../api/client";
import { downloadCsv } from "../charts/table";
import { useTexts } from "../i18n";
import { formatDuration, formatMoment } from "../i18n/format";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Dialog } from "../ui/dialog";
import { type Column, ListTable } from "./ListTable";
import { Panel } from "./Panel";

type Person = Behind["items"][number];

/** Whom a number counts: what is asked at `path`, page by page. */
export interface BehindAsked {
  title: string;
  path: string;
  question: object;
}

/** A person's id as a link to their page; `u:` and `a:` say only of what kind it is. */
export function PersonLink({ id, name }: { id: string; name?: string }) {
  const { project } = useScope();
  const { t } = useTexts();
  const anonymous = id.startsWith("a:");
  return (
    <Link
      to="/p/$project/people/$person"
      params={{ project, person: id }}
      search={sharedOf as never}
      className="person-link"
      title={id.length > 24 ? id.slice(0, 500) : undefined}
    >
      <bdi>{name || id.slice(2)}</bdi>
      {anonymous ? <span className="state phone-off">{t("people.anonymous")}</span> : null}
    </Link>
  );
}

/** The people behind a number, in a dialog; each leads to their page. */
export function PeopleBehind({ asked, onClose }: { asked: BehindAsked; onClose: () => void }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const query = useInfiniteQuery({
    queryKey: [project, asked.path, asked.question],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.call<Behind>(asked.path, { project, signal, body: { ...asked.question, cursor: pageParam } }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    retry: false,
  });
  const people = query.data?.pages.flatMap(({ items }) => items);
  const bySession = (asked.question as { count_by?: string }).count_by === "sessions";
  const timed = people?.some(({ seconds }) => seconds !== undefined);
  const dated = people?.some((one) => momentOf(one) !== undefined);
  const moment = (one: Person) => momentOf(one) ?? "";
  const columns: Column<Person>[] = [
    bySession
      ? { name: t("fields.session_id"), cell: ({ id }) => <bdi>{id}</bdi> }
      : { name: t("people.person"), cell: ({ id }) => <PersonLink id={id} /> },
    ...(dated
      ? [{ name: t("events.time"), cell: (one: Person) => formatMoment(moment(one), timezone, language) }]
      : []),
    ...(timed
      ? [
          {
            name: t("analysis.took"),
            kind: "narrow" as const,
            cell: ({ seconds = 0 }: Person) => formatDuration(seconds, language),
          },
        ]
      : []),
  ];
  return (
    <Dialog title={asked.title} close={t("events.close")} onClose={onClose} wide>
      <Panel
        title={t("analysis.people")}
        query={{ ...query, data: people } as never}
        className="plain"
        isEmpty={(items: Person[]) => items.length === 0}
        empty={
          <div className="empty">
            <p>{t("analysis.nobody")}</p>
          </div>
        }
        actions={
          people?.length ? (
            <button
              type="button"
              className="link with-icon"
              onClick={() =>
                downloadCsv({
                  name: "people",
                  columns: [t("people.person"), t("events.time"), t("analysis.seconds")],
                  rows: people.map((one) => [one.id, moment(one), one.seconds ?? null]),
                })
              }
            >
              <Download size={15} aria-hidden="true" />
              {t("panel.csv")}
            </button>
          ) : null
        }
      >
        {(items: Person[]) => (
          <div>
            <ListTable caption={asked.title} columns={columns} rows={items} rowKey={({ id }) => id} />
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
    </Dialog>
  );
}

function momentOf(one: Person & { reached_at?: string }): string | undefined {
  return one.reached_at ?? one.at;
}
