import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useTexts } from "../i18n";
import { CASTS, MOST_EDITS, newRule, OPS, type Rule } from "../state/edits";
import { Typed } from "./Editors";
import { Toggle } from "./Toggle";

/** Edits of refused events, one after the other: each with what it needs. */
export function Rules(props: { rules: readonly Rule[]; fields: readonly string[]; onChange: (rules: Rule[]) => void }) {
  const { t } = useTexts();
  const { rules, fields, onChange } = props;
  const put = (place: number, part: Partial<Rule>) =>
    onChange(rules.map((one, at) => (at === place ? { ...one, ...part } : one)));
  const move = (place: number, by: number) => {
    const next = [...rules];
    next.splice(place + by, 0, ...next.splice(place, 1));
    onChange(next);
  };
  return (
    <ol className="edits">
      {rules.map((rule, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an edit is known by its place
        <li key={place} className="edit">
          <fieldset>
            <legend className="hidden">{t("admin.replay.rule", { number: place + 1 })}</legend>
            <span className="edit-number" aria-hidden="true">
              {place + 1}.
            </span>
            <div className="edit-fields">
              <select
                aria-label={t("admin.replay.op")}
                value={rule.op}
                onChange={(event) => put(place, { op: event.target.value as Rule["op"] })}
              >
                {OPS.map((op) => (
                  <option key={op} value={op}>
                    {t(`admin.replay.ops.${op}`)}
                  </option>
                ))}
              </select>
              <Typed
                label={t("admin.replay.field")}
                placeholder={t("admin.replay.field")}
                value={rule.field}
                known={fields}
                onChange={(field) => put(place, { field })}
              />
              <Rest rule={rule} fields={fields} onChange={(part) => put(place, part)} />
            </div>
            <span className="edit-tools">
              {place > 0 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("admin.replay.up", { number: place + 1 })}
                  onClick={() => move(place, -1)}
                >
                  <ArrowUp size={15} />
                </button>
              ) : null}
              {place < rules.length - 1 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("admin.replay.down", { number: place + 1 })}
                  onClick={() => move(place, 1)}
                >
                  <ArrowDown size={15} />
                </button>
              ) : null}
              <button
                type="button"
                className="icon-button"
                aria-label={t("admin.replay.remove", { number: place + 1 })}
                onClick={() => onChange(rules.filter((_, at) => at !== place))}
              >
                <X size={15} />
              </button>
            </span>
          </fieldset>
        </li>
      ))}
      {rules.length < MOST_EDITS ? (
        <li>
          <button type="button" className="add" onClick={() => onChange([...rules, newRule()])}>
            <Plus size={14} aria-hidden="true" />
            {t("admin.replay.add")}
          </button>
        </li>
      ) : null}
    </ol>
  );
}

/** What an edit needs beside its field. */
function Rest(props: { rule: Rule; fields: readonly string[]; onChange: (part: Partial<Rule>) => void }) {
  const { t } = useTexts();
  const { rule, fields, onChange } = props;
  if (rule.op === "rename")
    return (
      <Typed
        label={t("admin.replay.to")}
        placeholder={t("admin.replay.to")}
        value={rule.to}
        known={fields}
        onChange={(to) => onChange({ to })}
      />
    );
  if (rule.op === "cast")
    return (
      <select
        aria-label={t("admin.replay.as")}
        value={CASTS.find((one) => one === rule.to) ?? "text"}
        onChange={(event) => onChange({ to: event.target.value })}
      >
        {CASTS.map((one) => (
          <option key={one} value={one}>
            {t(`admin.replay.casts.${one}`)}
          </option>
        ))}
      </select>
    );
  if (rule.op === "set")
    return (
      <>
        <Typed
          label={t("admin.replay.value")}
          placeholder={t("admin.replay.value")}
          value={rule.value}
          onChange={(value) => onChange({ value })}
        />
        <Toggle label={t("admin.replay.missing")} value={rule.missing} onChange={(missing) => onChange({ missing })} />
      </>
    );
  return null;
}
