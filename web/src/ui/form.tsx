import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

/** A labelled input; its error is announced with it. */
export function Field(
  props: { label: string; error?: string; hint?: string; action?: ReactNode } & InputHTMLAttributes<HTMLInputElement>,
) {
  const { label, error, hint, action, ...input } = props;
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>{label}</label>
        {action}
      </div>
      <input
        id={id}
        {...input}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      />
      {note ? (
        <p id={`${id}-note`} className={error ? "field-note error" : "field-note"}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

/** One of few, side by side. */
export function Segmented<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; text: string; icon?: ReactNode }[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="segmented">
      <legend className="hidden">{props.label}</legend>
      {props.options.map(({ value, text, icon }) => (
        <label key={value} title={icon ? text : undefined}>
          <input type="radio" name={name} checked={value === props.value} onChange={() => props.onChange(value)} />
          <span>
            {icon ? (
              <>
                <span className="hidden">{text}</span>
                {icon}
              </>
            ) : (
              text
            )}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** A labelled choice out of a list. */
export function Select(
  props: {
    label: string;
    hint?: string;
    options: readonly { value: string; text: string }[];
  } & SelectHTMLAttributes<HTMLSelectElement>,
) {
  const { label, hint, options, ...select } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} {...select} aria-describedby={hint ? `${id}-note` : undefined}>
        {options.map(({ value, text }) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      {hint ? (
        <p id={`${id}-note`} className="field-note">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

/** A choice of time zone; `known` stands first. */
export function TimezoneSelect(
  props: { label: string; known: string; hint?: string } & SelectHTMLAttributes<HTMLSelectElement>,
) {
  const { known, ...rest } = props;
  const zones = [...new Set([known, "UTC", ...Intl.supportedValuesOf("timeZone")])];
  return <Select {...rest} options={zones.map((zone) => ({ value: zone, text: zone.replaceAll("_", " ") }))} />;
}

/** Several of few, each with what it means. */
export function Checks(props: {
  label: string;
  name: string;
  options: readonly { value: string; text: string; hint?: string }[];
  chosen: readonly string[];
}) {
  return (
    <fieldset className="checks">
      <legend>{props.label}</legend>
      {props.options.map(({ value, text, hint }) => (
        <label key={value}>
          <input type="checkbox" name={`${props.name}.${value}`} defaultChecked={props.chosen.includes(value)} />
          <span>
            {text}
            {hint ? <small>{hint}</small> : null}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** A labelled text of several lines. */
export function TextArea(props: { label: string; hint?: string } & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const { label, hint, ...area } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} {...area} aria-describedby={hint ? `${id}-note` : undefined} />
      {hint ? (
        <p id={`${id}-note`} className="field-note">
          {hint}
        </p>
      ) : null}
    </div>
  );
}
