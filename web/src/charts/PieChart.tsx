import { formatNumber, formatPercent } from "../i18n/format";
import { COLORS, OTHER_COLOR } from "./rows";

export interface Slice {
  name: string;
  value: number;
  other?: boolean;
}

/** Shares of a whole as a ring, each named beside it. */
export function PieChart({ slices, label, language }: { slices: readonly Slice[]; label: string; language: string }) {
  const whole = slices.reduce((sum, { value }) => sum + value, 0) || 1;
  let turned = 0;
  return (
    <div className="pie">
      <svg viewBox="0 0 42 42" role="img" aria-label={label}>
        {slices.map(({ name, value, other }, index) => {
          const share = (value / whole) * 100;
          const start = turned;
          turned += share;
          return (
            <circle
              key={name}
              cx="21"
              cy="21"
              r="15.9155"
              fill="none"
              strokeWidth="7"
              stroke={other ? OTHER_COLOR : COLORS[index % COLORS.length]}
              strokeDasharray={`${Math.max(share - 0.6, 0.2)} ${100 - Math.max(share - 0.6, 0.2)}`}
              strokeDashoffset={25 - start}
            />
          );
        })}
      </svg>
      <ul>
        {slices.map(({ name, value, other }, index) => (
          <li key={name}>
            <i className="swatch" style={{ background: other ? OTHER_COLOR : COLORS[index % COLORS.length] }} />
            <bdi>{name}</bdi>
            <span>
              {formatNumber(value, language)} · {formatPercent(value / whole, language)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
