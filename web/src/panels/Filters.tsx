import { useQuery } from "@tanstack/react-query";
import { ListFilter, X } from "lucide-react";
import { useId, useState } from "react";
import { type Filter, useApi } from "../api/client";
import { valuesOf } from "../api/queries";
import { type Segment, segmentsOf } from "../api/segments";
import { useTexts } from "../i18n";
import { formatCountry } from "../i18n/format";
import { conditionOf, LIST_OPS, valueText } from "../state/asked";
import { useScope } from "../state/scope";
import { FILTER_OPS } from "../state/search";
import { useView } from "../state/view";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";

const FIELDS = [
  "event",
  "path",
  "referrer_domain",
  "channel",
  "country",
  "device",
  "browser",
  "os",
  "user_id",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "hostname",
  "library",
  "segment",
] as const;
const SEGMENT = "segment";
/** Of a segment it is only asked whether somebody is in it. */
const SEGMENT_OPS = ["eq", "ne"] as const;
const OWN = "properties.";

/** The conditions on what is shown, each removable, and a dialog to add one. */
export function Filters() {
  const { t, language } = useTexts();
  const { view, change } = useView();
  const [adding, setAdding] = useState(false);
  const filters = view.filters ?? [];
  const events = view.events ?? [];
  const nameOf = (property: string) =>
    property.startsWith(OWN)
      ? property.slice(OWN.length)
      : t(`fields.${property}` as "fields.path", { defaultValue: property });
  const segments = useSegments(filters.some(({ property }) => property === SEGMENT));
  const shownOf = ({ property, value }: Filter) =>
    property === "country"
      ? formatCountry(String(value ?? ""), language)
      : property === SEGMENT
        ? (segments.find(({ id }) => id === value)?.name ?? "…")
        : valueText(value);
  const said = (filter: Filter) =>
    `${nameOf(filter.property)} ${t(`filter.ops.${filter.op as "eq"}`)} ${shownOf(filter)}`.trim();
  return (
    <>
      {events.length ? (
        <Chip text={`${t("fields.event")}: ${events.join(", ")}`} onRemove={() => change({ events: undefined })} />
      ) : null}
      {filters.map((one, index) => (
        <Chip
          key={`${one.property}${one.op}${valueText(one.value)}`}
          text={said(one)}
          onRemove={() =>
            change({ filters: filters.length > 1 ? filters.filter((_, place) => place !== index) : undefined })
          }
        />
      ))}
      <button type="button" className="button" data-key="search" onClick={() => setAdding(true)}>
        <ListFilter size={16} aria-hidden="true" />
        {t("filter.add")}
      </button>
      {adding ? (
        <AddFilter
          onClose={() => setAdding(false)}
          onAdd={(filter) => {
            setAdding(false);
            change({ filters: [...filters, filter] });
          }}
        />
      ) : null}
    </>
  );
}

/** The saved segments of the project, where they are needed. */
function useSegments(needed: boolean): Segment[] {
  const { project } = useScope();
  return useQuery({ ...segmentsOf(useApi(), project), enabled: needed }).data ?? [];
}

function Chip({ text, onRemove }: { text: string; onRemove: () => void }) {
  const { t } = useTexts();
  return (
    <span className="chip">
      <bdi title={text.length > 40 ? text.slice(0, 500) : undefined}>{text}</bdi>
      <button type="button" aria-label={t("filter.remove", { filter: text.slice(0, 80) })} onClick={onRemove}>
        <X size={14} />
      </button>
    </span>
  );
}

function AddFilter({ onClose, onAdd }: { onClose: () => void; onAdd: (filter: Filter) => void }) {
  const { t } = useTexts();
  const scope = useScope();
  const [field, setField] = useState<string>(FIELDS[1]);
  const [own, setOwn] = useState("");
  const [op, setOp] = useState<(typeof FILTER_OPS)[number]>("eq");
  const [value, setValue] = useState("");
  const id = useId();
  const property = field === OWN ? OWN + own : field;
  const bare = op === "is_set" || op === "not_set";
  const ofSegment = property === SEGMENT;
  const segments = useSegments(true);
  const known = useQuery({
    ...valuesOf(useApi(), scope, property, value),
    enabled: !bare && !ofSegment && property !== OWN,
  });
  const complete = property !== OWN && (bare || value !== "");
  return (
    <Dialog title={t("filter.title")} close={t("keys.close")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const filter = conditionOf({ property, op, value });
          if (complete && filter) onAdd(filter);
        }}
      >
        <div className="field">
          <label htmlFor={`${id}p`}>{t("filter.property")}</label>
          <select
            id={`${id}p`}
            value={field}
            onChange={(event) => {
              setField(event.target.value);
              if (event.target.value === SEGMENT) {
                setOp("eq");
                setValue(segments[0]?.id ?? "");
              } else if (ofSegment) setValue("");
            }}
          >
            {FIELDS.filter((name) => name !== SEGMENT || segments.length).map((name) => (
              <option key={name} value={name}>
                {t(`fields.${name}`)}
              </option>
            ))}
            <option value={OWN}>{t("filter.own")}</option>
          </select>
        </div>
        {field === OWN ? (
          <Field label={t("filter.ownName")} value={own} onChange={(event) => setOwn(event.target.value)} required />
        ) : null}
        <div className="field">
          <label htmlFor={`${id}o`}>{t("filter.op")}</label>
          <select id={`${id}o`} value={op} onChange={(event) => setOp(event.target.value as typeof op)}>
            {(ofSegment ? SEGMENT_OPS : FILTER_OPS).map((name) => (
              <option key={name} value={name}>
                {t(`filter.ops.${name}`)}
              </option>
            ))}
          </select>
        </div>
        {ofSegment ? (
          <Select
            label={t("filter.value")}
            value={value}
            options={segments.map(({ id: own, name }) => ({ value: own, text: name }))}
            onChange={(event) => setValue(event.target.value)}
          />
        ) : bare ? null : (
          <>
            <Field
              label={LIST_OPS.includes(op) ? t("filter.values") : t("filter.value")}
              value={value}
              list={`${id}v`}
              autoComplete="off"
              onChange={(event) => setValue(event.target.value)}
              required
            />
            <datalist id={`${id}v`}>
              {known.data?.items.map((one) => (
                <option key={one.value} value={one.value} />
              ))}
            </datalist>
          </>
        )}
        <button type="submit" className="button primary">
          {t("filter.apply")}
        </button>
      </form>
    </Dialog>
  );
}
