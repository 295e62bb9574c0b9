import { Scroll } from "../ui/Scroll";
import { Count } from "./Count";

export interface CountColumn<Row> {
  name: string;
  value: (row: Row) => number;
  /** Whom the number counts. */
  open?: (row: Row) => { label: string; run: () => void };
}

/** Numbers as a table; each opens the people it counts. */
export function CountTable<Row>(props: {
  caption: string;
  first: { name: string; text: (row: Row) => string };
  columns: readonly CountColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}) {
  return (
    <Scroll className="table-scroll below" label={props.caption}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{props.first.name}</th>
            {props.columns.map(({ name }) => (
              <th key={name} scope="col" className="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)}>
              <th scope="row">{props.first.text(row)}</th>
              {props.columns.map(({ name, value, open }) => {
                const behind = open?.(row);
                return (
                  <td key={name} className="number">
                    <Count value={value(row)} label={behind?.label ?? name} onOpen={behind?.run} />
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
