import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import type { Act, Condition } from "../api/analysis";
import { useApi } from "../api/client";
import { knownEvents, knownProperties, valuesOf } from "../api/queries";
import { useTexts } from "../i18n";
import {
  actWith,
  BARE_OPS,
  CONDITION_OPS,
  type ConditionOp,
  conditionOf,
  eventsOf,
  LIST_OPS,
  valueText,
} from "../state/asked";
import { useScope } from "../state/scope";

/** A text that is taken when it is left, sent with Enter or chosen out of what is suggested. */
export function Typed(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  known?: readonly string[];
  onTyped?: (value: string) => void;
  placeholder?: string;
  type?: "text" | "number" | "date";
  min?: number;
  max?: number;
  visible?: boolean;
  suffix?: ReactNode;
}) {
  const id = useId();
  const [typed, setTyped] = useState(props.value);
  useEffect(() => setTyped(props.value), [props.value]);
  const take = (text: string) => {
    if (text.trim() !== props.value) props.onChange(text.trim());
  };
  const input = (
    <input
      id={id}
      className="input"
      type={props.type ?? "text"}
      aria-label={props.visible ? undefined : props.label}
      value={typed}
      min={props.min}
      max={props.max}
      placeholder={props.placeholder}
      autoComplete="off"
      spellCheck={false}
      list={props.known ? `${id}k` : undefined}
      onChange={(event) => {
        setTyped(event.target.value);
        props.onTyped?.(event.target.value);
        if (chosen(event.nativeEvent)) take(event.target.value);
      }}
      onBlur={() => take(typed)}
      onKeyDown={(event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        take(typed);
      }}
    />
  );
  const list = props.known ? <Known id={`${id}k`} values={props.known} /> : null;
  return props.visible ? (
    <div className="field compact">
      <label htmlFor={id}>{props.label}</label>
      {props.suffix ? (
        <div className="with-suffix">
          {input}
          {props.suffix}
        </div>
      ) : (
        input
      )}
      {list}
    </div>
  ) : (
    <>
      {input}
      {list}
    </>
  );
}

/** A value was chosen out of the suggestions rather than typed letter by letter. */
function chosen(event: Event): boolean {
  const kind = (event as InputEvent).inputType;
  return kind === undefined || kind === "insertReplacementText";
}

const Known = ({ id, values }: { id: string; values: readonly string[] }) => (
  <datalist id={id}>
    {values.map((one) => (
      <option key={one} value={one} />
    ))}
  </datalist>
);

/** Several names as chips, with a field for one more. */
export function Names(props: {
  label: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
  known: readonly string[];
  placeholder: string;
  most?: number;
}) {
  const { t } = useTexts();
  const { label, values, onChange, known, placeholder, most = 20 } = props;
  const id = useId();
  const [typed, setTyped] = useState("");
  const add = (text: string) => {
    const name = text.trim();
    setTyped("");
    if (name && !values.includes(name)) onChange([...values, name]);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add(typed);
    } else if (event.key === "Backspace" && !typed) onChange(values.slice(0, -1));
  };
  return (
    <div className="names">
      {values.map((one) => (
        <span key={one} className="name">
          <bdi title={one.length > 24 ? one.slice(0, 500) : undefined}>{one}</bdi>
          <button
            type="button"
            aria-label={t("filter.remove", { filter: one.slice(0, 80) })}
            onClick={() => onChange(values.filter((other) => other !== one))}
          >
            <X size={13} />
          </button>
        </span>
      ))}
      {values.length < most ? (
        <>
          <input
            aria-label={label}
            value={typed}
            list={`${id}k`}
            autoComplete="off"
            spellCheck={false}
            placeholder={values.length ? t("analysis.or") : placeholder}
            onChange={(event) => {
              setTyped(event.target.value);
              if (chosen(event.nativeEvent)) add(event.target.value);
            }}
            onBlur={() => add(typed)}
            onKeyDown={keys}
          />
          <Known id={`${id}k`} values={known.filter((one) => !values.includes(one))} />
        </>
      ) : null}
    </div>
  );
}

/** Names of events to choose from, the most frequent first. */
export function useEventNames(): string[] {
  return useQuery(knownEvents(useApi(), useScope())).data?.items.map(({ event }) => event) ?? [];
}

/** An event, one of several, or any, with conditions of its own. */
export function ActEditor(props: { label: string; value: Act; onChange: (act: Act) => void; any?: boolean }) {
  const { t } = useTexts();
  const known = useEventNames();
  const events = eventsOf(props.value);
  const filters = props.value.filters ?? [];
  return (
    <div className="act">
      <Names
        label={props.label}
        values={events}
        known={known}
        placeholder={props.any ? t("analysis.anyEvent") : t("analysis.chooseEvent")}
        onChange={(names) => props.onChange(actWith(names, filters))}
      />
      <Conditions
        label={props.label}
        values={filters}
        onChange={(conditions) => props.onChange(actWith(events, conditions))}
      />
    </div>
  );
}

export const EVENT_FIELDS = [
  "path",
  "hostname",
  "referrer_domain",
  "channel",
  "country",
  "device",
  "browser",
  "os",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "user_id",
  "revenue",
] as const;

/** Fields that an event may be asked about or broken down by: columns, and properties that were sent. */
export function useFieldNames(): string[] {
  const sent = useQuery(knownProperties(useApi(), useScope())).data?.items ?? [];
  const own = sent.filter(({ queryable }) => queryable).map(({ property }) => property);
  return [...new Set([...EVENT_FIELDS, ...own])];
}

/** Conditions that all have to hold, each removable, and a button for one more. */
export function Conditions(props: {
  label: string;
  values: readonly Condition[];
  onChange: (values: Condition[]) => void;
  fields?: readonly string[];
  add?: string;
  most?: number;
}) {
  const { t } = useTexts();
  const ofEvents = useFieldNames();
  const [fresh, setFresh] = useState(false);
  const { values, onChange, fields = ofEvents, most = 20 } = props;
  const rows = fresh ? [...values, undefined] : values;
  return (
    <div className="conditions">
      {rows.map((one, place) => (
        <ConditionRow
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is known by its place
          key={place}
          value={one}
          fields={fields}
          onChange={(next) => {
            if (!one) setFresh(false);
            onChange(one ? values.map((old, at) => (at === place ? next : old)) : [...values, next]);
          }}
          onRemove={() => {
            if (one) onChange(values.filter((_, at) => at !== place));
            else setFresh(false);
          }}
        />
      ))}
      {fresh || values.length >= most ? null : (
        <button
          type="button"
          className="add"
          aria-label={`${props.label}: ${props.add ?? t("analysis.addCondition")}`}
          onClick={() => setFresh(true)}
        >
          <Plus size={14} aria-hidden="true" />
          {props.add ?? t("analysis.addCondition")}
        </button>
      )}
    </div>
  );
}

function ConditionRow(props: {
  value: Condition | undefined;
  fields: readonly string[];
  onChange: (value: Condition) => void;
  onRemove: () => void;
}) {
  const { t } = useTexts();
  const [property, setProperty] = useState(props.value?.property ?? "");
  const [op, setOp] = useState<ConditionOp>((props.value?.op as ConditionOp) ?? "eq");
  const [value, setValue] = useState(valueText(props.value?.value));
  const [wanted, setWanted] = useState("");
  const bare = BARE_OPS.includes(op);
  const ofEvents = !property.startsWith("profile.");
  const known = useQuery({
    ...valuesOf(useApi(), useScope(), property, wanted),
    enabled: property !== "" && !bare && ofEvents,
    retry: false,
  });
  const tell = (next: { property: string; op: ConditionOp; value: string }) => {
    if (!next.property || (!BARE_OPS.includes(next.op) && !next.value)) return;
    const whole = conditionOf(next);
    if (whole && JSON.stringify(whole) !== JSON.stringify(props.value)) props.onChange(whole);
  };
  return (
    <div className="condition">
      <Typed
        label={t("filter.property")}
        placeholder={t("filter.property")}
        value={property}
        known={props.fields}
        onChange={(next) => {
          setProperty(next);
          tell({ property: next, op, value });
        }}
      />
      <select
        aria-label={t("filter.op")}
        value={op}
        onChange={(event) => {
          setOp(event.target.value as ConditionOp);
          tell({ property, op: event.target.value as ConditionOp, value });
        }}
      >
        {CONDITION_OPS.map((name) => (
          <option key={name} value={name}>
            {t(`filter.ops.${name}`)}
          </option>
        ))}
      </select>
      {bare ? null : (
        <Typed
          label={t("filter.value")}
          placeholder={LIST_OPS.includes(op) ? t("filter.values") : t("filter.value")}
          value={value}
          known={known.data?.items.map((one) => one.value) ?? []}
          onTyped={setWanted}
          onChange={(next) => {
            setValue(next);
            tell({ property, op, value: next });
          }}
        />
      )}
      <button type="button" className="icon-button" aria-label={t("analysis.removeCondition")} onClick={props.onRemove}>
        <X size={15} />
      </button>
    </div>
  );
}

/** A field of events to break down by, or none. */
export function FieldPicker(props: { label: string; value: string; onChange: (value: string) => void; none: string }) {
  const known = useFieldNames();
  return (
    <Typed
      label={props.label}
      value={props.value}
      known={known}
      placeholder={props.none}
      onChange={props.onChange}
      visible
    />
  );
}

const UNITS = ["s", "m", "h", "d", "w"] as const;

/** A length of time as the API writes it: a number and its unit. */
export function DurationPicker(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  units?: readonly (typeof UNITS)[number][];
}) {
  const { t } = useTexts();
  const [, count = "7", unit = "d"] = /^(\d+)([smhdw])$/.exec(props.value) ?? [];
  return (
    <Typed
      label={props.label}
      type="number"
      min={1}
      value={count}
      onChange={(next) => Number(next) >= 1 && props.onChange(`${Math.round(Number(next))}${unit}`)}
      visible
      suffix={
        <select
          aria-label={`${props.label}: ${t("analysis.unit")}`}
          value={unit}
          onChange={(event) => props.onChange(`${count}${event.target.value}`)}
        >
          {(props.units ?? UNITS).map((one) => (
            <option key={one} value={one}>
              {t(`analysis.units.${one}`)}
            </option>
          ))}
        </select>
      }
    />
  );
}
