import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Act, analysis, type LifecycleAnswer, rangeOf, type StickinessAnswer } from "../api/analysis";
import { useApi } from "../api/client";
import { COLORS, OTHER_COLOR } from "../charts/rows";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent, formatPoint, formatTick } from "../i18n/format";
import { CategoryDrawing } from "../panels/CategoryDrawing";
import { Controls } from "../panels/Controls";
import { type CountColumn, CountTable } from "../panels/CountTable";
import { ActEditor } from "../panels/Editors";
import { Panel } from "../panels/Panel";
import { type BehindAsked, PeopleBehind } from "../panels/PeopleBehind";
import { type SeriesAnswer, SeriesChart } from "../panels/SeriesChart";
import { useAsk } from "../state/ask";
import { type Asked, actOf, oneOf } from "../state/asked";
import { COUNT_BY } from "../state/funnel";
import { RETENTION_INTERVALS, type RetentionInterval, usualInterval } from "../state/retention";
import { useScope } from "../state/scope";
import { Segmented, Select } from "../ui/form";

const STATES = ["new", "returning", "resurrecting", "dormant"] as const;
type State = (typeof STATES)[number];
const STATE_COLORS: Record<State, string> = {
  new: COLORS[0] as string,
  returning: COLORS[1] as string,
  resurrecting: COLORS[2] as string,
  dormant: OTHER_COLOR,
};

interface LifecycleAsked {
  act: Act;
  interval: RetentionInterval | "";
  count_by: (typeof COUNT_BY)[number];
}
type Question = { interval: RetentionInterval; act: Act; count_by: string };
type Open = (title: string, path: string, more: object) => void;

const lifecycleOf = (asked: Asked): LifecycleAsked => ({
  act: actOf(asked.act),
  interval: oneOf(["", ...RETENTION_INTERVALS], asked.interval, ""),
  count_by: oneOf(COUNT_BY, asked.count_by, "users"),
});

/** Who is new, stays, comes back or has gone; and how often people are active. */
export default function Lifecycle() {
  const { t } = useTexts();
  const scope = useScope();
  const [asked, change] = useAsk(lifecycleOf);
  const [behind, setBehind] = useState<BehindAsked>();
  const interval = asked.interval || usualInterval(scope.span);
  const question: Question = { interval, act: asked.act, count_by: asked.count_by };
  const open: Open = (title, path, more) =>
    setBehind({ title, path, question: { ...rangeOf(scope), ...question, ...more } });
  return (
    <>
      <Controls title={t("nav.lifecycle")} />
      <section className="builder flat" aria-label={t("lifecycle.builder")}>
        <div className="field compact">
          <span className="label">{t("lifecycle.act")}</span>
          <ActEditor label={t("lifecycle.act")} value={asked.act} onChange={(act) => change({ act })} any />
        </div>
        <div className="field compact">
          <span className="label">{t("interval.label")}</span>
          <Segmented
            label={t("interval.label")}
            value={interval}
            options={RETENTION_INTERVALS.map((value) => ({ value, text: t(`interval.${value}`) }))}
            onChange={(value) => change({ interval: value })}
          />
        </div>
        <Select
          label={t("analysis.countBy")}
          value={asked.count_by}
          options={COUNT_BY.map((value) => ({ value, text: t(`analysis.counted.${value}`) }))}
          onChange={(event) => change({ count_by: event.target.value as LifecycleAsked["count_by"] })}
        />
      </section>
      <div className="stack">
        <States question={question} open={open} />
        <div className="grid halves">
          <Days question={question} open={open} />
          <Active question={question} open={open} />
        </div>
      </div>
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}

/** New, returning and resurrecting people upwards, those who left downwards. */
function States({ question, open }: { question: Question; open: Open }) {
  const { t, language } = useTexts();
  const scope = useScope();
  const query = useQuery(analysis<LifecycleAnswer>(useApi(), scope, "/api/v1/query/lifecycle", question));
  const { interval } = question;
  const title = t("lifecycle.states");
  const number = (value: number) => formatNumber(value, language);
  const point = (time: string) => formatPoint(time, interval, language);
  const columns: CountColumn<LifecycleAnswer["points"][number]>[] = STATES.map((state) => ({
    name: t(`lifecycle.state.${state}`),
    value: (one) => one[state],
    open: (one) => {
      const label = `${t(`lifecycle.state.${state}`)}, ${point(one.time)}`;
      return { label, run: () => open(label, "/api/v1/query/lifecycle/people", { time: one.time, state }) };
    },
  }));
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ points }) => points.every((one) => STATES.every((state) => one[state] === 0))}
      figure={{
        sentence: ({ points, incomplete_from }) => {
          const whole = points.filter(({ time }) => incomplete_from === null || time < incomplete_from);
          const last = whole.at(-1) ?? points.at(-1);
          return last
            ? t("lifecycle.said", {
                point: point(last.time),
                fresh: number(last.new),
                returning: number(last.returning),
                resurrecting: number(last.resurrecting),
                dormant: number(last.dormant),
              })
            : "";
        },
        table: ({ points }) => ({
          name: "lifecycle",
          columns: [t("measure.time"), ...STATES.map((state) => t(`lifecycle.state.${state}`))],
          rows: points.map((one) => [point(one.time), ...STATES.map((state) => one[state])]),
        }),
      }}
    >
      {({ points, incomplete_from }) => (
        <>
          <CategoryDrawing
            label={title}
            kind="bar"
            stacked
            openFrom={incomplete_from === null ? undefined : points.filter(({ time }) => time < incomplete_from).length}
            language={language}
            rows={points.map((one) => ({
              ...one,
              name: formatTick(one.time, interval, language),
              title:
                point(one.time) +
                (incomplete_from !== null && one.time >= incomplete_from ? ` · ${t("overview.unfinished")}` : ""),
              dormant: -one.dormant,
            }))}
            series={STATES.map((state) => ({
              key: state,
              name: t(`lifecycle.state.${state}`),
              color: STATE_COLORS[state],
            }))}
            format={number}
            tick={(value) => number(Math.abs(value))}
          />
          <CountTable
            caption={title}
            first={{ name: t("measure.time"), text: (one) => point(one.time) }}
            columns={columns}
            rows={points.toReversed()}
            rowKey={(one) => one.time}
          />
        </>
      )}
    </Panel>
  );
}

const useStickiness = (question: Question) => {
  const scope = useScope();
  return useQuery(analysis<StickinessAnswer>(useApi(), scope, "/api/v1/query/stickiness", question));
};

/** In how many intervals of the range people were active. */
function Days({ question, open }: { question: Question; open: Open }) {
  const { t, language } = useTexts();
  const query = useStickiness(question);
  const title = t(`lifecycle.often.${question.interval}`);
  const number = (value: number) => formatNumber(value, language);
  const label = (count: number) => t(`lifecycle.active.${question.interval}`, { count });
  const pick = (intervals: number) => {
    open(label(intervals), "/api/v1/query/stickiness/people", { intervals });
  };
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ histogram }) => histogram.length === 0}
      figure={{
        sentence: ({ histogram, intervals }) => {
          const people = histogram.reduce((sum, one) => sum + one.people, 0);
          const several = histogram.filter((one) => one.intervals > 1).reduce((sum, one) => sum + one.people, 0);
          return t("lifecycle.oftenSaid", {
            share: formatPercent(several / Math.max(people, 1), language),
            intervals: number(intervals),
          });
        },
        table: ({ histogram }) => ({
          name: "stickiness",
          columns: [title, t("analysis.people")],
          rows: histogram.map((one) => [one.intervals, one.people]),
        }),
      }}
    >
      {({ histogram }) => (
        <>
          <CategoryDrawing
            label={title}
            kind="bar"
            low
            language={language}
            rows={histogram.map((one) => ({
              name: number(one.intervals),
              title: label(one.intervals),
              people: one.people,
              intervals: one.intervals,
            }))}
            series={[{ key: "people", name: t("analysis.people"), color: COLORS[0] as string }]}
            format={number}
            onPick={({ intervals }) => pick(Number(intervals))}
          />
          <CountTable
            caption={title}
            first={{ name: title, text: (one) => label(one.intervals) }}
            rows={histogram}
            rowKey={(one) => String(one.intervals)}
            columns={[
              {
                name: t("analysis.people"),
                value: (one) => one.people,
                open: (one) => ({ label: label(one.intervals), run: () => pick(one.intervals) }),
              },
            ]}
          />
        </>
      )}
    </Panel>
  );
}

/** People active on a day, within a week and a month, day by day. */
function Active({ question, open }: { question: Question; open: Open }) {
  const { t, language } = useTexts();
  const query = useStickiness(question);
  const title = t("lifecycle.dau");
  const spans = ["daily", "weekly", "monthly"] as const;
  const columns: CountColumn<StickinessAnswer["active"][number]>[] = spans.map((span) => ({
    name: t(`lifecycle.span.${span}`),
    value: (one) => one[span],
    open: ({ time }) => {
      const label = `${t(`lifecycle.span.${span}`)}, ${formatPoint(time, "day", language)}`;
      return { label, run: () => open(label, "/api/v1/query/stickiness/people", { time, span }) };
    },
  }));
  const series = ({ active }: StickinessAnswer): SeriesAnswer => ({
    interval: "day",
    incomplete_from: null,
    compare: null,
    series: spans.map((span) => ({
      key: t(`lifecycle.span.${span}`),
      other: false,
      total: active.at(-1)?.[span] ?? 0,
      points: active.map((one): [string, number] => [one.time, one[span]]),
    })),
  });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ active }) => active.every(({ monthly }) => monthly === 0)}
      figure={{
        sentence: ({ active }) => {
          const known = active.filter(({ stickiness }) => stickiness !== null);
          const mean = known.reduce((sum, one) => sum + (one.stickiness ?? 0), 0) / Math.max(known.length, 1);
          return t("lifecycle.dauSaid", { share: formatPercent(mean, language) });
        },
        table: ({ active }) => ({
          name: "active-people",
          columns: [t("measure.time"), ...spans.map((span) => t(`lifecycle.span.${span}`)), t("lifecycle.stickiness")],
          rows: active.map((one) => [
            formatPoint(one.time, "day", language),
            one.daily,
            one.weekly,
            one.monthly,
            one.stickiness,
          ]),
        }),
      }}
    >
      {(answer) => (
        <>
          <SeriesChart answer={series(answer)} label={title} all="" kind="line" />
          <CountTable
            caption={title}
            first={{ name: t("measure.time"), text: ({ time }) => formatPoint(time, "day", language) }}
            columns={columns}
            rows={answer.active.toReversed()}
            rowKey={({ time }) => time}
          />
        </>
      )}
    </Panel>
  );
}
