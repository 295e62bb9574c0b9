import type { Counted, PlainCondition, Rule, RuleCondition } from "../api/alerts";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";
import { SIGNS, unitOf } from "../state/alerts";
import { eventsOf } from "../state/asked";
import { measureOf, needsProperty } from "../state/explore";
import { lengthOf } from "../state/policy";

/** Says rules, their lengths of time and their numbers in words. */
export function useAlertWords() {
  const { t, language } = useTexts();
  const length = (text: string) => lengthOf(text, (unit) => t(`alerts.policies.units.${unit}`));

  /** A number of the rule: a share, a change in percent, or as it is. */
  const number = (value: number | null, condition: RuleCondition): string => {
    if (value === null) return "–";
    const unit = unitOf(condition);
    if (unit === "number") return formatNumber(value, language);
    return formatPercent(unit === "share" ? value : value / 100, language, unit === "percent");
  };

  const counted = ({ events, filters, measure }: Counted): string => {
    const { kind, property } = measureOf(measure);
    const named = t(`explore.measures.${kind}` as "explore.measures.count");
    const what = needsProperty(kind) ? `${named} ${property}` : named;
    const names = events.slice(0, 5).join(", ") + (events.length > 5 ? "…" : "");
    const all = kind === "count" ? names || t("alerts.rules.said.anything") : names ? `${what}: ${names}` : what;
    return filters.length ? `${all} (${t("alerts.rules.said.filtered", { count: filters.length })})` : all;
  };

  const plain = (one: PlainCondition, query: Counted, window: string): string => {
    const what = counted(query);
    const mark = "value" in one ? number(one.value, one) : "";
    const op = "op" in one ? SIGNS[one.op] : "";
    switch (one.type) {
      case "threshold":
      case "rate":
        return t(`alerts.rules.said.${one.type}`, { what, window, op, mark });
      case "absence":
        return t("alerts.rules.said.absence", { what, window });
      case "change":
        return t(`alerts.rules.said.change_${one.direction}`, {
          what,
          window,
          mark: formatPercent(one.value / 100, language),
          against: t(`alerts.rules.said.against.${one.against}`),
        });
      case "ratio":
        return t("alerts.rules.said.ratio", { what, of: counted(one.of), window, op, mark });
      case "funnel":
        return t("alerts.rules.said.funnel", {
          steps: one.steps.map((step) => eventsOf(step).join(", ") || t("alerts.rules.said.anything")).join(" → "),
          within: length(one.within),
          window,
          op,
          mark,
        });
      case "anomaly":
        return t(`alerts.rules.said.anomaly_${one.direction}`, { what, window });
    }
  };

  /** The condition in one line: what is counted over which window, and when that is reason to tell somebody. */
  const condition = ({ query, window, condition: all }: Rule): string => {
    const over = length(window);
    const said =
      all.type === "composite"
        ? all.conditions
            .map((part) => plain(part.condition, part.query ?? query, over))
            .join(` ${t(`alerts.rules.said.${all.match}`)} `)
        : plain(all, query, over);
    return query.group_by ? t("alerts.rules.said.each", { said, field: query.group_by }) : said;
  };

  return { length, number, counted, condition };
}
