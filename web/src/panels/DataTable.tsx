import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";

export function DataTable({ table, caption }: { table: Table; caption: string }) {
  const { language } = useTexts();
  const shown = (value: string | number | null, place: number) =>
    typeof value !== "number"
      ? value
      : table.shares?.includes(place)
        ? formatPercent(value, language)
        : formatNumber(value, language);
  const isNumber = (place: number) => place > 0 && table.rows.some((row) => typeof row[place] === "number");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form
    <div className="table-scroll" role="group" tabIndex={0} aria-label={caption}>
      <table className="table">
        <thead>
          <tr>
            {table.columns.map((column, place) => (
              <th key={column} scope="col" className={isNumber(place) ? "number" : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map(([first, ...rest], index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name and never move
            <tr key={index}>
              <th scope="row">{shown(first ?? null, 0)}</th>
              {rest.map((value, place) => (
                <td key={table.columns[place + 1]} className={typeof value === "number" ? "number" : undefined}>
                  {shown(value, place + 1)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
