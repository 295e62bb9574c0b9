import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { analysis, type RetentionAnswer, rangeOf } from "../api/analysis";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { Controls } from "../panels/Controls";
import { ActEditor, FieldPicker, Typed } from "../panels/Editors";
import { type BehindAsked, PeopleBehind } from "../panels/PeopleBehind";
import { useProfileFields } from "../panels/ProfileFields";
import { Curve, Groups, HeatTable, offsetNames, ofGroup, type RetentionShape } from "../panels/RetentionPanels";
import { Toggle } from "../panels/Toggle";
import { useAsk } from "../state/ask";
import { COUNT_BY } from "../state/funnel";
import {
  asRetention,
  bracketsOf,
  byEvent,
  COHORTS,
  isAsked,
  MEASURES,
  MODES,
  RETENTION_INTERVALS,
  type RetentionAsked,
  retentionOf,
  usualInterval,
} from "../state/retention";
import { useScope } from "../state/scope";
import { Segmented, Select } from "../ui/form";

/** Who of each cohort comes back, and when; or what they spend. */
export default function Retention() {
  const { t } = useTexts();
  const scope = useScope();
  const [asked, change] = useAsk(retentionOf);
  const [behind, setBehind] = useState<BehindAsked>();
  const [group, setGroup] = useState<{ key: string | null }>();
  const question = asRetention(asked, scope.span);
  const query = useQuery({
    ...analysis<RetentionAnswer>(useApi(), scope, "/api/v1/query/retention", question),
    enabled: isAsked(asked),
  });
  const chosen = query.data?.breakdown?.groups.find(({ key }) => group && key === group.key);
  const shown = chosen ? ofGroup(query, chosen) : query;
  const brackets = question.mode === "bracket" ? bracketsOf(asked.brackets) : [];
  const shape: RetentionShape = {
    interval: question.interval,
    money: asked.measure === "sum" ? asked.property : "",
    share: (asked.measure === "sum" ? asked.worth : asked.shown) === "share",
    byThen: question.cumulative === true && asked.measure === "users",
    offsetName: offsetNames(t, question.interval, brackets),
    open: (title, cohort, offset, everybody) =>
      setBehind({
        title,
        path: "/api/v1/query/retention/people",
        question: {
          ...rangeOf(scope),
          ...question,
          ...(everybody && { measure: "users", cumulative: false }),
          ...(chosen && { group: [chosen.key] }),
          cohort,
          offset,
        },
      }),
  };
  const options = shape.money
    ? [
        { value: "count" as const, text: t("retention.perPerson") },
        { value: "share" as const, text: t("retention.ofFirst") },
      ]
    : [
        { value: "share" as const, text: "%" },
        { value: "count" as const, text: t("analysis.people") },
      ];
  return (
    <>
      <Controls title={t("nav.retention")} />
      <div className="built">
        <Builder asked={asked} change={change} />
        <div className="stack">
          {isAsked(asked) ? (
            <>
              {asked.breakdown ? (
                <Groups query={query} shape={shape} by={asked.breakdown} chosen={chosen} choose={setGroup} />
              ) : null}
              <HeatTable
                query={shown}
                shape={shape}
                title={chosen ? t("retention.group", { group: chosen.key ?? t("overview.none") }) : undefined}
                actions={
                  <Segmented
                    label={t("retention.shown")}
                    value={shape.money ? asked.worth : asked.shown}
                    options={options}
                    onChange={(value) => change(shape.money ? { worth: value } : { shown: value })}
                  />
                }
              />
              <Curve query={shown} shape={shape} />
            </>
          ) : (
            <section className="panel short" aria-label={t("nav.retention")}>
              <p className="empty">{t("retention.chooseDate")}</p>
            </section>
          )}
        </div>
      </div>
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}

function Builder({ asked, change }: { asked: RetentionAsked; change: (part: Partial<RetentionAsked>) => void }) {
  const { t } = useTexts();
  const { span } = useScope();
  const profile = useProfileFields();
  const chosen = (name: keyof RetentionAsked) => (event: { target: { value: string } }) =>
    change({ [name]: event.target.value } as Partial<RetentionAsked>);
  return (
    <section className="builder" aria-label={t("retention.builder")}>
      <div className="builder-part">
        <Select
          label={t("retention.cohorts")}
          value={asked.cohorts}
          options={COHORTS.map((value) => ({ value, text: t(`retention.cohort.${value}`) }))}
          onChange={chosen("cohorts")}
        />
        {asked.cohorts === "profile" ? (
          <Typed
            label={t("retention.date")}
            value={asked.date}
            known={profile.known}
            placeholder="profile.…"
            onChange={(date) => change({ date: !date || date.startsWith("profile.") ? date : `profile.${date}` })}
            visible
          />
        ) : null}
        {byEvent(asked) ? (
          <div className="field compact">
            <span className="label">{t("retention.start")}</span>
            <ActEditor label={t("retention.start")} value={asked.start} onChange={(start) => change({ start })} any />
          </div>
        ) : null}
        <div className="field compact">
          <span className="label">{t("retention.returning")}</span>
          <ActEditor
            label={t("retention.returning")}
            value={asked.returning}
            onChange={(returning) => change({ returning })}
            any
          />
        </div>
        <Select
          label={t("interval.label")}
          value={asked.interval || usualInterval(span)}
          options={RETENTION_INTERVALS.map((value) => ({ value, text: t(`interval.${value}`) }))}
          onChange={chosen("interval")}
        />
        <Select
          label={t("retention.measure")}
          value={asked.measure}
          options={MEASURES.map((value) => ({ value, text: t(`retention.measures.${value}`) }))}
          onChange={chosen("measure")}
        />
        {asked.measure === "sum" ? (
          <>
            <Typed
              label={t("retention.property")}
              value={asked.property}
              onChange={(property) => change({ property: property || "revenue" })}
              visible
            />
            <Toggle
              label={t("retention.cumulative")}
              value={asked.cumulative}
              onChange={(cumulative) => change({ cumulative })}
            />
          </>
        ) : (
          <Toggle label={t("retention.cumulative")} value={asked.by_then} onChange={(by_then) => change({ by_then })} />
        )}
        <FieldPicker
          label={t("retention.breakdown")}
          none={t("retention.noBreakdown")}
          value={asked.breakdown}
          onChange={(breakdown) => change({ breakdown })}
        />
      </div>
      <details className="builder-part" open={isUnusual(asked) || undefined}>
        <summary>{t("analysis.more")}</summary>
        {asked.measure === "users" && !asked.by_then ? (
          <Select
            label={t("retention.mode")}
            value={asked.mode}
            options={MODES.map((value) => ({ value, text: t(`retention.modes.${value}`) }))}
            onChange={chosen("mode")}
          />
        ) : null}
        {asked.mode === "bracket" && asked.measure === "users" && !asked.by_then ? (
          <Typed
            label={t("retention.brackets")}
            value={asked.brackets}
            onChange={(brackets) => change({ brackets: bracketsOf(brackets).length ? brackets : "1-3, 4-7, 8-14" })}
            visible
          />
        ) : (
          <Typed
            label={t("retention.periods")}
            type="number"
            min={1}
            max={400}
            value={String(asked.periods)}
            onChange={(periods) => change({ periods: Math.min(Math.max(Math.round(Number(periods)) || 8, 1), 400) })}
            visible
          />
        )}
        {asked.cohorts === "every" ? null : (
          <Toggle label={t("retention.rolling")} value={asked.rolling} onChange={(rolling) => change({ rolling })} />
        )}
        {asked.cohorts === "profile" ? null : (
          <Select
            label={t("analysis.countBy")}
            value={asked.count_by}
            options={COUNT_BY.map((value) => ({ value, text: t(`analysis.counted.${value}`) }))}
            onChange={chosen("count_by")}
          />
        )}
      </details>
    </section>
  );
}

const isUnusual = ({ mode, rolling, count_by, periods }: RetentionAsked) =>
  mode !== "exact" || rolling || count_by !== "users" || periods !== 8;
