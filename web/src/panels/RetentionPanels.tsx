import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { RetentionAnswer } from "../api/analysis";
import { COLORS } from "../charts/rows";
import { useTexts } from "../i18n";
import { formatCompact, formatNumber, formatPercent, formatTick } from "../i18n/format";
import { Scroll } from "../ui/Scroll";
import { CategoryDrawing } from "./CategoryDrawing";
import { Panel } from "./Panel";

type Cohort = RetentionAnswer["cohorts"][number];
type Asked = { query: UseQueryResult<RetentionAnswer>; shape: RetentionShape };

/** How an answer is meant: its intervals, and whether values are shares, people, or sums of a property. */
export interface RetentionShape {
  interval: string;
  money: string;
  share: boolean;
  offsetName: (offset: number) => string;
  open: (title: string, cohort: string, offset: number) => void;
}

const widest = ({ cohorts }: RetentionAnswer) => Math.max(...cohorts.map(({ values }) => values.length), 0);
const isOpen = (cohort: Cohort, offset: number) => cohort.incomplete_from !== null && offset >= cohort.incomplete_from;
/** Of a cohort's size; of sums what it is per person. */
const perPerson = (cohort: Cohort, offset: number) => (cohort.values[offset] ?? 0) / Math.max(cohort.size, 1);

function useValue({ money, share }: RetentionShape) {
  const { language } = useTexts();
  return (value: number, of: number) =>
    money
      ? formatNumber(value / Math.max(of, 1), language, { maximumFractionDigits: 2 })
      : share
        ? formatPercent(value / Math.max(of, 1), language)
        : formatNumber(value, language);
}

/** Cohorts below each other, what became of them from left to right; the more the darker. */
export function HeatTable({ query, shape, actions }: Asked & { actions: ReactNode }) {
  const { t, language } = useTexts();
  const said = useValue(shape);
  const title = shape.money ? t("retention.value", { property: shape.money }) : t("retention.table");
  const date = (cohort: Cohort) => formatTick(cohort.date, shape.interval, language);
  const offsets = (answer: RetentionAnswer) => Array.from({ length: widest(answer) }, (_, offset) => offset);
  const strongest = (answer: RetentionAnswer) =>
    Math.max(
      ...answer.cohorts.flatMap((one) =>
        one.values.map((_, offset) => (offset || shape.money ? perPerson(one, offset) : 0)),
      ),
      0.0001,
    );
  const behindLabel = (cohort: Cohort, offset: number) =>
    t("retention.behind", { cohort: date(cohort), offset: shape.offsetName(offset) });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ cohorts }) => cohorts.length === 0}
      actions={actions}
      figure={{
        own: true,
        sentence: (answer) => {
          const people = answer.cohorts.reduce((sum, { size }) => sum + size, 0);
          const next = answer.mean[1];
          return [
            t("retention.said", {
              count: people,
              shown: formatNumber(people, language),
              cohorts: formatNumber(answer.cohorts.length, language),
            }),
            next === null || next === undefined
              ? ""
              : t(shape.money ? "retention.saidValue" : "retention.saidNext", {
                  offset: shape.offsetName(1),
                  share: shape.money ? formatNumber(next, language) : formatPercent(next, language),
                }),
          ]
            .filter(Boolean)
            .join(" ");
        },
        table: (answer) => ({
          name: shape.money ? "cohort-value" : "retention",
          columns: [t("retention.column"), t("retention.size"), ...offsets(answer).map(shape.offsetName)],
          rows: answer.cohorts.map((one) => [
            one.date.slice(0, 10),
            one.size,
            ...offsets(answer).map((offset) => one.values[offset] ?? null),
          ]),
        }),
      }}
    >
      {(answer) => (
        <Scroll className="table-scroll heat-scroll" label={title}>
          <table className="heat">
            <thead>
              <tr>
                <th scope="col">{t("retention.column")}</th>
                <th scope="col" className="number">
                  {t("retention.size")}
                </th>
                {offsets(answer).map((offset) => (
                  <th key={offset} scope="col">
                    {shape.offsetName(offset)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {answer.cohorts.map((cohort) => (
                <tr key={cohort.date}>
                  <th scope="row">{date(cohort)}</th>
                  <td className="number">{formatNumber(cohort.size, language)}</td>
                  {offsets(answer).map((offset) => {
                    const value = cohort.values[offset];
                    if (value === undefined) return <td key={offset} className="none" />;
                    const strength = Math.min(perPerson(cohort, offset) / strongest(answer), 1);
                    const text = said(value, cohort.size);
                    return (
                      <td
                        key={offset}
                        className={isOpen(cohort, offset) ? "cell open" : "cell"}
                        style={{ "--strength": `${Math.round(strength * 100)}%` } as object}
                      >
                        {shape.money || !value ? (
                          text
                        ) : (
                          <button
                            type="button"
                            aria-label={`${text}: ${behindLabel(cohort, offset)}`}
                            title={isOpen(cohort, offset) ? t("overview.unfinished") : undefined}
                            onClick={() => shape.open(behindLabel(cohort, offset), cohort.date, offset)}
                          >
                            {text}
                          </button>
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">{t("retention.mean")}</th>
                <td />
                {offsets(answer).map((offset) => {
                  const value = answer.mean[offset];
                  return (
                    <td key={offset}>
                      {value === null || value === undefined
                        ? "–"
                        : shape.money
                          ? formatNumber(value, language)
                          : formatPercent(value, language)}
                    </td>
                  );
                })}
              </tr>
            </tfoot>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

const MOST_CURVES = 6;

/** The mean of all cohorts, and the newest ones beside it: retention, or what a customer is worth. */
export function Curve({ query, shape }: Asked) {
  const { t, language } = useTexts();
  const title = shape.money ? t("retention.ltv", { property: shape.money }) : t("retention.curve");
  const format = (value: number) => (shape.money ? formatNumber(value, language) : formatPercent(value, language));
  const first = shape.money ? 0 : 1;
  const shown = ({ cohorts }: RetentionAnswer) =>
    cohorts.filter((one) => (one.incomplete_from ?? one.values.length) > first).slice(-MOST_CURVES);
  const name = (cohort: Cohort) => formatTick(cohort.date, shape.interval, language);
  const rows = (answer: RetentionAnswer) =>
    answer.mean.slice(first).map((mean, place) => {
      const offset = place + first;
      const values = shown(answer).map((one, index): [string, number | null] => [
        `c${index}`,
        offset < one.values.length && !isOpen(one, offset) ? perPerson(one, offset) : null,
      ]);
      return {
        name: shape.offsetName(offset),
        offset,
        mean,
        ...(Object.fromEntries(values) as Record<string, number | null>),
      };
    });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ mean }) => mean.slice(first).every((one) => one === null)}
      empty={
        <div className="empty">
          <p>{t("retention.tooShort")}</p>
        </div>
      }
      figure={{
        sentence: (answer) => {
          const last = answer.mean.findLastIndex((one) => one !== null);
          return t(shape.money ? "retention.ltvSaid" : "retention.curveSaid", {
            share: format(answer.mean[last] ?? 0),
            offset: shape.offsetName(last),
          });
        },
        table: (answer) => ({
          name: shape.money ? "lifetime-value" : "retention-curve",
          columns: [t("retention.after"), t("retention.mean"), ...shown(answer).map(name)],
          rows: rows(answer).map((row) => [
            row.name,
            row.mean,
            ...shown(answer).map((one) => (row.offset < one.values.length ? perPerson(one, row.offset) : null)),
          ]),
        }),
      }}
    >
      {(answer) => (
        <CategoryDrawing
          label={title}
          kind="line"
          low
          language={language}
          rows={rows(answer)}
          series={[
            { key: "mean", name: t("retention.mean"), color: COLORS[0] as string, strong: true },
            ...shown(answer).map((one, index) => ({
              key: `c${index}`,
              name: name(one),
              color: COLORS[(index + 1) % COLORS.length] as string,
            })),
          ]}
          format={format}
          tick={shape.money ? (value) => formatCompact(value, language) : format}
        />
      )}
    </Panel>
  );
}
