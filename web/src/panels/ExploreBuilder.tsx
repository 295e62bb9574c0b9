import { Plus, X } from "lucide-react";
import { useTexts } from "../i18n";
import {
  addsUp,
  type ExploreAsked,
  type ExploreFormula,
  type ExploreSeries,
  MOST_SERIES,
  measureOf,
  NAMES,
  needsProperty,
  newFormula,
  newSeries,
  PROPERTY_MEASURES,
  SIMPLE_MEASURES,
  TREATMENTS,
  type Treatment,
} from "../state/explore";
import { Select } from "../ui/form";
import { ActEditor, FieldPicker, Typed, useFieldNames } from "./Editors";
import { Toggle } from "./Toggle";

type Changing = { asked: ExploreAsked; change: (part: Partial<ExploreAsked>) => void };
const at = <One,>(all: readonly One[], place: number, part: Partial<One>): One[] =>
  all.map((one, index) => (index === place ? { ...one, ...part } : one));

/** The series, the formulas over them, and what they are broken down by. */
export function ExploreBuilder({ asked, change }: Changing) {
  const { t } = useTexts();
  const { series, formulas } = asked;
  return (
    <section className="builder" aria-label={t("explore.builder")}>
      <div className="builder-part">
        {series.map((one, place) => (
          <SeriesEditor
            // biome-ignore lint/suspicious/noArrayIndexKey: a series is known by its place
            key={place}
            name={NAMES[place] as string}
            value={one}
            formulas={formulas.length > 0}
            onChange={(part) => change({ series: at(series, place, part) })}
            onRemove={
              series.length > 1 ? () => change({ series: series.filter((_, index) => index !== place) }) : undefined
            }
          />
        ))}
        {series.length < MOST_SERIES ? (
          <button type="button" className="button" onClick={() => change({ series: [...series, newSeries()] })}>
            <Plus size={15} aria-hidden="true" />
            {t("explore.addSeries")}
          </button>
        ) : null}
      </div>
      <div className="builder-part">
        {formulas.map((one, place) => (
          <FormulaEditor
            // biome-ignore lint/suspicious/noArrayIndexKey: a formula is known by its place
            key={place}
            value={one}
            onChange={(part) => change({ formulas: at(formulas, place, part) })}
            onRemove={() => change({ formulas: formulas.filter((_, index) => index !== place) })}
          />
        ))}
        {formulas.length < MOST_SERIES ? (
          <button
            type="button"
            className="button"
            onClick={() => change({ formulas: [...formulas, newFormula(series.length > 1 ? "A / B" : "A / 1")] })}
          >
            <Plus size={15} aria-hidden="true" />
            {t("explore.addFormula")}
          </button>
        ) : null}
      </div>
      <div className="builder-part">
        <FieldPicker
          label={t("explore.group")}
          none={t("explore.noGroup")}
          value={asked.group}
          onChange={(group) => change({ group })}
        />
        {asked.group ? (
          <Typed
            label={t("explore.limit")}
            type="number"
            min={1}
            max={50}
            value={String(asked.limit)}
            onChange={(limit) => Number(limit) >= 1 && change({ limit: Math.min(Math.round(Number(limit)), 50) })}
            visible
          />
        ) : null}
      </div>
    </section>
  );
}

function SeriesEditor(props: {
  name: string;
  value: ExploreSeries;
  formulas: boolean;
  onChange: (part: Partial<ExploreSeries>) => void;
  onRemove?: () => void;
}) {
  const { t } = useTexts();
  const { name, value, onChange, onRemove } = props;
  return (
    <fieldset className="series-editor">
      <legend className="hidden">{t("explore.series", { name })}</legend>
      <div className="series-head">
        <span className="step-number" aria-hidden="true">
          {name}
        </span>
        <MeasurePicker
          label={t("explore.measure", { name })}
          value={value.measure}
          onChange={(measure) =>
            onChange({
              measure,
              ...(value.treatment === "cumulative" && !addsUp(measure) && { treatment: "plain" as const }),
            })
          }
        />
        {onRemove ? (
          <button
            type="button"
            className="icon-button"
            aria-label={t("explore.removeSeries", { name })}
            onClick={onRemove}
          >
            <X size={15} />
          </button>
        ) : null}
      </div>
      <ActEditor label={t("explore.event", { name })} value={value.act} onChange={(act) => onChange({ act })} any />
      <details className="series-more" open={Boolean(value.label) || value.treatment !== "plain" || undefined}>
        <summary>
          {t("analysis.more")} <span className="hidden">{t("explore.options", { name })}</span>
        </summary>
        <Typed label={t("explore.label")} value={value.label} onChange={(label) => onChange({ label })} visible />
        <TreatmentPicker value={value} cumulative={addsUp(value.measure)} onChange={onChange} />
        {props.formulas || value.hidden ? (
          <Toggle label={t("explore.hidden")} value={value.hidden} onChange={(hidden) => onChange({ hidden })} />
        ) : null}
      </details>
    </fieldset>
  );
}

/** What is measured, and of which property where it is of one. */
export function MeasurePicker(props: { label: string; value: string; onChange: (measure: string) => void }) {
  const { t } = useTexts();
  const known = useFieldNames();
  const { kind, property } = measureOf(props.value);
  return (
    <div className="measure">
      <select
        aria-label={props.label}
        value={kind}
        onChange={(event) =>
          props.onChange(needsProperty(event.target.value) ? `${event.target.value}:${property}` : event.target.value)
        }
      >
        {[...SIMPLE_MEASURES, ...PROPERTY_MEASURES].map((one) => (
          <option key={one} value={one}>
            {t(`explore.measures.${one}`)}
          </option>
        ))}
      </select>
      {needsProperty(kind) ? (
        <Typed
          label={t("explore.property")}
          placeholder={t("explore.property")}
          value={property}
          known={known}
          onChange={(next) => props.onChange(`${kind}:${next.replace(/^properties\./, "")}`)}
        />
      ) : null}
    </div>
  );
}

function TreatmentPicker(props: {
  value: { treatment: Treatment; points: number };
  cumulative: boolean;
  onChange: (part: { treatment?: Treatment; points?: number }) => void;
}) {
  const { t } = useTexts();
  const { value, onChange, cumulative } = props;
  return (
    <div className="field-pair">
      <Select
        label={t("explore.treatment")}
        value={value.treatment}
        options={TREATMENTS.filter((one) => one !== "cumulative" || cumulative).map((one) => ({
          value: one,
          text: t(`explore.treatments.${one}`),
        }))}
        onChange={(event) => onChange({ treatment: event.target.value as Treatment })}
      />
      {value.treatment === "average" ? (
        <Typed
          label={t("explore.points")}
          type="number"
          min={2}
          max={366}
          value={String(value.points)}
          onChange={(points) => Number(points) >= 2 && onChange({ points: Math.min(Math.round(Number(points)), 366) })}
          visible
        />
      ) : null}
    </div>
  );
}

function FormulaEditor(props: {
  value: ExploreFormula;
  onChange: (part: Partial<ExploreFormula>) => void;
  onRemove: () => void;
}) {
  const { t } = useTexts();
  const { value, onChange, onRemove } = props;
  return (
    <fieldset className="series-editor">
      <legend className="hidden">{t("explore.formula")}</legend>
      <div className="series-head">
        <span className="step-number" aria-hidden="true">
          =
        </span>
        <Typed
          label={t("explore.formula")}
          placeholder="A / B"
          value={value.formula}
          onChange={(formula) => onChange({ formula: formula.slice(0, 200) })}
        />
        <button
          type="button"
          className="icon-button"
          aria-label={t("explore.removeFormula", { name: value.formula })}
          onClick={onRemove}
        >
          <X size={15} />
        </button>
      </div>
      <p className="field-note">{t("explore.formulaHint")}</p>
      <details className="series-more" open={Boolean(value.label) || value.treatment !== "plain" || undefined}>
        <summary>
          {t("analysis.more")} <span className="hidden">{t("explore.options", { name: value.formula })}</span>
        </summary>
        <Typed label={t("explore.label")} value={value.label} onChange={(label) => onChange({ label })} visible />
        <TreatmentPicker value={value} cumulative onChange={onChange} />
      </details>
    </fieldset>
  );
}
