import type { SqlAnswer } from "../api/tools";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";

const KIB = 1024;
const NUMBERS = /^(?:Nullable\()?(?:U?Int|Float|Decimal)/;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The rows of a statement's answer as a table, and what they cost. */
export function ToolsResult({ answer }: { answer: SqlAnswer }) {
  const { t, language } = useTexts();
  const size = (bytes: number) =>
    bytes < KIB * KIB
      ? t("tools.sql.kib", { shown: formatNumber(Math.ceil(bytes / KIB), language) })
      : t("tools.sql.mib", {
          shown: formatNumber(bytes / KIB / KIB, language, { maximumFractionDigits: 1 }),
        });
  const cost = t("tools.sql.cost", {
    count: answer.rows.length,
    shown: formatNumber(answer.rows.length, language),
    read: formatNumber(answer.rows_read, language),
    size: size(answer.bytes_read),
    ms: formatNumber(Math.round(answer.took_ms), language),
  });
  return (
    <>
      <p className="sql-cost" role="status">
        {cost} {answer.truncated ? <b>{t("tools.sql.truncated")}</b> : null}
      </p>
      {answer.rows.length ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form
        <div className="table-scroll sql-rows" role="group" tabIndex={0} aria-label={t("tools.sql.result")}>
          <table className="table">
            <caption className="hidden">{t("tools.sql.result")}</caption>
            <thead>
              <tr>
                {answer.columns.map(({ name, type }, place) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
                  <th key={place} scope="col" title={type} className={NUMBERS.test(type) ? "number" : undefined}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {answer.rows.map((row, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name and never move
                <tr key={index}>
                  {row.map((value, place) => (
                    <td
                      // biome-ignore lint/suspicious/noArrayIndexKey: as the columns
                      key={place}
                      className={NUMBERS.test(answer.columns[place]?.type ?? "") ? "number" : undefined}
                    >
                      {value === null ? <span className="faint">NULL</span> : textOf(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="empty">{t("tools.sql.nothing")}</p>
      )}
    </>
  );
}
