import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { type RejectedAnswer, useApi } from "../api/client";
import { rejectedReasons } from "../api/queries";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { Panel } from "../panels/Panel";
import { useScope } from "../state/scope";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";

type Refused = RejectedAnswer["items"][number];

/** What was refused, why, and the bytes as they came. */
export default function Rejected() {
  const { t, language } = useTexts();
  const scope = useScope();
  const api = useApi();
  const [reason, setReason] = useState("");
  const [shown, setShown] = useState<Refused>();
  const { span, timezone, project } = scope;
  const reasons = useQuery(rejectedReasons(api, scope));
  const query = useInfiniteQuery({
    queryKey: [project, "rejected", span, timezone, reason],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.call<RejectedAnswer>("/api/v1/rejected", {
        project,
        signal,
        query: { ...span, timezone, reason, cursor: pageParam, limit: 50 },
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (known) => (known.state.data?.pages.length ?? 1) === 1 && 15_000,
  });
  const none = (
    <div className="empty">
      <CircleCheck size={24} aria-hidden="true" />
      <p>{t("rejected.none")}</p>
    </div>
  );
  return (
    <>
      <Controls title={t("rejected.title")} bare />
      <p className="about">{t("rejected.about")}</p>
      <div className="grid">
        <Panel
          title={t("rejected.reasons")}
          query={reasons}
          className="wide short"
          isEmpty={(answer) => answer.total === 0}
          empty={none}
          actions={
            reason ? (
              <button type="button" className="link" onClick={() => setReason("")}>
                {t("rejected.all")}
              </button>
            ) : null
          }
          figure={{
            own: true,
            quiet: true,
            sentence: (answer) =>
              answer.items.map((one) => `${one.title} ${formatNumber(one.count, language)}`).join(" "),
            table: (answer) => ({
              name: "rejected-reasons",
              columns: [t("rejected.reason"), t("rejected.count"), t("rejected.last")],
              rows: answer.items.map((one) => [one.reason, one.count, one.last_seen]),
            }),
          }}
        >
          {(answer) => (
            <BarList
              caption={t("rejected.reasons")}
              columns={[t("rejected.reason"), t("rejected.count"), t("measure.share")]}
              language={language}
              rows={answer.items.map((one) => ({
                name: `${one.reason} – ${one.title}`,
                value: one.count,
                share: one.count / answer.total,
                onPick: () => setReason(one.reason),
                pickLabel: t("overview.filterBy", { value: one.reason }),
              }))}
            />
          )}
        </Panel>
        <Panel
          title={t("rejected.list")}
          query={{ ...query, data: query.data?.pages.flatMap((page) => page.items) } as never}
          className="wide"
          isEmpty={(items: Refused[]) => items.length === 0}
          empty={none}
        >
          {(items: Refused[]) => (
            <div>
              <table className="latest refused">
                <caption className="hidden">{t("rejected.list")}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t("rejected.reason")}</th>
                    <th scope="col">{t("events.event")}</th>
                    <th scope="col" className="phone-off">
                      {t("rejected.advice")}
                    </th>
                    <th scope="col" className="when">
                      {t("events.time")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((one) => {
                    const time = formatMoment(one.received_at, timezone, language);
                    return (
                      <tr key={`${one.batch_id}-${one.position}`}>
                        <th scope="row">
                          <button
                            type="button"
                            className="row-button"
                            aria-label={t("rejected.open", { reason: one.reason, time })}
                            onClick={() => setShown(one)}
                          >
                            <span className="tag">{one.reason}</span>
                          </button>
                        </th>
                        <td>
                          <bdi>{one.event ?? "–"}</bdi>
                        </td>
                        <td className="phone-off">
                          <bdi>{one.detail || one.title}</bdi>
                        </td>
                        <td className="when">
                          <time dateTime={one.received_at}>{time}</time>
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
              {query.hasNextPage ? (
                <p className="more-line">
                  <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
                    {t("events.more")}
                  </button>
                </p>
              ) : null}
            </div>
          )}
        </Panel>
      </div>
      {shown ? (
        <Dialog title={t("rejected.raw")} close={t("events.close")} onClose={() => setShown(undefined)} wide>
          <p className="reason">
            <b>{shown.title}</b>
            <span className="faint">{shown.detail}</span>
          </p>
          <CodeBlock code={shown.raw} />
        </Dialog>
      ) : null}
    </>
  );
}
