/** The data of a chart as rows: what the table shows and the CSV holds. */
export interface Table {
  name: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number | null)[])[];
  /** The places of columns that are shares: shown as percentages. */
  shares?: readonly number[];
}

// A cell that begins so is a formula to a spreadsheet, and a name is whatever a sender chose.
const FORMULA = /^[=+\-@\t\r]/;

export function toCsv({ columns, rows }: Table): string {
  const cell = (value: string | number | null): string => {
    if (typeof value === "number") return String(value);
    const text = FORMULA.test(value ?? "") ? `'${value}` : (value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function downloadCsv(table: Table): void {
  // The mark makes Excel read UTF-8.
  download(`${table.name}.csv`, new Blob(["\uFEFF", toCsv(table)], { type: "text/csv;charset=utf-8" }));
}
