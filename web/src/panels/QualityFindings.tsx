import { useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { acknowledge, type Finding, findingsOf } from "../api/quality";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber, formatPercent } from "../i18n/format";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Segmented } from "../ui/form";
import { PagedPanel } from "./PagedPanel";

const STATES = ["open", "closed", "all"] as const;
export type FindingState = (typeof STATES)[number];
const COUNTS: readonly Finding["kind"][] = ["volume", "silent", "unplanned"];

/** What was found, the newest first; each opens, and can be said to be known. */
export function QualityFindings(props: {
  event: string;
  state: FindingState;
  onState: (state: FindingState) => void;
  onEvent: (event: string) => void;
}) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const { event, state } = props;
  const words = { open: t("quality.open"), closed: t("quality.closed"), all: t("quality.anyState") };
  const kind = (one: Finding) => t(`quality.kind.${one.kind}`);
  const place = (one: Finding) => [one.event || t("quality.all"), one.property].filter(Boolean).join(" · ");
  return (
    <PagedPanel<Finding>
      title={t("quality.findings")}
      queryKey={[project, "quality", "findings", state, event]}
      ask={(cursor, signal) => findingsOf(api, project, state, event, cursor, signal)}
      everyMs={60_000}
      tableClass="findings-table"
      actions={
        <>
          {event ? (
            <button type="button" className="link" onClick={() => props.onEvent("")}>
              {t("quality.showAll")}
            </button>
          ) : null}
          <Segmented
            label={t("quality.state")}
            value={state}
            options={STATES.map((value) => ({ value, text: words[value] }))}
            onChange={props.onState}
          />
        </>
      }
      empty={
        <div className="empty">
          <CircleCheck size={24} aria-hidden="true" />
          <p>{state === "closed" ? t("quality.nothingOver") : t("quality.clean")}</p>
        </div>
      }
      rowKey={(one) => one.id}
      opens={{
        column: t("quality.found"),
        name: t("quality.finding"),
        face: (one) => (
          <span className={one.closed_at ? "state" : one.acknowledged_at ? "state queued" : "state dropped"}>
            {kind(one)}
          </span>
        ),
        label: (one) => t("quality.openOne", { kind: kind(one), place: place(one) }),
      }}
      columns={[
        { name: t("quality.place"), cell: (one) => <bdi>{place(one)}</bdi> },
        { name: t("quality.what"), kind: "wide", cell: (one) => <bdi className="seen">{seen(one, language)}</bdi> },
        {
          name: t("quality.acknowledged"),
          kind: "wide",
          cell: (one) =>
            one.acknowledged_at ? one.acknowledged_by : one.closed_at ? "–" : t("quality.unacknowledged"),
        },
        {
          name: t("quality.since"),
          kind: "narrow",
          cell: (one) => <time dateTime={one.opened_at}>{formatMoment(one.opened_at, timezone, language, true)}</time>,
        },
      ]}
      whole={(one) => <Whole finding={one} />}
    />
  );
}

/** What was seen, with what was to be expected: shares as percent, numbers of events as they are. */
function seen(one: Finding, language: string): string {
  const shown = (value: number) =>
    COUNTS.includes(one.kind) ? formatNumber(value, language) : formatPercent(value, language);
  const value = one.expected === null ? shown(one.value) : `${shown(one.expected)} → ${shown(one.value)}`;
  return one.kind === "unplanned" || one.kind === "volume" || one.kind === "null_rate"
    ? value
    : `${value} · ${one.detail}`;
}

function Whole({ finding }: { finding: Finding }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("definitions.write");
  const [known, setKnown] = useState(finding);
  const { busy, error, submit } = useSubmit(async ({ note = "" }) => {
    setKnown(await acknowledge(api, project, finding.id, note));
    await client.invalidateQueries({ queryKey: [project, "quality"] });
  });
  const moment = (at: string) => formatMoment(at, timezone, language);
  return (
    <div className="stack finding">
      <p className="reason">
        <b>{t(`quality.kind.${known.kind}`)}</b>
        <span className="faint">{t(`quality.kindAbout.${known.kind}`)}</span>
      </p>
      <dl className="facts">
        <div>
          <dt>{t("quality.place")}</dt>
          <dd>
            <bdi>{[known.event || t("quality.all"), known.property].filter(Boolean).join(" · ")}</bdi>
          </dd>
        </div>
        <div>
          <dt>{t("quality.what")}</dt>
          <dd>
            <bdi>{seen(known, language)}</bdi>
          </dd>
        </div>
        <div>
          <dt>{t("quality.since")}</dt>
          <dd>{moment(known.opened_at)}</dd>
        </div>
        <div>
          <dt>{t("quality.until")}</dt>
          <dd>{known.closed_at ? moment(known.closed_at) : t("quality.lasts")}</dd>
        </div>
      </dl>
      {known.acknowledged_at ? (
        <p className="notice" role="status">
          {t("quality.by", { who: known.acknowledged_by, moment: moment(known.acknowledged_at) })}
          {known.note ? <span className="under">{known.note}</span> : null}
        </p>
      ) : writes ? (
        <form onSubmit={submit}>
          <FormError error={error} />
          <p className="faint">{t("quality.acknowledgeAbout")}</p>
          <Field label={t("quality.note")} name="note" maxLength={1000} />
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("quality.acknowledge")}
          </button>
        </form>
      ) : null}
    </div>
  );
}
