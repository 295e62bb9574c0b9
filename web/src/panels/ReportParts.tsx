import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import type { Widget } from "../api/saved";
import { useTexts } from "../i18n";

const PLACES = ["name", "project", "from", "to"].map((name) => `{{ ${name} }}`).join(", ");
const MOST = 30;

/** The parts of a report of one's own, in their order; `onAdd` asks for another one, in a form of its own. */
export function ReportParts(props: { parts: Widget[]; onChange: (parts: Widget[]) => void; onAdd: () => void }) {
  const { t } = useTexts();
  const { parts, onChange, onAdd } = props;
  const titleOf = (one: Widget) => one.title || one.text?.slice(0, 60) || t("dashboards.untitled");
  const swap = (place: number, other: number) => {
    const next = [...parts];
    const [one, two] = [next[place], next[other]];
    if (!one || !two) return;
    next[place] = two;
    next[other] = one;
    onChange(next);
  };
  return (
    <fieldset className="report-parts">
      <legend>{t("reports.form.parts")}</legend>
      {parts.length ? (
        <ol>
          {parts.map((one, place) => (
            <li key={one.id}>
              <span>
                <bdi>{titleOf(one)}</bdi>
                <small>{kindOf(one, t)}</small>
              </span>
              {place > 0 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("reports.form.up", { title: titleOf(one) })}
                  onClick={() => swap(place, place - 1)}
                >
                  <ArrowUp size={16} aria-hidden="true" />
                </button>
              ) : null}
              {place < parts.length - 1 ? (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t("reports.form.down", { title: titleOf(one) })}
                  onClick={() => swap(place, place + 1)}
                >
                  <ArrowDown size={16} aria-hidden="true" />
                </button>
              ) : null}
              <button
                type="button"
                className="icon-button"
                aria-label={t("reports.form.take", { title: titleOf(one) })}
                onClick={() => onChange(parts.filter(({ id }) => id !== one.id))}
              >
                <X size={16} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ol>
      ) : (
        <p className="faint">{t("reports.form.noParts")}</p>
      )}
      {parts.length < MOST ? (
        <button type="button" className="button" onClick={onAdd}>
          <Plus size={16} aria-hidden="true" />
          {t("reports.form.add")}
        </button>
      ) : null}
      <p className="field-note">
        {t("reports.form.places", { places: PLACES, interpolation: { escapeValue: false } })}
      </p>
    </fieldset>
  );
}

function kindOf(one: Widget, t: ReturnType<typeof useTexts>["t"]): string {
  if (one.definition_id) return t("dashboards.kinds.saved");
  const kind = one.inline?.kind;
  if (kind === undefined) return t("dashboards.kinds.text");
  if (kind === "explore" || kind === "timeseries")
    return one.chart === "number" ? t("dashboards.kinds.number") : t("dashboards.kinds.series");
  if (kind === "breakdown" && one.chart === "table") return t("dashboards.kinds.table");
  if (kind === "breakdown" || kind === "funnel" || kind === "retention") return t(`dashboards.kinds.${kind}`);
  return t("dashboards.kinds.number");
}
