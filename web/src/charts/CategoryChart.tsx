import { Bar, CartesianGrid, ComposedChart, Line, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatCompact } from "../i18n/format";
import { DASHES, OPEN } from "./rows";

export interface CategorySeries {
  key: string;
  name: string;
  color: string;
  /** Drawn light, such as what was lost. */
  faint?: boolean;
  /** Drawn thick, such as the mean of the others. */
  strong?: boolean;
}
/** A place on the axis: its name, what it is called in full, and each series' value under its key. */
export interface Category {
  name: string;
  title?: string;
  [key: string]: string | number | null | undefined;
}

export interface CategoryChartProps {
  label: string;
  rows: readonly Category[];
  series: readonly CategorySeries[];
  kind: "bar" | "line";
  stacked?: boolean;
  language: string;
  format: (value: number) => string;
  /** As the axis writes a value; the compact number usually. */
  tick?: (value: number) => string;
  onPick?: (row: Category) => void;
  /** From this place on nothing is final; drawn dashed. */
  openFrom?: number;
}

const MOST_DOTS = 20;

/** Values of things in an order that is not time: steps, lengths, offsets. */
export default function CategoryChart(props: CategoryChartProps) {
  const { rows, series, kind, language, onPick, openFrom = rows.length } = props;
  const drawn = rows.map((row, place): Category => {
    if (place < openFrom) return row;
    const opened = series.map(({ key }) => [key + OPEN, row[key]]);
    return { ...row, ...Object.fromEntries(series.map(({ key }) => [key, null])), ...Object.fromEntries(opened) };
  });
  return (
    <ResponsiveContainer width="100%" height="100%">
      <ComposedChart
        data={drawn}
        margin={{ top: 8, right: 8, bottom: 0, left: 0 }}
        title={props.label}
        accessibilityLayer
        stackOffset="sign"
        onClick={
          onPick
            ? ({ activeTooltipIndex }) => {
                const row = rows[Number(activeTooltipIndex)];
                if (activeTooltipIndex !== undefined && row) onPick(row);
              }
            : undefined
        }
        className={onPick ? "pickable" : undefined}
      >
        <CartesianGrid vertical={false} stroke="var(--grid)" />
        <XAxis
          dataKey="name"
          tickLine={false}
          axisLine={{ stroke: "var(--line)" }}
          minTickGap={12}
          tickMargin={8}
          height={32}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        <YAxis
          width={52}
          tickFormatter={props.tick ?? ((value: number) => formatCompact(value, language))}
          tickLine={false}
          axisLine={false}
          tickCount={5}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        <Tooltip
          isAnimationActive={false}
          cursor={kind === "bar" ? { fill: "var(--hover)" } : { stroke: "var(--muted)", strokeDasharray: "3 3" }}
          content={({ active, label }) => {
            const row = active ? rows.find(({ name }) => name === label) : undefined;
            return row ? <Tip {...props} row={row} /> : null;
          }}
        />
        {series.flatMap(({ key, color, faint, strong }, index) =>
          kind === "bar" ? (
            [
              <Bar
                key={key}
                dataKey={key}
                stackId={props.stacked ? "all" : undefined}
                fill={color}
                fillOpacity={faint ? 0.22 : 1}
                maxBarSize={72}
                isAnimationActive={false}
              />,
              ...(openFrom < rows.length
                ? [
                    <Bar
                      key={key + OPEN}
                      dataKey={key + OPEN}
                      stackId={props.stacked ? "all" : undefined}
                      fill={color}
                      fillOpacity={0.25}
                      stroke={color}
                      strokeDasharray="4 3"
                      maxBarSize={72}
                      isAnimationActive={false}
                    />,
                  ]
                : []),
            ]
          ) : (
            <Line
              key={key}
              dataKey={key}
              stroke={color}
              strokeWidth={strong ? 3.5 : 2}
              strokeDasharray={DASHES[index % DASHES.length]}
              dot={rows.length < MOST_DOTS ? { r: 3, strokeDasharray: "0", fill: color } : false}
              isAnimationActive={false}
            />
          ),
        )}
      </ComposedChart>
    </ResponsiveContainer>
  );
}

function Tip({ row, series, format }: CategoryChartProps & { row: Category }) {
  const shown = series.filter(({ key }) => typeof row[key] === "number");
  return (
    <div className="tip">
      <p className="tip-head">
        <bdi>{row.title ?? row.name}</bdi>
      </p>
      <dl>
        {shown.map(({ key, name, color }) => (
          <div key={key}>
            <dt>
              <i className="swatch" style={{ background: color }} />
              <bdi>{name}</bdi>
            </dt>
            <dd>{format(Math.abs(row[key] as number))}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
