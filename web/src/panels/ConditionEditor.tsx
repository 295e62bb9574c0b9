import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { useApi } from "../api/client";
import { type Condition, segmentsOf } from "../api/segments";
import { useTexts } from "../i18n";
import { COMPARISONS, FIGURES, figureOf, fresh, type Group, KINDS, type Kind } from "../state/condition";
import { useScope } from "../state/scope";
import { Segmented } from "../ui/form";
import { Menu, MenuItem } from "../ui/menu";
import { ActEditor, Conditions, DurationPicker, Typed, useFieldNames } from "./Editors";
import { useProfileFields } from "./ProfileFields";

const DEEPEST = 5;

/** Conditions that all have to hold, or one of them; groups may stand in groups. `self` cannot be part of itself. */
export function GroupEditor(props: { value: Group; onChange: (value: Group) => void; depth?: number; self?: string }) {
  const { t } = useTexts();
  const { value, onChange, depth = 0, self } = props;
  const put = (of: Condition[]) => onChange({ ...value, of });
  const kinds = KINDS.filter((kind) => kind !== "group" || depth < DEEPEST);
  return (
    <div className={depth ? "group nested" : "group"}>
      {value.of.length > 1 || depth ? (
        <Segmented
          label={t("rules.how")}
          value={value.kind}
          options={[
            { value: "and", text: t("rules.all") },
            { value: "or", text: t("rules.any") },
          ]}
          onChange={(kind) => onChange({ ...value, kind })}
        />
      ) : null}
      {value.of.map((one, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a condition is known by its place
        <div key={place} className="rule-line">
          {place ? <p className="joined">{t(`rules.said.${value.kind}`)}</p> : null}
          <Rule
            value={one}
            depth={depth}
            self={self}
            onChange={(next) => put(value.of.map((old, at) => (at === place ? next : old)))}
            onRemove={() => put(value.of.filter((_, at) => at !== place))}
          />
        </div>
      ))}
      <Menu
        className="button"
        trigger={
          <>
            <Plus size={15} aria-hidden="true" />
            {t("rules.add")}
          </>
        }
      >
        {kinds.map((kind) => (
          <MenuItem key={kind} onSelect={() => put([...value.of, fresh(kind)])}>
            {t(`rules.kinds.${kind}`)}
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}

interface RuleProps {
  value: Condition;
  onChange: (value: Condition) => void;
  onRemove: () => void;
  depth: number;
  self: string | undefined;
}

/** One condition, or its opposite. */
function Rule({ value, onChange, onRemove, depth, self }: RuleProps) {
  const { t } = useTexts();
  const inverted = value.kind === "not";
  const inner = value.kind === "not" ? value.of : value;
  const put = (next: Condition) => onChange(inverted ? { kind: "not", of: next } : next);
  const kind: Kind = inner.kind === "and" || inner.kind === "or" || inner.kind === "not" ? "group" : inner.kind;
  return (
    <section className={inverted ? "rule inverted" : "rule"} aria-label={t(`rules.kinds.${kind}`)}>
      <header className="rule-head">
        <h3>{t(`rules.kinds.${kind}`)}</h3>
        <button
          type="button"
          className="pill"
          aria-pressed={inverted}
          onClick={() => onChange(inverted ? inner : { kind: "not", of: inner })}
        >
          {t("rules.not")}
        </button>
        <button type="button" className="icon-button" aria-label={t("analysis.removeCondition")} onClick={onRemove}>
          <X size={15} />
        </button>
      </header>
      <RuleBody value={inner} onChange={put} depth={depth} self={self} />
    </section>
  );
}

function RuleBody({ value, onChange, depth, self }: Omit<RuleProps, "onRemove">): ReactNode {
  switch (value.kind) {
    case "and":
    case "or":
      return <GroupEditor value={value} onChange={onChange} depth={depth + 1} self={self} />;
    case "not":
      return <GroupEditor value={{ kind: "and", of: [value] }} onChange={onChange} depth={depth + 1} self={self} />;
    case "did":
      return <DidRule value={value} onChange={onChange} />;
    case "seen":
      return <SeenRule value={value} onChange={onChange} />;
    case "sequence":
      return <SequenceRule value={value} onChange={onChange} />;
    case "property":
      return <PropertyRule value={value} onChange={onChange} />;
    case "segment":
      return <SegmentRule value={value} onChange={onChange} self={self} />;
  }
}

type Of<K extends Condition["kind"]> = {
  value: Extract<Condition, { kind: K }>;
  onChange: (value: Condition) => void;
};

/** The last so many days; empty is ever. */
function Days(props: { value: number | null | undefined; onChange: (days: number | null) => void; needed?: boolean }) {
  const { t } = useTexts();
  return (
    <Typed
      label={props.needed ? t("rules.days") : t("rules.daysOrEver")}
      type="number"
      min={1}
      placeholder={t("rules.ever")}
      value={props.value ? String(props.value) : ""}
      onChange={(text) => {
        const days = Math.round(Number(text));
        if (days >= 1) props.onChange(days);
        else if (!props.needed) props.onChange(null);
      }}
      visible
    />
  );
}

function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly T[];
  text: (value: T) => string;
  onChange: (value: T) => void;
}) {
  return (
    <div className="field compact">
      <label>
        {props.label}
        <select value={props.value} onChange={(event) => props.onChange(event.target.value as T)}>
          {props.options.map((one) => (
            <option key={one} value={one}>
              {props.text(one)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function DidRule({ value, onChange }: Of<"did">) {
  const { t } = useTexts();
  const fields = useFieldNames();
  const { figure, property } = figureOf(value.measure);
  const bare = figure === "count" || figure === "days";
  const put = (part: Partial<typeof value>) => onChange({ ...value, ...part });
  return (
    <>
      <ActEditor label={t("rules.kinds.did")} value={value.act} onChange={(act) => put({ act })} any />
      <div className="rule-fields">
        <Choice
          label={t("rules.figure")}
          value={figure}
          options={FIGURES}
          text={(one) => t(`rules.figures.${one}`)}
          onChange={(one) =>
            put({ measure: one === "count" || one === "days" ? one : `${one}:${property || "revenue"}` })
          }
        />
        {bare ? null : (
          <Typed
            label={t("filter.property")}
            value={property}
            known={fields}
            onChange={(name) => put({ measure: `${figure}:${name}` })}
            visible
          />
        )}
        <Choice
          label={t("filter.op")}
          value={value.op as (typeof COMPARISONS)[number]}
          options={COMPARISONS}
          text={(one) => t(`rules.ops.${one}`)}
          onChange={(op) => put({ op })}
        />
        <Typed
          label={value.op === "top_percent" ? t("rules.percent") : t("filter.value")}
          type="number"
          value={String(value.value)}
          onChange={(text) => Number.isFinite(Number(text)) && text !== "" && put({ value: Number(text) })}
          visible
        />
        <Days value={value.days} onChange={(days) => put({ days })} />
      </div>
    </>
  );
}

function SeenRule({ value, onChange }: Of<"seen">) {
  const { t } = useTexts();
  const put = (part: Partial<typeof value>) => onChange({ ...value, ...part });
  return (
    <>
      <ActEditor label={t("rules.kinds.seen")} value={value.act} onChange={(act) => put({ act })} any />
      <div className="rule-fields">
        <Choice
          label={t("rules.which")}
          value={value.which}
          options={["first", "last"] as const}
          text={(one) => t(`rules.whichOne.${one}`)}
          onChange={(which) => put({ which })}
        />
        <Choice
          label={t("rules.when")}
          value={value.op}
          options={["within", "before"] as const}
          text={(one) => t(`rules.whenOne.${one}`)}
          onChange={(op) => put({ op })}
        />
        <Days value={value.days} onChange={(days) => put({ days: days ?? 7 })} needed />
      </div>
    </>
  );
}

function SequenceRule({ value, onChange }: Of<"sequence">) {
  const { t } = useTexts();
  const put = (part: Partial<typeof value>) => onChange({ ...value, ...part });
  return (
    <>
      <div className="field compact">
        <span className="label">{t("rules.first")}</span>
        <ActEditor label={t("rules.first")} value={value.first} onChange={(first) => put({ first })} />
      </div>
      <Segmented
        label={t("rules.happens")}
        value={value.happens ? "yes" : "no"}
        options={[
          { value: "yes", text: t("rules.follows") },
          { value: "no", text: t("rules.followsNot") },
        ]}
        onChange={(one) => put({ happens: one === "yes" })}
      />
      <div className="field compact">
        <span className="label">{t("rules.second")}</span>
        <ActEditor label={t("rules.second")} value={value.then} onChange={(then) => put({ then })} />
      </div>
      <div className="rule-fields">
        <DurationPicker label={t("rules.within")} value={value.within ?? "1d"} onChange={(within) => put({ within })} />
        <Days value={value.days} onChange={(days) => put({ days })} />
      </div>
    </>
  );
}

function PropertyRule({ value, onChange }: Of<"property">) {
  const { t } = useTexts();
  const { known } = useProfileFields();
  const fields = useFieldNames();
  const { kind, ...condition } = value;
  return (
    <Conditions
      label={t("rules.kinds.property")}
      add={t("rules.choose")}
      values={condition.property ? [condition] : []}
      fields={[...known, ...fields]}
      most={1}
      onChange={([first]) => onChange(first ? { kind, ...first } : fresh("property"))}
    />
  );
}

function SegmentRule({ value, onChange, self }: Of<"segment"> & { self: string | undefined }) {
  const { t } = useTexts();
  const { project } = useScope();
  const segments = (useQuery(segmentsOf(useApi(), project)).data ?? []).filter(({ id }) => id !== self);
  return (
    <div className="field compact">
      <label>
        {t("rules.kinds.segment")}
        <select value={value.id} onChange={(event) => onChange({ ...value, id: event.target.value })}>
          <option value="">{t("rules.choose")}</option>
          {segments.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
