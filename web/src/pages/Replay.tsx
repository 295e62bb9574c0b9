import "../ui/admin.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, FlaskConical, Play } from "lucide-react";
import { useState } from "react";
import { type RejectedAnswer, useApi } from "../api/client";
import { startJob } from "../api/jobs";
import { get, rejectedReasons } from "../api/queries";
import { REPLAYS, type ReplayWanted } from "../api/replays";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { Replays, ReplayView } from "../panels/AdminReplays";
import { Rules } from "../panels/AdminRules";
import { Controls } from "../panels/Controls";
import { Typed, useEventNames } from "../panels/Editors";
import { useAsk } from "../state/ask";
import { editsOf, pathsOf, replayAsked, ruleOf } from "../state/edits";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Select } from "../ui/form";

/** Refused events, edited so that they can be taken: tried first, then taken again. */
export default function Replay() {
  const { t, language } = useTexts();
  const scope = useScope();
  const { project, span, timezone } = scope;
  const api = useApi();
  const client = useQueryClient();
  const [asked, change] = useAsk(replayAsked);
  const replays = useMay()("events.replay");
  const [sure, setSure] = useState(false);
  const reasons = useQuery(rejectedReasons(api, scope)).data;
  const wanted = (dry_run: boolean): ReplayWanted => ({
    ...span,
    timezone,
    reason: asked.reason,
    event: asked.event,
    edits: editsOf(asked.rules),
    dry_run,
  });
  // What was tried, and what of it is taken, is the question as it stood then.
  const text = JSON.stringify(wanted(true));
  const start = useMutation({
    mutationFn: (dry: boolean) => startJob(api, project, REPLAYS, wanted(dry)),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, REPLAYS, "list"] }),
  });
  const [started, setStarted] = useState<{ id: string; text: string; dry: boolean }>();
  const begin = async (dry: boolean) => {
    const { id } = await start.mutateAsync(dry);
    setStarted({ id, text, dry });
  };
  const tried = started?.dry && started.text === text;
  return (
    <>
      <p className="back">
        <Link to="/p/$project/rejected" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("nav.rejected")}
        </Link>
      </p>
      <Controls title={t("admin.replay.title")} bare />
      <p className="about">{t("admin.replay.about")}</p>
      <div className="stack">
        <section className="panel padded" aria-label={t("admin.replay.rules")}>
          <div className="field-pair">
            <Select
              label={t("rejected.reason")}
              value={asked.reason}
              onChange={(event) => change({ reason: event.target.value })}
              options={[
                { value: "", text: t("rejected.all") },
                ...(reasons?.items ?? []).map((one) => ({
                  value: one.reason as string,
                  text: `${one.reason} (${formatNumber(one.count, language)})`,
                })),
                ...(asked.reason && !reasons?.items.some(({ reason }) => reason === asked.reason)
                  ? [{ value: asked.reason, text: asked.reason }]
                  : []),
              ]}
            />
            <Typed
              label={t("events.event")}
              value={asked.event}
              known={useEventNames()}
              placeholder={t("analysis.anyEvent")}
              onChange={(event) => change({ event })}
              visible
            />
          </div>
          <h2>{t("admin.replay.rules")}</h2>
          <Rules
            rules={asked.rules}
            fields={useFields(asked.reason, asked.event)}
            onChange={(rules) => change({ rules })}
          />
          <FormError error={start.error ?? undefined} />
          {replays ? (
            <div className="row">
              <button
                type="button"
                className={tried ? "button" : "button primary"}
                aria-busy={start.isPending}
                onClick={() => start.isPending || void begin(true).catch(() => undefined)}
              >
                <FlaskConical size={15} aria-hidden="true" />
                {t("admin.replay.try")}
              </button>
              <span className="faint">{t("admin.replay.tryHint")}</span>
            </div>
          ) : null}
        </section>
        {started ? (
          <ReplayView
            key={started.id}
            id={started.id}
            title={started.dry ? t("admin.replay.tried") : t("admin.replay.result")}
            onDone={(done) =>
              !started.dry ? (
                <p>
                  <Link to="/p/$project/events" params={{ project }} className="button">
                    {t("nav.events")}
                  </Link>
                </p>
              ) : !tried ? (
                <p className="notice">{t("admin.replay.changed")}</p>
              ) : done.result?.passed ? (
                <p>
                  <button type="button" className="button primary" onClick={() => setSure(true)}>
                    <Play size={15} aria-hidden="true" />
                    {t("admin.replay.run", {
                      count: done.result.passed,
                      shown: formatNumber(done.result.passed, language),
                    })}
                  </button>
                </p>
              ) : (
                <p className="notice">{t("admin.replay.nothing")}</p>
              )
            }
          />
        ) : null}
        <Replays
          again={(request) =>
            change({ reason: request.reason, event: request.event, rules: request.edits.map(ruleOf) })
          }
        />
      </div>
      {sure ? (
        <Confirm
          title={t("admin.replay.sureTitle")}
          about={t("admin.replay.sureAbout")}
          action={t("admin.replay.real")}
          run={() => begin(false)}
          onClose={() => setSure(false)}
        />
      ) : null}
    </>
  );
}

/** Names of fields in the latest of these refused events: what an edit may be about. */
function useFields(reason: string, event: string): string[] {
  const { project, span, timezone } = useScope();
  const query = { ...span, timezone, limit: 20, ...(reason && { reason }), ...(event && { event }) };
  const found = useQuery(get<RejectedAnswer>(useApi(), project, "/api/v1/rejected", query, false)).data?.items ?? [];
  return pathsOf(found.map(({ raw }) => raw));
}
