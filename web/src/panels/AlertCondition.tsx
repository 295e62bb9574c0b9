import { Plus, X } from "lucide-react";
import { useState } from "react";
import type { Counted, Part, PlainCondition, RuleCondition } from "../api/alerts";
import { useTexts } from "../i18n";
import {
  AGAINST,
  actOfQuery,
  type ConditionType,
  conditionAs,
  DIRECTIONS,
  FEWEST_PARTS,
  freshCondition,
  freshPart,
  METHODS,
  MOST_PARTS,
  OPS,
  PLAIN_TYPES,
  type RuleFaults,
  SIGNS,
  TYPES,
  unitOf,
  withAct,
} from "../state/alerts";
import { ORDERS } from "../state/funnel";
import { Field, Segmented, Select } from "../ui/form";
import { ActEditor, DurationPicker } from "./Editors";
import { MeasurePicker } from "./ExploreBuilder";
import { StepList } from "./FunnelBuilder";
import { Toggle } from "./Toggle";

type Of = RuleFaults["of"];

/** What is counted: events with conditions on them, and which number of them. */
export function CountedFields<Query extends Counted>(props: {
  label: string;
  query: Query;
  onChange: (query: Query) => void;
}) {
  const { t } = useTexts();
  const { label, query, onChange } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a grid in every browser
    <div className="alert-counted" role="group" aria-label={label}>
      <MeasurePicker
        label={`${label}: ${t("alerts.rules.form.measure")}`}
        value={query.measure}
        onChange={(measure) => onChange({ ...query, measure })}
      />
      <ActEditor
        label={`${label}: ${t("alerts.rules.form.events")}`}
        value={actOfQuery(query)}
        onChange={(act) => onChange(withAct(query, act))}
        any
      />
    </div>
  );
}

/** When the rule holds: its type and the fields of that. */
export function ConditionFields(props: {
  condition: RuleCondition;
  fault: Of;
  onChange: (condition: RuleCondition) => void;
}) {
  const { t } = useTexts();
  const { condition, onChange } = props;
  return (
    <>
      <TypePicker types={TYPES} value={condition.type} onChange={(type) => onChange(conditionAs(type, condition))} />
      {condition.type === "composite" ? (
        <>
          <Segmented
            label={t("alerts.rules.form.match")}
            value={condition.match}
            options={(["all", "any"] as const).map((value) => ({
              value,
              text: t(`alerts.rules.form.matches.${value}`),
            }))}
            onChange={(match) => onChange({ ...condition, match })}
          />
          <Parts parts={condition.conditions} onChange={(conditions) => onChange({ ...condition, conditions })} />
        </>
      ) : (
        <PlainFields key={condition.type} condition={condition} fault={props.fault} onChange={onChange} />
      )}
    </>
  );
}

function TypePicker<Type extends ConditionType>(props: {
  types: readonly Type[];
  value: Type;
  onChange: (type: Type) => void;
}) {
  const { t } = useTexts();
  const { types, value, onChange } = props;
  return (
    <Select
      label={t("alerts.rules.form.type")}
      hint={t(`alerts.rules.form.abouts.${value}` as "alerts.rules.form.abouts.absence")}
      value={value}
      options={types.map((one) => ({
        value: one,
        text: t(`alerts.rules.form.types.${one}` as "alerts.rules.form.types.absence"),
      }))}
      onChange={({ target }) => onChange(types.find((one) => one === target.value) ?? value)}
    />
  );
}

function Parts({ parts, onChange }: { parts: Part[]; onChange: (parts: Part[]) => void }) {
  const { t } = useTexts();
  const put = (place: number, part: Partial<Part>) =>
    onChange(parts.map((one, at) => (at === place ? { ...one, ...part } : one)));
  return (
    <>
      <ol className="policy-steps">
        {parts.map(({ condition, query }, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a condition is known by its place
          <li key={place}>
            <fieldset className="policy-step">
              <legend>{t("alerts.rules.form.part", { number: place + 1 })}</legend>
              {parts.length > FEWEST_PARTS ? (
                <button
                  type="button"
                  className="icon-button policy-remove"
                  aria-label={t("alerts.rules.form.removePart", { number: place + 1 })}
                  onClick={() => onChange(parts.filter((_, at) => at !== place))}
                >
                  <X size={15} />
                </button>
              ) : null}
              <TypePicker
                types={PLAIN_TYPES}
                value={condition.type}
                onChange={(type) => put(place, { condition: freshCondition(type) })}
              />
              {condition.type === "funnel" ? null : (
                <Toggle
                  label={t("alerts.rules.form.ownQuery")}
                  value={query !== null}
                  onChange={(on) => put(place, { query: on ? { events: [], filters: [], measure: "count" } : null })}
                />
              )}
              {query && condition.type !== "funnel" ? (
                <CountedFields
                  label={t("alerts.rules.form.part", { number: place + 1 })}
                  query={query}
                  onChange={(next) => put(place, { query: next })}
                />
              ) : null}
              <PlainFields
                key={`${parts.length}${condition.type}`}
                condition={condition}
                fault={() => undefined}
                onChange={(next) => put(place, { condition: next })}
              />
            </fieldset>
          </li>
        ))}
      </ol>
      {parts.length < MOST_PARTS ? (
        <button type="button" className="add" onClick={() => onChange([...parts, freshPart()])}>
          <Plus size={14} aria-hidden="true" />
          {t("alerts.rules.form.addPart")}
        </button>
      ) : null}
    </>
  );
}

function PlainFields(props: { condition: PlainCondition; fault: Of; onChange: (condition: PlainCondition) => void }) {
  const { t } = useTexts();
  const { condition: one, fault, onChange } = props;
  const unit = unitOf(one);
  const percent = unit === "number" ? "" : ", %";
  const scale = unit === "share" ? 100 : 1;
  return (
    <>
      {one.type === "funnel" ? (
        <>
          <StepList asked={{ steps: one.steps }} change={({ steps }) => onChange({ ...one, steps })} />
          <div className="field-pair">
            <div>
              <DurationPicker
                label={t("alerts.rules.form.within")}
                value={one.within}
                onChange={(within) => onChange({ ...one, within })}
              />
              <Fault text={fault("within")} />
            </div>
            <Choice
              label={t("funnel.order")}
              value={one.order}
              values={ORDERS}
              text={(order) => t(`funnel.orders.${order}`)}
              onChange={(order) => onChange({ ...one, order })}
            />
          </div>
        </>
      ) : null}
      {one.type === "ratio" ? (
        <div className="field compact">
          <span className="label">{t("alerts.rules.form.of")}</span>
          <CountedFields label={t("alerts.rules.form.of")} query={one.of} onChange={(of) => onChange({ ...one, of })} />
        </div>
      ) : null}
      {one.type === "change" || one.type === "anomaly" ? (
        <Choice
          label={t("alerts.rules.form.direction")}
          value={one.direction}
          values={DIRECTIONS}
          text={(direction) => t(`alerts.rules.form.directions.${direction}`)}
          onChange={(direction) => onChange({ ...one, direction })}
        />
      ) : null}
      {one.type === "change" ? (
        <Choice
          label={t("alerts.rules.form.against")}
          value={one.against}
          values={AGAINST}
          text={(against) => t(`alerts.rules.form.againsts.${against}`)}
          onChange={(against) => onChange({ ...one, against })}
        />
      ) : null}
      {"value" in one ? (
        <div className="field-pair">
          {"op" in one ? (
            <Choice
              label={t("alerts.rules.form.op")}
              value={one.op}
              values={OPS}
              text={(op) => `${SIGNS[op]} ${t(`alerts.rules.form.ops.${op}`)}`}
              onChange={(op) => onChange({ ...one, op })}
            />
          ) : null}
          <NumberField
            label={t("alerts.rules.form.value") + percent}
            value={one.value}
            scale={scale}
            fault={fault("value")}
            onChange={(value) => value !== null && onChange({ ...one, value })}
          />
        </div>
      ) : null}
      {"recover" in one ? (
        <NumberField
          label={t("alerts.rules.recover") + percent}
          hint={t("alerts.rules.form.recoverHint")}
          value={one.recover}
          scale={scale}
          fault={fault("recover")}
          optional
          onChange={(recover) => onChange({ ...one, recover })}
        />
      ) : null}
      {one.type === "anomaly" ? (
        <>
          <Choice
            label={t("alerts.rules.form.method")}
            value={one.method}
            values={METHODS}
            text={(method) => t(`alerts.rules.form.methods.${method}`)}
            onChange={(method) => onChange({ ...one, method })}
          />
          <div className="field-pair">
            <NumberField
              label={t("alerts.rules.form.sensitivity")}
              hint={t("alerts.rules.form.sensitivityHint")}
              value={one.sensitivity}
              min={2}
              max={50}
              fault={fault("sensitivity")}
              onChange={(sensitivity) => sensitivity !== null && onChange({ ...one, sensitivity })}
            />
            <NumberField
              label={t("alerts.rules.form.weeks")}
              value={one.weeks}
              min={2}
              max={8}
              step={1}
              fault={fault("weeks")}
              onChange={(weeks) => weeks !== null && onChange({ ...one, weeks })}
            />
          </div>
        </>
      ) : null}
    </>
  );
}

/** A number as it is typed; `scale` shows a share in percent. Left empty it is null. */
export function NumberField(props: {
  label: string;
  value: number | null;
  onChange: (value: number | null) => void;
  fault?: string;
  hint?: string;
  scale?: number;
  min?: number;
  max?: number;
  step?: number;
  optional?: boolean;
}) {
  const { value, onChange, fault, scale = 1, optional, step = "any", ...field } = props;
  const [typed, setTyped] = useState(value === null ? "" : String(Number((value * scale).toPrecision(12))));
  return (
    <Field
      {...field}
      type="number"
      step={step}
      required={!optional}
      value={typed}
      error={fault}
      onChange={({ target }) => {
        setTyped(target.value);
        const number = Number(target.value);
        if (target.value === "") onChange(null);
        else if (Number.isFinite(number)) onChange(Number((number / scale).toPrecision(12)));
      }}
    />
  );
}

/** What was refused of a field that cannot say it itself. */
export function Fault({ text }: { text: string | undefined }) {
  return text ? (
    <p className="field-note error" role="alert">
      {text}
    </p>
  ) : null;
}

/** One of a few words. */
export function Choice<Value extends string>(props: {
  label: string;
  value: Value;
  values: readonly Value[];
  text: (value: Value) => string;
  onChange: (value: Value) => void;
}) {
  const { label, value, values, text, onChange } = props;
  return (
    <Select
      label={label}
      value={value}
      options={values.map((one) => ({ value: one, text: text(one) }))}
      onChange={({ target }) => onChange(values.find((one) => one === target.value) ?? value)}
    />
  );
}
