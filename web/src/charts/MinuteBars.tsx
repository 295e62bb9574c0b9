import { useState } from "react";
import { formatNumber } from "../i18n/format";

export interface MinuteBar {
  /** When the minute began, as the axis shows it. */
  time: string;
  value: number;
  open: boolean;
}

/** One bar a minute; one tab stop, the arrows move from bar to bar. The minute under way is dashed. */
export function MinuteBars(props: { label: string; bars: readonly MinuteBar[]; language: string }) {
  const { bars, language } = props;
  const [at, setAt] = useState<number>();
  const most = Math.max(...bars.map(({ value }) => value), 1);
  const width = 100 / Math.max(bars.length, 1);
  const shown = at === undefined ? undefined : bars[at];
  const move = (key: string) => {
    const from = at ?? bars.length;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: bars.length - 1 }[key];
    if (to === undefined) return false;
    setAt(Math.max(0, Math.min(to, bars.length - 1)));
    return true;
  };
  return (
    <div className="minutes">
      <svg
        viewBox="0 0 100 40"
        preserveAspectRatio="none"
        role="img"
        aria-label={props.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a chart is one tab stop whose bars the arrows go through
        tabIndex={0}
        onKeyDown={(event) => move(event.key) && event.preventDefault()}
        onBlur={() => setAt(undefined)}
        onPointerLeave={() => setAt(undefined)}
      >
        {bars.map(({ time, value, open }, place) => {
          const height = value ? Math.max((value / most) * 38, 1.2) : 0.4;
          return (
            <g key={time} onPointerEnter={() => setAt(place)}>
              <rect x={place * width} y={0} width={width} height={40} className="minute-space" />
              <rect
                x={place * width + width * 0.14}
                y={40 - height}
                width={width * 0.72}
                height={height}
                className={`minute${open ? " open" : ""}${place === at ? " chosen" : ""}`}
              />
            </g>
          );
        })}
      </svg>
      <p className="minute-axis" aria-live="polite">
        {shown ? (
          <b>
            {shown.time} · {formatNumber(shown.value, language)}
          </b>
        ) : (
          <>
            <span>{bars[0]?.time}</span>
            <span>{bars.at(-1)?.time}</span>
          </>
        )}
      </p>
    </div>
  );
}
