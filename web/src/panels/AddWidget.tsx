import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../api/client";
import { definitions, type InlineQuery, type Widget } from "../api/saved";
import { useTexts } from "../i18n";
import { actWith } from "../state/asked";
import { measureOf, needsProperty } from "../state/explore";
import { fresh } from "../state/layout";
import { NO_BOT, useScope } from "../state/scope";
import { Dialog } from "../ui/dialog";
import { Field, Select, TextArea } from "../ui/form";
import { DurationPicker, FieldPicker, Names, useEventNames } from "./Editors";
import { MeasurePicker } from "./ExploreBuilder";

const KINDS = ["number", "series", "breakdown", "table", "funnel", "retention", "text", "saved"] as const;
type Kind = (typeof KINDS)[number];
const SHAPES = { series: ["line", "area", "bar"], breakdown: ["bar", "pie"] } as const;

interface Draft {
  kind: Kind;
  measure: string;
  events: string[];
  by: string;
  shape: string;
  window: string;
  start: string[];
  returning: string[];
  interval: "day" | "week" | "month";
  definition: string;
}

/** What the draft asks; undefined while something is missing. */
function inlineOf(draft: Draft): { inline: InlineQuery; chart: string } | undefined {
  const { kind, measure, events, by } = draft;
  const last = "30d";
  // As every page of the app counts.
  const filters = [NO_BOT];
  const complete = !needsProperty(measureOf(measure).kind) || measureOf(measure).property;
  if (kind === "number" && complete) {
    const query = { series: [{ measure, events }], filters, compare: "previous_period" };
    return { inline: { kind: "explore", query, last }, chart: "number" };
  }
  if (kind === "series" && complete) {
    const query = { series: [{ measure, events }], filters, ...(by && { group_by: by }) };
    return { inline: { kind: "explore", query, last }, chart: draft.shape };
  }
  if ((kind === "breakdown" || kind === "table") && complete && by) {
    const query = { measure, events, by, filters, limit: 10 };
    return { inline: { kind: "breakdown", query, last }, chart: kind === "table" ? "table" : draft.shape };
  }
  if (kind === "funnel" && events.length > 1) {
    const query = { steps: events.map((event) => ({ event })), filters, window: draft.window };
    return { inline: { kind: "funnel", query, last }, chart: "" };
  }
  if (kind === "retention") {
    const query = {
      start: actWith(draft.start),
      returning: actWith(draft.returning),
      filters,
      interval: draft.interval,
    };
    return { inline: { kind: "retention", query, last: "90d" }, chart: "" };
  }
  return undefined;
}

/** Asks what a new widget shows. */
export function AddWidget({ onAdd, onClose }: { onAdd: (widget: Widget) => void; onClose: () => void }) {
  const { t } = useTexts();
  const [draft, setDraft] = useState<Draft>({
    kind: "series",
    measure: "count",
    events: [],
    by: "",
    shape: "line",
    window: "7d",
    start: [],
    returning: [],
    interval: "week",
    definition: "",
  });
  const [title, setTitle] = useState("");
  const [text, setText] = useState("");
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const saved = useQuery(definitions(useApi(), useScope().project)).data ?? [];
  const definition = saved.find(({ id }) => id === draft.definition) ?? saved[0];
  const made = ((): Omit<Widget, "id"> | undefined => {
    if (draft.kind === "text") return text.trim() ? { title: title.trim(), text } : undefined;
    if (draft.kind === "saved")
      return definition ? { title: title.trim() || definition.name, definition_id: definition.id } : undefined;
    const asked = inlineOf(draft);
    return asked && { title: title.trim() || t(`dashboards.kinds.${draft.kind}`), ...asked };
  })();
  return (
    <Dialog title={t("dashboards.addWidget")} close={t("keys.close")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (made) onAdd({ id: fresh(), ...made });
        }}
      >
        <Select
          label={t("dashboards.kind")}
          value={draft.kind}
          options={KINDS.map((value) => ({ value, text: t(`dashboards.kinds.${value}`) }))}
          onChange={(event) => {
            const kind = event.target.value as Kind;
            change({ kind, shape: kind === "breakdown" ? "bar" : "line", events: [] });
          }}
        />
        <Field
          label={t("dashboards.widgetTitle")}
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.target.value)}
        />
        {draft.kind === "text" ? (
          <TextArea
            label={t("dashboards.text")}
            value={text}
            rows={4}
            maxLength={2000}
            required
            onChange={(event) => setText(event.target.value)}
          />
        ) : draft.kind === "saved" ? (
          saved.length ? (
            <Select
              label={t("dashboards.definition")}
              value={definition?.id}
              options={saved.map(({ id, name }) => ({ value: id, text: name }))}
              onChange={(event) => change({ definition: event.target.value })}
            />
          ) : (
            <p className="faint">{t("dashboards.noDefinition")}</p>
          )
        ) : (
          <Asked draft={draft} change={change} />
        )}
        {made ? (
          <button type="submit" className="button primary">
            {t("explore.add")}
          </button>
        ) : null}
      </form>
    </Dialog>
  );
}

function Asked({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const { t } = useTexts();
  const known = useEventNames();
  const { kind } = draft;
  const names = (label: string, values: string[], onChange: (values: string[]) => void) => (
    <div className="field compact">
      <span className="label">{label}</span>
      <Names label={label} values={values} known={known} placeholder={t("analysis.anyEvent")} onChange={onChange} />
    </div>
  );
  if (kind === "funnel")
    return (
      <>
        {names(t("dashboards.steps"), draft.events, (events) => change({ events }))}
        <DurationPicker label={t("dashboards.window")} value={draft.window} onChange={(window) => change({ window })} />
      </>
    );
  if (kind === "retention")
    return (
      <>
        {names(t("dashboards.start"), draft.start, (start) => change({ start }))}
        {names(t("dashboards.returning"), draft.returning, (returning) => change({ returning }))}
        <Select
          label={t("interval.label")}
          value={draft.interval}
          options={(["day", "week", "month"] as const).map((value) => ({ value, text: t(`interval.${value}`) }))}
          onChange={(event) => change({ interval: event.target.value as Draft["interval"] })}
        />
      </>
    );
  return (
    <>
      <div className="field compact">
        <span className="label">{t("measure.value")}</span>
        <MeasurePicker label={t("measure.value")} value={draft.measure} onChange={(measure) => change({ measure })} />
      </div>
      {names(t("dashboards.event"), draft.events, (events) => change({ events }))}
      {kind === "number" ? null : (
        <FieldPicker
          label={t("explore.group")}
          none={t("explore.noGroup")}
          value={draft.by}
          onChange={(by) => change({ by })}
        />
      )}
      {kind === "series" || kind === "breakdown" ? (
        <Select
          label={t("dashboards.shape")}
          value={draft.shape}
          options={SHAPES[kind].map((value) => ({ value, text: t(`explore.kinds.${value}`) }))}
          onChange={(event) => change({ shape: event.target.value })}
        />
      ) : null}
    </>
  );
}
