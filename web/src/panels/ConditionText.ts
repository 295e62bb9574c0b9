import { useQuery } from "@tanstack/react-query";
import type { Act, Condition as Filter } from "../api/analysis";
import { useApi } from "../api/client";
import { type Condition, segmentsOf } from "../api/segments";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { eventsOf } from "../state/asked";
import { figureOf } from "../state/condition";
import { useScope } from "../state/scope";

/** Says a definition in words. */
export function useSentence(): (definition: Condition) => string {
  const { t, language } = useTexts();
  const { project } = useScope();
  const segments = useQuery(segmentsOf(useApi(), project)).data ?? [];
  const number = (value: number) => formatNumber(value, language);
  const filter = ({ property, op, value }: Filter) =>
    `${property} ${t(`filter.ops.${op as "eq"}`, { defaultValue: op })} ${Array.isArray(value) ? value.join(", ") : (value ?? "")}`.trim();
  const act = (one: Act) => {
    const names = eventsOf(one).join(` ${t("analysis.or")} `) || t("analysis.anyEvent");
    const filters = (one.filters ?? []).map(filter).join(", ");
    return filters ? `${names} (${filters})` : names;
  };
  const lately = (days: number | null | undefined) =>
    days ? ` ${t("rules.said.lately", { days: number(days) })}` : "";
  const said = (condition: Condition): string => {
    switch (condition.kind) {
      case "and":
      case "or":
        return condition.of
          .map((one) => (one.kind === "and" || one.kind === "or" ? `(${said(one)})` : said(one)))
          .join(` ${t(`rules.said.${condition.kind}`)} `);
      case "not":
        return t("rules.said.not", { what: said(condition.of) });
      case "did": {
        const { figure, property } = figureOf(condition.measure);
        return (
          t(property ? "rules.said.didSum" : "rules.said.did", {
            act: act(condition.act),
            figure: [t(`rules.figures.${figure}`), property].filter(Boolean).join(" "),
            op: t(`rules.ops.${condition.op as "gte"}`),
            value: number(condition.value) + (condition.op === "top_percent" ? " %" : ""),
          }) + lately(condition.days)
        );
      }
      case "seen":
        return t(`rules.said.${condition.which}_${condition.op}`, {
          act: act(condition.act),
          days: number(condition.days),
        });
      case "sequence":
        return (
          t(condition.happens ? "rules.said.follows" : "rules.said.followsNot", {
            first: act(condition.first),
            second: act(condition.then),
            within: condition.within ?? "∞",
          }) + lately(condition.days)
        );
      case "property":
        return filter(condition);
      case "segment":
        return t("rules.said.segment", {
          name: segments.find(({ id }) => id === condition.id)?.name ?? condition.id,
        });
    }
  };
  return said;
}
