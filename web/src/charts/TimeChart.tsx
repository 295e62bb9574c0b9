import {
  Area,
  Bar,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { formatCompact, formatNumber, formatPoint, formatTick } from "../i18n/format";
import { type ChartSeries, DASHES, OPEN, type Row } from "./rows";

/** A note at a point of the axis; its number is that of the list beside the chart. */
export interface Mark {
  point: string;
  number: number;
  text: string;
}

export interface TimeChartProps {
  label: string;
  rows: readonly Row[];
  series: readonly ChartSeries[];
  kind: "area" | "line" | "bar";
  interval: string;
  language: string;
  /** The place of the first bucket that is not over; the rows' length where all are. */
  openFrom: number;
  before: string;
  unfinished: string;
  total: string;
  /** Series that are parts of a whole stand on each other; the usual. */
  stacked?: boolean;
  /** Values that are no numbers of things, such as ratios. */
  decimals?: boolean;
  marks?: readonly Mark[];
}

/** Series over time; a bucket that is still counting is dashed, the time before is a grey line. */
export default function TimeChart(props: TimeChartProps) {
  const { rows, series, kind, interval, language, openFrom, stacked = true } = props;
  return (
    <ResponsiveContainer width="100%" height="100%">
      <ComposedChart
        data={rows as Row[]}
        margin={{ top: 8, right: 8, bottom: 0, left: 0 }}
        title={props.label}
        accessibilityLayer
      >
        <CartesianGrid vertical={false} stroke="var(--grid)" />
        <XAxis
          dataKey="point"
          tickFormatter={(point: string) => formatTick(point, interval, language)}
          tickLine={false}
          axisLine={{ stroke: "var(--line)" }}
          minTickGap={28}
          tickMargin={8}
          height={32}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        <YAxis
          width={44}
          tickFormatter={(value: number) => formatCompact(value, language)}
          allowDecimals={props.decimals ?? false}
          tickLine={false}
          axisLine={false}
          tickCount={5}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        <Tooltip
          isAnimationActive={false}
          cursor={kind === "bar" ? { fill: "var(--hover)" } : { stroke: "var(--muted)", strokeDasharray: "3 3" }}
          content={({ active, label }) => {
            const row = active ? rows.find(({ point }) => point === label) : undefined;
            return row ? <Tip {...props} row={row} /> : null;
          }}
        />
        {series.flatMap((one, index) => drawn(one, index, kind, openFrom < rows.length, stacked))}
        {byPoint(props.marks).map(({ point, numbers }) => (
          <ReferenceLine
            key={point}
            x={point}
            stroke="var(--muted)"
            strokeDasharray="3 3"
            label={{ value: numbers, position: "insideTopLeft", fill: "var(--text)", fontSize: 12, fontWeight: 600 }}
          />
        ))}
        <Line
          dataKey="before"
          stroke="var(--muted)"
          strokeWidth={1.5}
          strokeDasharray="2 4"
          dot={false}
          activeDot={false}
          isAnimationActive={false}
        />
      </ComposedChart>
    </ResponsiveContainer>
  );
}

/** Notes of the same point share a line. */
function byPoint(marks: readonly Mark[] = []): { point: string; numbers: string }[] {
  const points = [...new Set(marks.map(({ point }) => point))];
  return points.map((point) => ({
    point,
    numbers: marks
      .filter((one) => one.point === point)
      .map(({ number }) => number)
      .join(", "),
  }));
}

function drawn(one: ChartSeries, index: number, kind: TimeChartProps["kind"], open: boolean, stacked: boolean) {
  const { key, color } = one;
  const common = { isAnimationActive: false, stroke: color } as const;
  const dashed = key + OPEN;
  const stack = (name: string) => (stacked ? name : kind === "bar" ? key : undefined);
  if (kind === "bar")
    return [
      <Bar key={key} dataKey={key} stackId={stack("all")} fill={color} maxBarSize={56} isAnimationActive={false} />,
      ...(open
        ? [
            <Bar
              key={dashed}
              dataKey={dashed}
              stackId={stack("all")}
              fill={color}
              fillOpacity={0.25}
              stroke={color}
              strokeDasharray="4 3"
              maxBarSize={56}
              isAnimationActive={false}
            />,
          ]
        : []),
    ];
  if (kind === "line")
    return [
      <Line
        key={key}
        dataKey={key}
        strokeWidth={2}
        dot={false}
        strokeDasharray={DASHES[index % DASHES.length]}
        {...common}
      />,
      ...(open
        ? [<Line key={dashed} dataKey={dashed} strokeWidth={2} dot={false} strokeDasharray="4 4" {...common} />]
        : []),
    ];
  return [
    <Area
      key={key}
      dataKey={key}
      stackId={stack("all")}
      fill={color}
      fillOpacity={0.22}
      strokeWidth={1.75}
      {...common}
    />,
    ...(open
      ? [
          <Area
            key={dashed}
            dataKey={dashed}
            stackId={stack("open")}
            fill={color}
            fillOpacity={0.1}
            strokeWidth={1.75}
            strokeDasharray="4 4"
            {...common}
          />,
        ]
      : []),
  ];
}

function Tip({
  row,
  rows,
  series,
  interval,
  language,
  openFrom,
  before,
  unfinished,
  total,
  stacked = true,
  marks = [],
}: TimeChartProps & { row: Row }) {
  const place = rows.indexOf(row);
  const value = (key: string) => row[key] ?? row[key + OPEN];
  const shown = series.filter(({ key }) => typeof value(key) === "number");
  return (
    <div className="tip">
      <p className="tip-head">
        {formatPoint(row.point, interval, language)}
        {place >= openFrom ? <em> · {unfinished}</em> : null}
      </p>
      <dl>
        {[...shown].reverse().map(({ key, name, color }) => (
          <div key={key}>
            <dt>
              <i className="swatch" style={{ background: color }} />
              <bdi>{name}</bdi>
            </dt>
            <dd>{formatNumber(value(key) as number, language)}</dd>
          </div>
        ))}
        {series.length > 1 && stacked ? (
          <div className="tip-total">
            <dt>{total}</dt>
            <dd>
              {formatNumber(
                shown.reduce((sum, { key }) => sum + (value(key) as number), 0),
                language,
              )}
            </dd>
          </div>
        ) : null}
        {typeof row.before === "number" ? (
          <div className="tip-before">
            <dt>{before}</dt>
            <dd>{formatNumber(row.before, language)}</dd>
          </div>
        ) : null}
      </dl>
      {marks
        .filter(({ point }) => point === row.point)
        .map(({ number, text }) => (
          <p key={number} className="tip-note">
            <b>{number}</b> <bdi>{text.slice(0, 200)}</bdi>
          </p>
        ))}
    </div>
  );
}
