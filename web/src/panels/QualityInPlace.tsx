import { useEffect, useRef, useState } from "react";
import { useTexts } from "../i18n";

/** A text that becomes a field where it stands: Enter or leaving it saves, Escape leaves it as it was. */
export function QualityInPlace(props: {
  label: string;
  name: string;
  value: string;
  add: string;
  writes: boolean;
  long: boolean;
  save: (text: string) => Promise<unknown>;
}) {
  const { t } = useTexts();
  const { label, name, value, writes } = props;
  const [editing, setEditing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!editing) return;
    field.current?.focus();
    field.current?.select();
  }, [editing]);
  if (!writes) return value ? <span className="under">{value}</span> : null;
  if (!editing)
    return (
      <button
        type="button"
        className={value ? "in-place" : "in-place empty-one"}
        aria-label={t(value ? "quality.dictionary.editOf" : "quality.dictionary.emptyOf", {
          field: label,
          name,
          value,
        })}
        onClick={() => setEditing(true)}
      >
        {value || props.add}
      </button>
    );
  const leave = (text: string) => {
    setEditing(false);
    if (text.trim() !== value) void props.save(text).catch(() => undefined);
  };
  return (
    <input
      ref={field}
      className="in-place-field"
      aria-label={`${label}: ${name}`}
      defaultValue={value}
      maxLength={props.long ? 4000 : 200}
      onBlur={(event) => leave(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") {
          event.stopPropagation();
          event.currentTarget.value = value;
          setEditing(false);
        }
      }}
    />
  );
}
