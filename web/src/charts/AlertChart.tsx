import {
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceArea,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { formatPoint, formatTick } from "../i18n/format";
import { type ChartSeries, DASHES, type Row } from "./rows";

export interface AlertChartProps {
  label: string;
  rows: readonly Row[];
  series: readonly ChartSeries[];
  /** Where the rule fires, and where it is over. */
  marks: { fires: readonly number[]; over: readonly number[] };
  /** Windows in which it would have fired, by their first and last point. */
  fired: readonly { from: string; to: string }[];
  ticks: "hour" | "day";
  language: string;
  shown: (value: number) => string;
}

/** The numbers of a rule over time, the mark they are held against, and shaded when it would have fired. */
export default function AlertChart(props: AlertChartProps) {
  const { rows, series, marks, language, shown } = props;
  const decimals = series.some(({ key }) => rows.some((row) => !Number.isInteger(row[key] ?? 0)));
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
          tickFormatter={(point: string) => formatTick(point, props.ticks, language)}
          tickLine={false}
          axisLine={{ stroke: "var(--line)" }}
          minTickGap={36}
          tickMargin={8}
          height={32}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        <YAxis
          width={52}
          domain={[(least: number) => Math.min(least, 0), "auto"]}
          allowDecimals={decimals}
          tickFormatter={shown}
          tickLine={false}
          axisLine={false}
          tickCount={5}
          tick={{ fill: "var(--muted)", fontSize: 12 }}
        />
        {props.fired.map(({ from, to }) => (
          <ReferenceArea key={`${from}${to}`} x1={from} x2={to} fill="var(--down)" fillOpacity={0.16} stroke="none" />
        ))}
        <Tooltip
          isAnimationActive={false}
          cursor={{ stroke: "var(--muted)", strokeDasharray: "3 3" }}
          content={({ active, label }) => {
            const row = active ? rows.find(({ point }) => point === label) : undefined;
            return row ? <Tip {...props} row={row} /> : null;
          }}
        />
        {marks.over.map((mark) => (
          <ReferenceLine
            key={`over${mark}`}
            y={mark}
            ifOverflow="extendDomain"
            stroke="var(--muted)"
            strokeDasharray="2 4"
          />
        ))}
        {marks.fires.map((mark) => (
          <ReferenceLine
            key={`fires${mark}`}
            y={mark}
            ifOverflow="extendDomain"
            stroke="var(--down)"
            strokeWidth={1.5}
            strokeDasharray="6 4"
          />
        ))}
        {series.map(({ key, color }, place) => (
          <Line
            key={key}
            dataKey={key}
            stroke={color}
            strokeWidth={2}
            strokeDasharray={DASHES[place % DASHES.length]}
            dot={false}
            isAnimationActive={false}
          />
        ))}
      </ComposedChart>
    </ResponsiveContainer>
  );
}

function Tip({ row, series, language, shown }: AlertChartProps & { row: Row }) {
  return (
    <div className="tip">
      <p className="tip-head">{formatPoint(row.point, "hour", language)}</p>
      <dl>
        {series
          .filter(({ key }) => typeof row[key] === "number")
          .map(({ key, name, color }) => (
            <div key={key}>
              <dt>
                <i className="swatch" style={{ background: color }} />
                <bdi>{name}</bdi>
              </dt>
              <dd>{shown(row[key] as number)}</dd>
            </div>
          ))}
      </dl>
    </div>
  );
}
