import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, Download } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { useApi } from "../api/client";
import { cancelJob, isOver, type Job, type JobState, type MadeFile } from "../api/jobs";
import { useTexts } from "../i18n";
import { formatAgo, formatDuration, formatMoment, formatNumber, formatPercent } from "../i18n/format";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Confirm } from "../ui/Confirm";
import { ListTable } from "./ListTable";
import "../ui/jobs.css";

const LOOKS: Record<JobState, string> = {
  queued: "queued",
  running: "queued",
  completed: "stored",
  failed: "dropped",
  cancelled: "",
};

type Shown = Pick<Job<unknown, unknown>, "state" | "progress" | "error">;

/** In words, and while it runs how far it is. */
export function StateOf({ job }: { job: Shown }) {
  const { t, language } = useTexts();
  return (
    <span className="job-state">
      <span className={`state ${LOOKS[job.state]}`}>{t(`jobs.states.${job.state}`)}</span>
      {job.state === "running" ? (
        <>
          <progress max={1} value={job.progress} aria-label={t("jobs.progress")} />
          <span className="faint">{formatPercent(job.progress, language)}</span>
        </>
      ) : null}
    </span>
  );
}

/** A page's head: where it belongs, what it is, how it is, and what can be done to it. */
export function JobHead(props: {
  back: { to: string; text: string };
  title: string;
  job: Shown | undefined;
  children?: ReactNode;
}) {
  const { project } = useScope();
  return (
    <>
      <p className="back">
        <Link to={props.back.to as "/p/$project/exports"} params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {props.back.text}
        </Link>
      </p>
      <div className="controls">
        <div className="job-title">
          <h1>{props.title}</h1>
          <span role="status">{props.job ? <StateOf job={props.job} /> : null}</span>
        </div>
        <div className="control-row">{props.children}</div>
      </div>
    </>
  );
}

/** Ends a job that has not ended; where it may be stopped only before it starts, that is for the caller to know. */
export function CancelJob(props: { path: string; id: string; about: string }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        {t("jobs.stop")}
      </button>
      {asking ? (
        <Confirm
          title={t("jobs.stopTitle")}
          about={props.about}
          action={t("jobs.stop")}
          run={async () => {
            await cancelJob(api, project, props.path, props.id);
            await client.invalidateQueries({ queryKey: [project] });
          }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}

/** When it was asked for, began and ended, and what it ran into. */
export function JobFacts({ job }: { job: Job<unknown, unknown> }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const now = useNow(10_000);
  const seconds = (from: string, to: string | null) => (to ? Date.parse(to) - Date.parse(from) : 0) / 1000;
  return (
    <div className="stack">
      {job.state === "running" ? (
        <progress className="wide-progress" max={1} value={job.progress} aria-label={t("jobs.progress")} />
      ) : null}
      {job.error ? (
        <p className={job.state === "failed" ? "form-error" : "notice warning"} role="alert">
          <b>{isOver(job.state) ? t("jobs.failedWith") : t("jobs.waitsFor")}</b> <bdi>{job.error.detail}</bdi>{" "}
          <code>{job.error.code}</code>
        </p>
      ) : null}
      <Facts
        facts={[
          [t("jobs.asked"), <Moment key="asked" at={job.created_at} />],
          [t("jobs.took"), took(job.started_at, job.finished_at)],
          [t("jobs.ended"), job.finished_at ? formatMoment(job.finished_at, timezone, language) : "–"],
          [t("jobs.id"), <code key="id">{job.id}</code>],
        ]}
      />
    </div>
  );
  function took(from: string | null, to: string | null) {
    if (!from) return t("jobs.notBegun");
    return to ? formatDuration(seconds(from, to), language) : formatAgo(from, now, language);
  }
}

/** Facts as a list of names and values. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How long ago, and when exactly for who points at it. */
export function Moment({ at }: { at: string }) {
  const { language } = useTexts();
  const { timezone } = useScope();
  const now = useNow(30_000);
  return (
    <time dateTime={at} title={formatMoment(at, timezone, language)}>
      {formatAgo(at, now, language)}
    </time>
  );
}

/** A size in the unit people read. */
export function useBytes(): (bytes: number) => string {
  const { language } = useTexts();
  return (bytes) => {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
    const place = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
    return formatNumber(bytes / 1000 ** place, language, {
      style: "unit",
      unit: units[place],
      unitDisplay: "short",
      maximumFractionDigits: place > 1 ? 1 : 0,
    });
  };
}

/** What was made, each with its link while there is one. */
export function FileTable({ caption, files }: { caption: string; files: readonly MadeFile[] }) {
  const { t, language } = useTexts();
  const bytesOf = useBytes();
  return (
    <ListTable
      caption={caption}
      className="files-table"
      rows={files}
      rowKey={({ name }) => name}
      columns={[
        {
          name: t("jobs.file"),
          cell: ({ name, url }) =>
            url ? (
              <a href={url} download className="file-link">
                <Download size={15} aria-hidden="true" />
                <bdi>{name}</bdi>
              </a>
            ) : (
              <bdi>{name}</bdi>
            ),
        },
        {
          name: t("jobs.rows"),
          kind: "narrow",
          cell: ({ rows }) => (rows === undefined ? "" : formatNumber(rows, language)),
        },
        { name: t("jobs.size"), kind: "narrow", cell: ({ bytes }) => (bytes === undefined ? "" : bytesOf(bytes)) },
        {
          name: t("jobs.hash"),
          kind: "wide",
          cell: ({ sha256 }) => (sha256 ? <code title={sha256}>{sha256.slice(0, 16)}…</code> : null),
        },
      ]}
    />
  );
}

/** A question that is answered by typing a word: for what nobody can take back. */
export function TypedWord(props: { label: string; word: string; value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <p>
        <code className="id">{props.word}</code>
      </p>
      <input
        id={id}
        value={props.value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}
