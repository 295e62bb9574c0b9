import { type InputHTMLAttributes, type ReactNode, useId } from "react";

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
