import { useRef } from "react";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { type IdKind, type Listed, MOST_PEOPLE } from "../state/ids";
import { Select, TextArea } from "../ui/form";

export interface People {
  kind: IdKind;
  text: string;
}
const KINDS: readonly IdKind[] = ["user_id", "anonymous_id", "people"];

/** One id, a list of them, or a file with one in each line; says how many people that is and what is unclear. */
export function PeopleField(props: { value: People; found: Listed; onChange: (value: People) => void }) {
  const { t, language } = useTexts();
  const file = useRef<HTMLInputElement>(null);
  const { value, found, onChange } = props;
  const number = (count: number) => formatNumber(count, language);
  const many = found.people.length > MOST_PEOPLE;
  return (
    <>
      <Select
        label={t("jobs.people.kind")}
        value={value.kind}
        onChange={(event) => onChange({ ...value, kind: event.target.value as IdKind })}
        options={KINDS.map((kind) => ({ value: kind, text: t(`jobs.people.kinds.${kind}`) }))}
      />
      <TextArea
        label={t("jobs.people.ids")}
        hint={t("jobs.people.idsHint", { most: number(MOST_PEOPLE) })}
        rows={6}
        required
        spellCheck={false}
        value={value.text}
        onChange={(event) => onChange({ ...value, text: event.target.value })}
      />
      <div className="bar-note">
        <input
          ref={file}
          type="file"
          className="hidden"
          tabIndex={-1}
          aria-label={t("jobs.people.file")}
          accept=".txt,.csv,text/plain,text/csv"
          onChange={(event) => void event.target.files?.[0]?.text().then((text) => onChange({ ...value, text }))}
        />
        <button type="button" className="button" onClick={() => file.current?.click()}>
          {t("jobs.people.file")}
        </button>
        <span className={many ? "field-note error" : "faint"} role="status">
          {value.text === ""
            ? ""
            : many
              ? t("jobs.people.tooMany", { found: number(found.people.length), most: number(MOST_PEOPLE) })
              : t("jobs.people.found", { count: found.people.length, shown: number(found.people.length) })}
          {found.repeated ? ` ${t("jobs.people.repeated", { shown: number(found.repeated) })}` : ""}
        </span>
      </div>
      {found.unclear.length ? (
        <p className="field-note error" role="alert">
          {t("jobs.people.unclear", { lines: found.unclear.slice(0, 10).map(number).join(", ") })}
        </p>
      ) : null}
    </>
  );
}
