import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { type Preview, previewOf, type Rule } from "../api/alerts";
import { useApi } from "../api/client";
import { drawnPreview } from "../charts/alerts";
import type { Table } from "../charts/table";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { isReady, marksOf, unitOf, wantedRule } from "../state/alerts";
import { millisecondsOf } from "../state/funnel";
import { localNow } from "../state/range";
import { useScope } from "../state/scope";
import { Segmented } from "../ui/form";
import { useAlertWords } from "./AlertWords";
import { Panel } from "./Panel";

const AlertChart = lazy(() => import("../charts/AlertChart"));
const DAYS = ["7", "30"] as const;
const MOST_LISTED = 12;

/** What the rule would have come to in the last days. It is asked for by hand: each window is a question. */
export function AlertPreview({ rule, begun }: { rule: Rule; begun: boolean }) {
  const { t } = useTexts();
  const { project } = useScope();
  const ready = isReady(rule);
  const wanted = previewed(rule);
  const [asked, setAsked] = useState<Rule | undefined>(begun && ready ? wanted : undefined);
  const [days, setDays] = useState<(typeof DAYS)[number]>("7");
  const query = useQuery({
    ...previewOf(useApi(), project, asked ?? wanted, Number(days)),
    enabled: asked !== undefined,
  });
  const figure = usePreviewFigure(asked ?? rule);
  const old = asked !== undefined && JSON.stringify(asked) !== JSON.stringify(wanted);
  return (
    <div className="stack alert-preview">
      <section className="panel padded" aria-label={t("alerts.rules.preview.title")}>
        <h2>{t("alerts.rules.preview.title")}</h2>
        <p className="faint">{t(ready ? "alerts.rules.preview.about" : "alerts.rules.preview.unready")}</p>
        <div className="control-row">
          <Segmented
            label={t("alerts.rules.preview.range")}
            value={days}
            options={DAYS.map((value) => ({ value, text: t(`alerts.rules.preview.days.${value}`) }))}
            onChange={setDays}
          />
          {ready ? (
            <button
              type="button"
              className="button"
              aria-busy={query.isFetching}
              onClick={() => (asked && !old ? void query.refetch() : setAsked(wanted))}
            >
              {t(asked ? "alerts.rules.preview.again" : "alerts.rules.preview.show")}
            </button>
          ) : null}
        </div>
        {old ? <p className="field-note">{t("alerts.rules.preview.old")}</p> : null}
      </section>
      {asked ? (
        <Panel
          title={t("alerts.rules.preview.chart")}
          query={query}
          figure={figure}
          isEmpty={({ points }) => points.length === 0}
          empty={<p className="empty">{t("alerts.rules.preview.nothing")}</p>}
        >
          {(answer) => <Drawn answer={answer} rule={asked} />}
        </Panel>
      ) : null}
    </div>
  );
}

/** The rule without what a look at the past does not depend on. */
function previewed(rule: Rule): Rule {
  return {
    ...wantedRule(rule),
    name: "–",
    policy: null,
    severity: "info",
    notify: { emails: [], webhooks: [], language: "en" },
  };
}

function useWall(): (moment: string) => string {
  const { timezone } = useScope();
  return (moment) => {
    const { date, time } = localNow(timezone, new Date(moment));
    return `${date}T${time}`;
  };
}

function usePreviewFigure(rule: Rule) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const words = useAlertWords();
  const moment = (at: string) => formatMoment(at, timezone, language, true);
  const grouped = Boolean(rule.query.group_by);
  const unit = unitOf(rule.condition);

  const table = ({ points }: Preview): Table => ({
    name: "alert-preview",
    columns: [
      t("alerts.rules.preview.end"),
      ...(grouped ? [t("alerts.rules.group")] : []),
      t("alerts.incidents.value"),
      t("alerts.incidents.state"),
    ],
    rows: points.map(({ at, group, value, state }) => [
      moment(at),
      ...(grouped ? [group] : []),
      unit === "percent" && value !== null ? value / 100 : value,
      t(`alerts.rules.states.${state}`),
    ]),
    ...(unit !== "number" && { shares: [grouped ? 2 : 1] }),
  });

  const sentence = ({ points, incidents, range }: Preview): string => {
    const held = points.filter(({ holds }) => holds).length;
    const [first, second] = [...new Set(points.map(({ at }) => Date.parse(at)))];
    const apart = first !== undefined && second !== undefined && second - first > millisecondsOf(rule.window);
    return [
      `${words.condition(rule)}.`,
      t("alerts.rules.preview.said", {
        from: moment(range.from ?? points[0]?.at ?? ""),
        to: moment(range.to ?? points.at(-1)?.at ?? ""),
        windows: formatNumber(points.length, language),
        held: formatNumber(held, language),
      }),
      incidents.length ? t("alerts.rules.preview.fired", { count: incidents.length }) : t("alerts.rules.preview.never"),
      apart ? t("alerts.rules.preview.apart") : "",
    ]
      .filter(Boolean)
      .join(" ")
      .replaceAll("..", ".");
  };

  return { sentence, table };
}

function Drawn({ answer, rule }: { answer: Preview; rule: Rule }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const words = useAlertWords();
  const drawing = drawnPreview(answer, useWall(), t("alerts.incidents.value"));
  const marks = marksOf(rule.condition);
  const moment = (at: string) => formatMoment(at, timezone, language, true);
  const shown = (value: number) => words.number(value, rule.condition);
  const { incidents } = answer;
  return (
    <>
      <div className="chart low">
        <Suspense fallback={<div className="skeleton" />}>
          <AlertChart
            label={t("alerts.rules.preview.chart")}
            {...drawing}
            marks={marks}
            ticks="day"
            language={language}
            shown={shown}
          />
        </Suspense>
      </div>
      <ul className="legend">
        {drawing.series.map(({ key, name, color }) => (
          <li key={key}>
            <i className="swatch" style={{ background: color }} />
            <bdi>{name}</bdi>
          </li>
        ))}
        {marks.fires.map((mark) => (
          <li key={`fires${mark}`}>
            <i className="swatch-line" />
            {t("alerts.rules.preview.mark")} <b>{shown(mark)}</b>
          </li>
        ))}
        {marks.over.map((mark) => (
          <li key={`over${mark}`}>
            <i className="swatch-line over" />
            {t("alerts.rules.recover")} <b>{shown(mark)}</b>
          </li>
        ))}
        {incidents.length ? (
          <li>
            <i className="swatch fired" />
            {t("alerts.rules.preview.shade")}
          </li>
        ) : null}
      </ul>
      {incidents.length ? (
        <>
          <h3>{t("alerts.rules.preview.list")}</h3>
          <ul className="alert-fired">
            {incidents.slice(0, MOST_LISTED).map(({ from, to, group }) => (
              <li key={`${group}${from}`}>
                {group ? <bdi>{group}: </bdi> : null}
                {to
                  ? t("alerts.rules.preview.span", { from: moment(from), to: moment(to) })
                  : t("alerts.rules.preview.still", { from: moment(from) })}
              </li>
            ))}
          </ul>
          {incidents.length > MOST_LISTED ? (
            <p className="faint">{t("alerts.rules.preview.more", { count: incidents.length - MOST_LISTED })}</p>
          ) : null}
        </>
      ) : null}
    </>
  );
}
