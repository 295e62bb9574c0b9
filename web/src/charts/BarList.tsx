import type { ReactNode } from "react";
import { formatNumber, formatPercent } from "../i18n/format";

export interface BarRow {
  name: string;
  value: number;
  share: number | null;
  /** Absent where there is nothing to filter by, such as for the rest. */
  onPick?: () => void;
  pickLabel?: string;
  icon?: ReactNode;
  /** Whom the value counts. */
  onOpen?: () => void;
  openLabel?: string;
  /** All other values together: it does not compete with the single ones. */
  rest?: boolean;
}

/** Values as bars; it is a real table, so the data needs no second one. */
export function BarList(props: {
  caption: string;
  columns: [string, string, string];
  rows: readonly BarRow[];
  language: string;
}) {
  const most = Math.max(...props.rows.map(({ value, rest }) => (rest ? 0 : value)), 1);
  return (
    <table className="bars">
      <caption className="hidden">{props.caption}</caption>
      <thead>
        <tr>
          <th scope="col">{props.columns[0]}</th>
          <th scope="col">{props.columns[1]}</th>
          <th scope="col">{props.columns[2]}</th>
        </tr>
      </thead>
      <tbody>
        {props.rows.map(({ name, value, share, onPick, pickLabel, onOpen, openLabel, icon, rest }) => (
          <tr key={`${rest ? "rest" : onPick ? "value" : "none"}-${name}`}>
            <th scope="row">
              <span className={rest ? "bar rest" : "bar"} style={{ width: `${Math.min(value / most, 1) * 100}%` }} />
              <span className="bar-name" title={name.length > 24 ? name.slice(0, 500) : undefined}>
                {icon}
                {onPick ? (
                  <button type="button" className="bar-pick" aria-label={pickLabel} onClick={onPick}>
                    <bdi>{name}</bdi>
                  </button>
                ) : (
                  <bdi>{name}</bdi>
                )}
              </span>
            </th>
            <td>
              {onOpen && value ? (
                <button type="button" className="count" aria-label={openLabel} onClick={onOpen}>
                  {formatNumber(value, props.language)}
                </button>
              ) : (
                formatNumber(value, props.language)
              )}
            </td>
            <td className="share">{share === null ? "" : formatPercent(share, props.language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
