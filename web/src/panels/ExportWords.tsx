import type { ExportRequest } from "../api/jobs";
import { useTexts } from "../i18n";

/** Without a beginning an export begins on the first day there is, whatever the zone. */
const FROM_EVER = Date.parse("1970-01-02T00:00:00Z");

/** What the clocks of the text's own zone show. */
const wallOf = (moment: string) => Date.parse(`${moment.slice(0, 19)}Z`);

/** What an export is of, in words: lists, its own page and the list of jobs say it alike. */
export function useExportWords() {
  const { t, language } = useTexts();
  const day = (milliseconds: number) =>
    new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(
      milliseconds,
    );
  const range = ({ from, to }: ExportRequest) => {
    const ever = !from || wallOf(from) < FROM_EVER;
    // The end is not in it: the last day is the one before it where it is a midnight.
    const last = to ? day(wallOf(to) - 1) : "";
    const first = ever ? "" : day(wallOf(from));
    if (first === last) return first;
    return first ? t("jobs.exports.range", { first, last }) : t("jobs.exports.until", { last });
  };
  const format = ({ format: name, compression }: ExportRequest) =>
    [t(`jobs.exports.formats.${name}`), compression && compression !== "none" ? compression : ""]
      .filter(Boolean)
      .join(", ");
  const events = ({ events: names = [], filters = [] }: ExportRequest) =>
    [
      names.length ? names.join(", ") : t("jobs.exports.allEvents"),
      filters.length ? t("jobs.exports.filtered", { count: filters.length }) : "",
    ]
      .filter(Boolean)
      .join(", ");
  return { range, format, events };
}
