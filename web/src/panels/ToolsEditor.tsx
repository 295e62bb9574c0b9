import { type RefObject, useEffect, useId } from "react";
import type { SqlTable } from "../api/tools";
import { useTexts } from "../i18n";

/** Where a statement is written: a plain field with a fixed pitch; Ctrl+Enter runs it, an error stands at its place. */
export function ToolsEditor(props: {
  field: RefObject<HTMLTextAreaElement | null>;
  sql: string;
  error: string;
  at: number | undefined;
  onChange: (sql: string) => void;
  onRun: () => void;
}) {
  const { field, sql, error, at, onChange, onRun } = props;
  const { t } = useTexts();
  const id = useId();
  useEffect(() => {
    const box = field.current;
    if (at === undefined || !box) return;
    const end = /^\w+/.exec(box.value.slice(at))?.[0].length ?? 1;
    box.focus();
    box.setSelectionRange(at, at + end);
  }, [at, field]);
  return (
    <div className="field">
      <label htmlFor={id}>{t("tools.sql.statement")}</label>
      <textarea
        id={id}
        ref={field}
        className="sql-text"
        rows={9}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        value={sql}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          onRun();
        }}
      />
      <p id={`${id}-note`} className={error ? "field-note error" : "field-note"} role={error ? "alert" : undefined}>
        {error || t("tools.sql.hint")}
      </p>
    </div>
  );
}

/** A type without what is about storing it. */
const shortType = (type: string) =>
  type.replace(/LowCardinality\((\w+)\)|Nullable\((.+)\)/g, "$1$2").replace(/DateTime64\([^)]*\)/, "DateTime64");

/** The tables and their columns; a press puts the name into the statement. */
export function ToolsTables({ tables, onName }: { tables: readonly SqlTable[]; onName: (name: string) => void }) {
  const { t } = useTexts();
  return (
    <div className="sql-tables">
      {tables.map((table, place) => (
        <details key={table.name} open={place === 0}>
          <summary>
            <code>{table.name}</code>
            <span className="faint">{t(`tools.sql.tables.${table.name}` as "tools.sql.tables.events")}</span>
          </summary>
          <ul>
            {table.columns.map(({ name, type }) => (
              <li key={name}>
                <button type="button" className="link" onClick={() => onName(name)}>
                  <code>{name}</code>
                </button>
                <code className="faint" title={type}>
                  {shortType(type)}
                </code>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}
