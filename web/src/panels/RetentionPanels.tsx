import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { RetentionAnswer } from "../api/analysis";
import { COLORS } from "../charts/rows";
import { useTexts } from "../i18n";
import { formatCompact, formatNumber, formatPercent, formatTick } from "../i18n/format";
import { oneOf } from "../state/asked";
import { RETENTION_INTERVALS } from "../state/retention";
import { Scroll } from "../ui/Scroll";
import { CategoryDrawing } from "./CategoryDrawing";
import { Count } from "./Count";
import { Panel } from "./Panel";

type Cohort = RetentionAnswer["cohorts"][number];
type Group = NonNullable<RetentionAnswer["breakdown"]>["groups"][number];
type Asked = { query: UseQueryResult<RetentionAnswer>; shape: RetentionShape };

/** How an answer is meant: its intervals, and whether values are shares, people, or sums of a property. */
export interface RetentionShape {
  interval: string;
  money: string;
  share: boolean;
  byThen: boolean;
  offsetName: (offset: number) => string;
  /** Absent where nobody may look at people. */
  open?: (title: string, cohort: string, offset: number, everybody: boolean) => void;
}

/** What the intervals after a cohort's are called; brackets by their ends. */
export function offsetNames(t: ReturnType<typeof useTexts>["t"], interval: string, brackets: [number, number][]) {
  const unit = oneOf(RETENTION_INTERVALS, interval, "week");
  return (offset: number) =>
    offset === 0
      ? t(`retention.offsetFirst.${unit}`)
      : brackets.length
        ? (brackets[offset - 1] ?? []).join("–")
        : t(`retention.offset.${unit}`, { number: offset });
}

/** The same query as if only one group had been asked for. */
export function ofGroup(query: UseQueryResult<RetentionAnswer>, group: Group): UseQueryResult<RetentionAnswer> {
  const data = query.data && { ...query.data, ...group };
  return { ...query, data } as UseQueryResult<RetentionAnswer>;
}

const widest = ({ cohorts }: Pick<RetentionAnswer, "cohorts">) =>
  Math.max(...cohorts.map(({ values }) => values.length), 0);
const isOpen = (cohort: Cohort, offset: number) => cohort.incomplete_from !== null && offset >= cohort.incomplete_from;
/** Of a cohort's size; of sums what it is per person. */
const perPerson = (cohort: Cohort, offset: number) => (cohort.values[offset] ?? 0) / Math.max(cohort.size, 1);

/** What a cohort's number is drawn by, and how a mean is: per person, or of what the first interval had. */
function useFigures({ money, share }: RetentionShape) {
  const { language } = useTexts();
  const ofFirst = money !== "" && share;
  const amount = (value: number) => formatNumber(value, language, { maximumFractionDigits: 2 });
  const format = (value: number) => (money && !share ? amount(value) : formatPercent(value, language));
  const figure = (cohort: Cohort, offset: number): number | null =>
    ofFirst ? (cohort.shares[offset] ?? null) : perPerson(cohort, offset);
  const text = (cohort: Cohort, offset: number): string => {
    if (!money && !share) return formatNumber(cohort.values[offset] ?? 0, language);
    const value = figure(cohort, offset);
    return value === null ? "–" : format(value);
  };
  const mean = (answer: Pick<RetentionAnswer, "mean" | "mean_shares">) => (ofFirst ? answer.mean_shares : answer.mean);
  return { figure, format, text, mean, ofFirst };
}

/** Cohorts below each other, what became of them from left to right; the more the darker. */
export function HeatTable(props: Asked & { title?: string; actions?: ReactNode; empty?: ReactNode; file?: string }) {
  const { query, shape, actions, empty, file } = props;
  const { t, language } = useTexts();
  const { figure, format, text, mean, ofFirst } = useFigures(shape);
  const usual = shape.money
    ? t(ofFirst ? "retention.valueShare" : "retention.value", { property: shape.money })
    : t(shape.byThen ? "retention.tableBy" : "retention.table");
  const title = props.title ?? usual;
  const date = (cohort: Cohort) => formatTick(cohort.date, shape.interval, language);
  const offsets = (answer: RetentionAnswer) => Array.from({ length: widest(answer) }, (_, offset) => offset);
  const strongest = (answer: RetentionAnswer) =>
    Math.max(
      ...answer.cohorts.flatMap((one) =>
        one.values.map((_, offset) => (offset || (shape.money && !ofFirst) ? (figure(one, offset) ?? 0) : 0)),
      ),
      0.0001,
    );
  const behindLabel = (cohort: Cohort, offset: number) =>
    t("retention.behind", { cohort: date(cohort), offset: shape.offsetName(offset) });
  const everybody = (cohort: Cohort) => t("retention.everybody", { cohort: date(cohort) });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ cohorts }) => cohorts.length === 0}
      empty={empty}
      actions={actions}
      figure={{
        own: true,
        sentence: (answer) => {
          const people = answer.cohorts.reduce((sum, { size }) => sum + size, 0);
          const next = mean(answer)[1];
          const said = ofFirst ? "retention.saidShare" : shape.money ? "retention.saidValue" : "retention.saidNext";
          return [
            t("retention.said", {
              count: people,
              shown: formatNumber(people, language),
              cohorts: formatNumber(answer.cohorts.length, language),
            }),
            next === null || next === undefined
              ? ""
              : t(said, {
                  offset: shape.offsetName(1),
                  share: shape.money ? format(next) : formatPercent(next, language),
                }),
          ]
            .filter(Boolean)
            .join(" ");
        },
        table: (answer) => ({
          name: file ?? (shape.money ? "cohort-value" : "retention"),
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
                  <td className="number">
                    <Count
                      value={cohort.size}
                      label={everybody(cohort)}
                      onOpen={shape.open && (() => shape.open?.(everybody(cohort), cohort.date, 0, true))}
                    />
                  </td>
                  {offsets(answer).map((offset) => {
                    const value = cohort.values[offset];
                    if (value === undefined) return <td key={offset} className="none" />;
                    const strength = Math.min((figure(cohort, offset) ?? 0) / strongest(answer), 1);
                    const shown = text(cohort, offset);
                    return (
                      <td
                        key={offset}
                        className={isOpen(cohort, offset) ? "cell open" : "cell"}
                        style={{ "--strength": `${Math.round(strength * 100)}%` } as object}
                      >
                        {!shape.open || !value ? (
                          shown
                        ) : (
                          <button
                            type="button"
                            aria-label={`${shown}: ${behindLabel(cohort, offset)}`}
                            title={isOpen(cohort, offset) ? t("overview.unfinished") : undefined}
                            onClick={() => shape.open?.(behindLabel(cohort, offset), cohort.date, offset, false)}
                          >
                            {shown}
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
                  const value = mean(answer)[offset];
                  return <td key={offset}>{value === null || value === undefined ? "–" : format(value)}</td>;
                })}
              </tr>
            </tfoot>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

/** What all cohorts of each of the largest groups come to; a group's name shows its own cohorts. */
export function Groups(
  props: Asked & { by: string; chosen: Group | undefined; choose: (group: { key: string | null } | undefined) => void },
) {
  const { query, shape, by, chosen, choose } = props;
  const { t, language } = useTexts();
  const { format, mean, ofFirst } = useFigures(shape);
  const title = t("retention.groups", { field: by });
  const name = (group: Group) => group.key ?? t("overview.none");
  const groupsOf = (answer: RetentionAnswer) => answer.breakdown?.groups ?? [];
  const offsets = (answer: RetentionAnswer) => {
    const length = Math.max(...groupsOf(answer).map(widest), 0);
    return Array.from({ length }, (_, offset) => offset);
  };
  const strongest = (answer: RetentionAnswer) =>
    Math.max(
      ...groupsOf(answer).flatMap((one) =>
        mean(one).map((value, at) => (at || (shape.money && !ofFirst) ? (value ?? 0) : 0)),
      ),
      0.0001,
    );
  const said = (value: number | null | undefined) => (value === null || value === undefined ? "–" : format(value));
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => groupsOf(answer).length === 0}
      actions={
        chosen ? (
          <button type="button" className="link" onClick={() => choose(undefined)}>
            {t("retention.allGroups")}
          </button>
        ) : null
      }
      figure={{
        own: true,
        sentence: (answer) => {
          const known = groupsOf(answer).filter((one) => typeof mean(one)[1] === "number");
          const best = known.toSorted((one, other) => (mean(other)[1] ?? 0) - (mean(one)[1] ?? 0))[0];
          return best
            ? t("retention.groupsSaid", { group: name(best), offset: shape.offsetName(1), share: said(mean(best)[1]) })
            : title;
        },
        table: (answer) => ({
          name: "retention-groups",
          columns: [by, t("retention.size"), ...offsets(answer).map(shape.offsetName)],
          rows: groupsOf(answer).map((one) => [
            name(one),
            one.people,
            ...offsets(answer).map((offset) => mean(one)[offset] ?? null),
          ]),
        }),
      }}
    >
      {(answer) => (
        <Scroll className="table-scroll heat-scroll" label={title}>
          <table className="heat">
            <thead>
              <tr>
                <th scope="col">{by}</th>
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
              {groupsOf(answer).map((one) => (
                <tr key={String(one.key)}>
                  <th scope="row">
                    <button
                      type="button"
                      className="link"
                      aria-pressed={chosen?.key === one.key}
                      onClick={() => choose({ key: one.key })}
                    >
                      <bdi>{name(one)}</bdi>
                    </button>
                  </th>
                  <td className="number">{formatNumber(one.people, language)}</td>
                  {offsets(answer).map((offset) => {
                    const value = mean(one)[offset];
                    const strength = Math.min((value ?? 0) / strongest(answer), 1);
                    return (
                      <td
                        key={offset}
                        className="cell"
                        style={{ "--strength": `${Math.round(strength * 100)}%` } as object}
                      >
                        {said(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
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
  const { figure, format: said, mean: meanOf, ofFirst } = useFigures(shape);
  const worth = shape.money !== "" && !ofFirst;
  const title = worth ? t("retention.ltv", { property: shape.money }) : t("retention.curve");
  const format = (value: number) => (shape.money ? said(value) : formatPercent(value, language));
  const first = worth ? 0 : 1;
  const shown = ({ cohorts }: RetentionAnswer) =>
    cohorts.filter((one) => (one.incomplete_from ?? one.values.length) > first).slice(-MOST_CURVES);
  const name = (cohort: Cohort) => formatTick(cohort.date, shape.interval, language);
  const rows = (answer: RetentionAnswer) =>
    meanOf(answer)
      .slice(first)
      .map((mean, place) => {
        const offset = place + first;
        const values = shown(answer).map((one, index): [string, number | null] => [
          `c${index}`,
          offset < one.values.length && !isOpen(one, offset) ? figure(one, offset) : null,
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
      isEmpty={(answer) =>
        meanOf(answer)
          .slice(first)
          .every((one) => one === null)
      }
      empty={
        <div className="empty">
          <p>{t("retention.tooShort")}</p>
        </div>
      }
      figure={{
        sentence: (answer) => {
          const last = meanOf(answer).findLastIndex((one) => one !== null);
          const words = ofFirst ? "retention.saidShare" : shape.money ? "retention.ltvSaid" : "retention.curveSaid";
          return t(words, {
            share: format(meanOf(answer)[last] ?? 0),
            offset: shape.offsetName(last),
          });
        },
        table: (answer) => ({
          name: shape.money ? "lifetime-value" : "retention-curve",
          columns: [t("retention.after"), t("retention.mean"), ...shown(answer).map(name)],
          rows: rows(answer).map((row) => [
            row.name,
            row.mean,
            ...shown(answer).map((one) => (row.offset < one.values.length ? figure(one, row.offset) : null)),
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
          tick={worth ? (value) => formatCompact(value, language) : format}
        />
      )}
    </Panel>
  );
}
