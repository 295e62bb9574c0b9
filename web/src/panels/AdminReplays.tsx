import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useApi } from "../api/client";
import { cancelJob, isOver, jobOf } from "../api/jobs";
import { REPLAYS, type Replay, type ReplayResult, replaysPage, type Sample } from "../api/replays";
import { useTexts } from "../i18n";
import { formatAgo, formatNumber } from "../i18n/format";
import type { Edit } from "../state/edits";
import { useMay } from "../state/may";
import { notBefore, useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { pretty } from "./AdminDeliveries";
import { StateOf } from "./JobParts";
import { ListTable } from "./ListTable";
import { PagedPanel } from "./PagedPanel";
import { Panel } from "./Panel";

/** A replay as it goes on and what came of it: counts, why some are refused again, events before and after. */
export function ReplayView({
  id,
  title,
  onDone,
}: {
  id: string;
  title: string;
  onDone?: (done: Replay) => React.ReactNode;
}) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const may = useMay()("events.replay");
  const query = useQuery(jobOf<Replay>(api, project, REPLAYS, id));
  const stop = useMutation({
    mutationFn: () => cancelJob(api, project, REPLAYS, id),
    onSettled: () => client.invalidateQueries({ queryKey: [project, REPLAYS] }),
  });
  return (
    <Panel title={title} query={query} className="short">
      {(job) => (
        <div className="stack">
          <div className="row spread" role="status">
            <StateOf job={job} />
            {may && !isOver(job.state) ? (
              <button
                type="button"
                className="button"
                aria-busy={stop.isPending}
                onClick={() => stop.isPending || stop.mutate()}
              >
                {t("admin.replay.stop")}
              </button>
            ) : null}
          </div>
          <FormError error={stop.error ?? undefined} />
          {job.error ? <p className="form-error">{job.error.detail}</p> : null}
          {job.result ? <Result result={job.result} /> : null}
          {isOver(job.state) && job.result ? onDone?.(job) : null}
        </div>
      )}
    </Panel>
  );
}

const COUNTS = ["waiting", "seen", "passed", "events", "refused", "unusable"] as const;

function Result({ result }: { result: ReplayResult }) {
  const { t, language } = useTexts();
  const reasons = Object.entries(result.reasons).toSorted(([, a], [, b]) => b - a);
  return (
    <>
      <dl className="figures">
        {COUNTS.filter((name) => result[name] || name === "passed" || name === "waiting").map((name) => (
          <div key={name}>
            <dt>{t(result.dry_run ? `admin.replay.would.${name}` : `admin.replay.did.${name}`)}</dt>
            <dd>{formatNumber(result[name], language)}</dd>
          </div>
        ))}
      </dl>
      {reasons.length ? (
        <ListTable
          caption={t("admin.replay.again")}
          rows={reasons}
          rowKey={([reason]) => reason}
          columns={[
            { name: t("admin.replay.again"), cell: ([reason]) => <span className="tag">{reason}</span> },
            { name: t("rejected.count"), kind: "narrow", cell: ([, count]) => formatNumber(count, language) },
          ]}
        />
      ) : null}
      {result.samples.length ? (
        <>
          <h3>{t("admin.replay.samples")}</h3>
          {result.samples.map((sample) => (
            <SampleView key={`${sample.batch_id} ${sample.position}`} sample={sample} dry={result.dry_run} />
          ))}
        </>
      ) : null}
    </>
  );
}

/** One event as it was sent and as it would be, beside each other. */
function SampleView({ sample, dry }: { sample: Sample; dry: boolean }) {
  const { t } = useTexts();
  return (
    <section className="sample">
      <p className="row">
        {sample.reason ? (
          <>
            <span className="state dropped">{dry ? t("admin.replay.wouldRefuse") : t("admin.replay.refused")}</span>
            <span className="tag">{sample.reason}</span>
            <span className="faint">{sample.detail}</span>
          </>
        ) : (
          <span className="state stored">{dry ? t("admin.replay.wouldTake") : t("admin.replay.taken")}</span>
        )}
      </p>
      <div className="sample-sides">
        <div>
          <h4>{t("admin.audit.before")}</h4>
          <CodeBlock code={pretty(sample.before)} />
        </div>
        <ArrowRight size={18} aria-hidden="true" />
        <div>
          <h4>{t("admin.audit.after")}</h4>
          <CodeBlock code={pretty(sample.after)} />
        </div>
      </div>
      {sample.event ? (
        <details>
          <summary>{t("admin.replay.stored")}</summary>
          <CodeBlock code={JSON.stringify(sample.event, null, 2)} />
        </details>
      ) : null}
    </section>
  );
}

/** Replays and tries before; each opens with its result, and what it asked can be asked again. */
export function Replays({ again }: { again: (asked: Replay["request"]) => void }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const now = useNow(30_000);
  return (
    <PagedPanel<Replay>
      title={t("admin.replay.list")}
      queryKey={[project, REPLAYS, "list"]}
      ask={(cursor, signal) => replaysPage(api, project, cursor, signal)}
      everyMs={5_000}
      className="short"
      rowKey={({ id }) => id}
      empty={<p className="empty">{t("admin.replay.none")}</p>}
      opens={{
        column: t("admin.replay.what"),
        name: t("admin.replay.one"),
        face: (one) => (one.request.dry_run ? t("admin.replay.dry") : t("admin.replay.real")),
        label: (one) =>
          t("admin.replay.open", { ago: formatAgo(one.created_at, notBefore(one.created_at, now), language) }),
      }}
      columns={[
        {
          name: t("rejected.reason"),
          kind: "wide",
          cell: (one) => (one.request.reason ? <span className="tag">{one.request.reason}</span> : t("rejected.all")),
        },
        { name: t("apiKeys.state"), cell: (one) => <StateOf job={one} /> },
        {
          name: t("admin.replay.did.passed"),
          kind: "wide",
          cell: (one) => (one.result ? formatNumber(one.result.passed, language) : "–"),
        },
        {
          name: t("admin.deliveries.when"),
          kind: "narrow",
          cell: (one) => (
            <time dateTime={one.created_at}>{formatAgo(one.created_at, notBefore(one.created_at, now), language)}</time>
          ),
        },
      ]}
      whole={(one, close) => (
        <div className="stack">
          <EditsText edits={one.request.edits} />
          <p>
            <button
              type="button"
              className="button"
              onClick={() => {
                close();
                again(one.request);
              }}
            >
              {t("admin.replay.reuse")}
            </button>
          </p>
          <ReplayView id={one.id} title={t("admin.replay.result")} />
        </div>
      )}
    />
  );
}

function EditsText({ edits }: { edits: readonly Edit[] }) {
  const { t } = useTexts();
  if (!edits.length) return <p className="faint">{t("admin.replay.noEdits")}</p>;
  const restOf = (edit: Edit) => (edit.op === "set" ? JSON.stringify(edit.value) : edit.op === "drop" ? "" : edit.to);
  return (
    <ol className="links-list">
      {edits.map((edit, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an edit is known by its place
        <li key={place}>
          {t(`admin.replay.ops.${edit.op}`)} <code>{edit.field}</code>{" "}
          {restOf(edit) ? <code>{restOf(edit)}</code> : null}
        </li>
      ))}
    </ol>
  );
}
