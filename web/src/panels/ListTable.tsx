import type { ReactNode } from "react";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** `narrow`: right-aligned and quiet; `wide`: only where there is room; `bare`: its name is for screen readers. */
  kind?: "narrow" | "wide" | "bare";
}

const CLASSES = { narrow: "when", wide: "phone-off", bare: "when" } as const;

/** Rows of things as a real table; the first column names the row. */
export function ListTable<Row>(props: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  headless?: boolean;
  className?: string;
}) {
  const { caption, columns, rows, rowKey, headless, className } = props;
  return (
    <table className={className ? `latest ${className}` : "latest"}>
      <caption className="hidden">{caption}</caption>
      <thead className={headless ? "hidden" : undefined}>
        <tr>
          {columns.map(({ name, kind }) => (
            <th key={name} scope="col" className={kind && CLASSES[kind]}>
              {kind === "bare" ? <span className="hidden">{name}</span> : name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map(({ name, cell, kind }, place) =>
              place === 0 ? (
                <th key={name} scope="row">
                  {cell(row)}
                </th>
              ) : (
                <td key={name} className={kind && CLASSES[kind]}>
                  {cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
