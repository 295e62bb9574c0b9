import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";

export function DataTable({ table, caption }: { table: Table; caption: string }) {
  const { language } = useTexts();
  const shown = (value: string | number | null) => (typeof value === "number" ? formatNumber(value, language) : value);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table-scroll" tabIndex={0} aria-label={caption}>
      <table className="table">
        <thead>
          <tr>
            {table.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map(([first, ...rest], index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name and never move
            <tr key={index}>
              <th scope="row">{shown(first ?? null)}</th>
              {rest.map((value, place) => (
                <td key={table.columns[place + 1]} className={typeof value === "number" ? "number" : undefined}>
                  {shown(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
