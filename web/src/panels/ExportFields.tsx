import { useQuery } from "@tanstack/react-query";
import type { Condition } from "../api/analysis";
import { type CountAnswer, useApi } from "../api/client";
import { FORMATS, type Format } from "../api/jobs";
import { ask } from "../api/queries";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { Segmented } from "../ui/form";
import { Conditions, Names, useEventNames, useFieldNames } from "./Editors";

/** What is exported and how: the same for one export and for a schedule of them. */
export interface ExportChoice {
  format: Format;
  compression: string;
  escape: boolean;
  events: string[];
  filters: Condition[];
  columns: string[];
}
export const USUAL: ExportChoice = {
  format: "parquet",
  compression: "",
  escape: true,
  events: [],
  filters: [],
  columns: [],
};
const COMPRESSIONS: Record<Format, readonly string[]> = {
  parquet: ["zstd", "snappy", "gzip", "none"],
  csv: ["none", "gzip", "zstd"],
  json: ["none", "gzip", "zstd"],
};
const COLUMNS = [
  "timestamp",
  "event",
  "user_id",
  "anonymous_id",
  "session_id",
  "event_id",
  "path",
  "url",
  "country",
  "device",
  "browser",
  "os",
  "properties",
  "context",
  "received_at",
] as const;

/** As the API takes it. */
export function exportOf(choice: ExportChoice) {
  const { format, compression, events, filters, columns } = choice;
  return {
    format,
    ...(compression && { compression }),
    ...(format === "csv" && { formulas: choice.escape ? ("escape" as const) : ("keep" as const) }),
    events,
    filters,
    columns,
  };
}

export function ExportFields(props: { value: ExportChoice; onChange: (value: ExportChoice) => void }) {
  const { t } = useTexts();
  const names = useEventNames();
  const fields = useFieldNames();
  const { value, onChange } = props;
  const put = (part: Partial<ExportChoice>) => onChange({ ...value, ...part });
  const own = fields.filter((one) => one.startsWith("properties."));
  return (
    <>
      <div className="field">
        <span className="label">{t("jobs.exports.format")}</span>
        <Segmented
          label={t("jobs.exports.format")}
          value={value.format}
          options={FORMATS.map((one) => ({ value: one, text: t(`jobs.exports.formats.${one}`) }))}
          onChange={(format) => put({ format, compression: "" })}
        />
        <p className="field-note">{t(`jobs.exports.formatHint.${value.format}`)}</p>
      </div>
      <div className="field">
        <label htmlFor="compression">{t("jobs.exports.compression")}</label>
        <select
          id="compression"
          value={value.compression || COMPRESSIONS[value.format][0]}
          onChange={(event) => put({ compression: event.target.value })}
        >
          {COMPRESSIONS[value.format].map((one) => (
            <option key={one} value={one}>
              {one === "none" ? t("jobs.exports.uncompressed") : one}
            </option>
          ))}
        </select>
      </div>
      {value.format === "csv" ? (
        <label className="check-line">
          <input type="checkbox" checked={value.escape} onChange={(event) => put({ escape: event.target.checked })} />
          <span>{t("jobs.exports.escape")}</span>
        </label>
      ) : null}
      <div className="field">
        <span className="label">{t("jobs.exports.events")}</span>
        <Names
          label={t("jobs.exports.events")}
          values={value.events}
          known={names}
          placeholder={t("jobs.exports.allEvents")}
          onChange={(events) => put({ events })}
        />
      </div>
      <div className="field">
        <span className="label">{t("jobs.exports.filters")}</span>
        <Conditions label={t("jobs.exports.filters")} values={value.filters} onChange={(filters) => put({ filters })} />
      </div>
      <div className="field">
        <span className="label">{t("jobs.exports.columns")}</span>
        <Names
          label={t("jobs.exports.columns")}
          values={value.columns}
          known={[...COLUMNS, ...own]}
          most={100}
          placeholder={t("jobs.exports.allColumns")}
          onChange={(columns) => put({ columns })}
        />
        <p className="field-note">{t("jobs.exports.columnsHint")}</p>
      </div>
    </>
  );
}

/** How many events would be in it. */
export function HowMany({ from, to, choice }: { from: string; to: string; choice: ExportChoice }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const { events, filters } = choice;
  const body = { ...(from && { from }), ...(to && { to }), events, filters };
  const query = useQuery({
    ...ask<CountAnswer>(useApi(), project, "/api/v1/query/count", body, false),
    enabled: from !== "" && to !== "",
    retry: false,
  });
  const count = query.data?.value;
  return (
    <p className="big-number" aria-live="polite">
      <strong>{typeof count === "number" ? formatNumber(count, language) : "…"}</strong>
      <span className="faint">{t("jobs.exports.events_found", { count: count ?? 0 })}</span>
    </p>
  );
}
