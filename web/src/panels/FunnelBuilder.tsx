import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import type { Act } from "../api/analysis";
import { useTexts } from "../i18n";
import {
  COUNT_BY,
  FEWEST_STEPS,
  type FunnelAsked,
  MOST_EXCLUSIONS,
  MOST_HELD,
  MOST_STEPS,
  ORDERS,
  TIES,
  TOUCHES,
} from "../state/funnel";
import { Select } from "../ui/form";
import { ActEditor, DurationPicker, FieldPicker, Names, useFieldNames } from "./Editors";

type Changing = { asked: FunnelAsked & { steps: Act[] }; change: (part: Partial<FunnelAsked>) => void };

/** The steps of a funnel and how they are counted. */
export function FunnelBuilder({ asked, change }: Changing) {
  const { t } = useTexts();
  const fields = useFieldNames();
  return (
    <section className="builder" aria-label={t("funnel.builder")}>
      <StepList asked={asked} change={change} />
      <div className="builder-part">
        <DurationPicker label={t("funnel.window")} value={asked.window} onChange={(window) => change({ window })} />
        <FieldPicker
          label={t("analysis.breakdown")}
          none={t("analysis.noBreakdown")}
          value={asked.breakdown}
          onChange={(breakdown) => change({ breakdown })}
        />
        {asked.breakdown ? (
          <Select
            label={t("funnel.touch")}
            value={asked.touch}
            options={TOUCHES.map((value) => ({ value, text: t(`funnel.touches.${value}`) }))}
            onChange={(event) => change({ touch: event.target.value as FunnelAsked["touch"] })}
          />
        ) : null}
      </div>
      <details className="builder-part" open={isUnusual(asked) || undefined}>
        <summary>{t("analysis.more")}</summary>
        <Select
          label={t("funnel.order")}
          value={asked.order}
          options={ORDERS.map((value) => ({ value, text: t(`funnel.orders.${value}`) }))}
          onChange={(event) => change({ order: event.target.value as FunnelAsked["order"] })}
        />
        {asked.order === "sequential" ? (
          <Select
            label={t("funnel.ties")}
            hint={t("funnel.tiesHint")}
            value={asked.ties}
            options={TIES.map((value) => ({ value, text: t(`funnel.tie.${value}`) }))}
            onChange={(event) => change({ ties: event.target.value as FunnelAsked["ties"] })}
          />
        ) : null}
        <Select
          label={t("analysis.countBy")}
          value={asked.count_by}
          options={COUNT_BY.map((value) => ({ value, text: t(`analysis.counted.${value}`) }))}
          onChange={(event) => change({ count_by: event.target.value as FunnelAsked["count_by"] })}
        />
        <div className="field compact">
          <span className="label">{t("funnel.hold")}</span>
          <Names
            label={t("funnel.hold")}
            values={asked.hold}
            known={fields}
            most={MOST_HELD}
            placeholder={t("funnel.holdNothing")}
            onChange={(hold) => change({ hold })}
          />
        </div>
        {asked.order === "any" ? null : <Exclusions asked={asked} change={change} />}
      </details>
    </section>
  );
}

const isUnusual = ({ order, ties, count_by, hold, exclude }: FunnelAsked) =>
  order !== "sequential" || ties !== "after" || count_by !== "users" || hold.length > 0 || exclude.length > 0;

/** The steps of a funnel in their order. */
export function StepList({ asked, change }: { asked: { steps: Act[] }; change: (part: { steps: Act[] }) => void }) {
  const { t } = useTexts();
  const { steps } = asked;
  const put = (next: Act[]) => change({ steps: next });
  const swap = (one: number, other: number) =>
    put(steps.map((step, at) => (at === one ? steps[other] : at === other ? steps[one] : step) as Act));
  return (
    <div className="builder-part">
      <h2>{t("funnel.steps")}</h2>
      <ol className="steps-list">
        {steps.map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
          <li key={place} className="step">
            <span className="step-number" aria-hidden="true">
              {place + 1}
            </span>
            <ActEditor
              label={t("funnel.step", { number: place + 1 })}
              value={step}
              onChange={(next) => put(steps.map((old, at) => (at === place ? next : old)))}
            />
            <span className="step-tools">
              {place > 0 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("funnel.up", { number: place + 1 })}
                  onClick={() => swap(place, place - 1)}
                >
                  <ArrowUp size={15} />
                </button>
              ) : null}
              {place < steps.length - 1 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("funnel.down", { number: place + 1 })}
                  onClick={() => swap(place, place + 1)}
                >
                  <ArrowDown size={15} />
                </button>
              ) : null}
              {steps.length > FEWEST_STEPS ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("funnel.remove", { number: place + 1 })}
                  onClick={() => put(steps.filter((_, at) => at !== place))}
                >
                  <X size={15} />
                </button>
              ) : null}
            </span>
          </li>
        ))}
      </ol>
      {steps.length < MOST_STEPS ? (
        <button type="button" className="button" onClick={() => put([...steps, {}])}>
          <Plus size={15} aria-hidden="true" />
          {t("funnel.add")}
        </button>
      ) : null}
    </div>
  );
}

/** What may not happen between two steps. */
function Exclusions({ asked, change }: Changing) {
  const { t } = useTexts();
  const { exclude, steps } = asked;
  const put = (place: number, part: object) =>
    change({ exclude: exclude.map((one, at) => (at === place ? { ...one, ...part } : one)) });
  const numbers = steps.map((_, at) => at + 1);
  return (
    <div className="field compact">
      <span className="label">{t("funnel.exclude")}</span>
      {exclude.map((one, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an exclusion is known by its place
        <div key={place} className="exclusion">
          <ActEditor label={t("funnel.exclude")} value={one.act} onChange={(act) => put(place, { act })} />
          <div className="between">
            <label>
              {t("funnel.after")}
              <select
                value={one.from}
                onChange={(event) => {
                  const from = Number(event.target.value);
                  put(place, { from, to: Math.max(one.to, from + 1) });
                }}
              >
                {numbers.slice(0, -1).map((number) => (
                  <option key={number}>{number}</option>
                ))}
              </select>
            </label>
            <label>
              {t("funnel.before")}
              <select value={one.to} onChange={(event) => put(place, { to: Number(event.target.value) })}>
                {numbers.slice(one.from).map((number) => (
                  <option key={number}>{number}</option>
                ))}
              </select>
            </label>
            <button
              type="button"
              className="icon-button"
              aria-label={t("funnel.removeExclusion")}
              onClick={() => change({ exclude: exclude.filter((_, at) => at !== place) })}
            >
              <X size={15} />
            </button>
          </div>
        </div>
      ))}
      {exclude.length < MOST_EXCLUSIONS ? (
        <button
          type="button"
          className="add"
          onClick={() => change({ exclude: [...exclude, { act: {}, from: 1, to: steps.length }] })}
        >
          <Plus size={14} aria-hidden="true" />
          {t("funnel.addExclusion")}
        </button>
      ) : null}
    </div>
  );
}
