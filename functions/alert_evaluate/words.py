"""A rule in one line, for mails and messages, in English and Russian."""

from typing import assert_never

from functions.alert_evaluate.conditions import (
    Absence,
    Anomaly,
    Change,
    Composite,
    Condition,
    Funnel,
    Op,
    Rate,
    Ratio,
    RuleQuery,
    Threshold,
)
from shared.notifications import Language

_MOST_NAMES = 5
_SIGNS: dict[Op, str] = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "=", "ne": "≠"}
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "of": "of",
        "where": "by",
        "over": "over",
        "up": "up by",
        "down": "down by",
        "either": "changed by",
        "previous": "against the window before",
        "day": "against a day earlier",
        "week": "against a week earlier",
        "grows": "grows by",
        "share": "as a share of",
        "anomaly": "is unlike the weeks before",
        "seasonal": "is unlike its trend, day and week",
        "conversion": "conversion",
        "within": "within",
        "each": "for each",
        "all": " and ",
        "any": " or ",
    },
    "ru": {
        "of": "по",
        "where": "где",
        "over": "за",
        "up": "рост от",
        "down": "падение от",
        "either": "изменение от",
        "previous": "к предыдущему окну",
        "day": "к тому же времени вчера",
        "week": "к тому же времени неделю назад",
        "grows": "прирост",
        "share": "как доля от",
        "anomaly": "не похоже на прошлые недели",
        "seasonal": "не похоже на обычный ход дня и недели",
        "conversion": "конверсия",
        "within": "не дольше чем за",
        "each": "для каждого значения",
        "all": " и ",
        "any": " или ",
    },
}


def described(
    condition: Condition, query: RuleQuery, window: str, language: Language, group_by: str | None = None
) -> str:
    """`count of signup over 5m < 10`, and likewise for the other kinds; of groups it says by what."""
    words = _WORDS[language]
    each = f", {words['each']} {group_by}" if group_by else ""
    if isinstance(condition, Composite):
        parts = [described(part.condition, part.query or query, window, language) for part in condition.conditions]
        return words[condition.match].join(parts) + each
    if isinstance(condition, Funnel):
        return _funnel(condition, query, window, words) + each
    return f"{_what(query, words)} {words['over']} {window} {_condition(condition, words)}{each}"


def _funnel(condition: Funnel, query: RuleQuery, window: str, words: dict[str, str]) -> str:
    steps = " → ".join(step.title for step in condition.steps[:_MOST_NAMES])
    where = (
        f" {words['where']} {', '.join(one.property for one in query.filters[:_MOST_NAMES])}" if query.filters else ""
    )
    mark = f"{_SIGNS[condition.op]} {condition.value:.4g}"
    return f"{words['conversion']} {steps} {words['within']} {condition.within}{where} {words['over']} {window} {mark}"


def _what(query: RuleQuery, words: dict[str, str]) -> str:
    what = query.measure + (f" {words['of']} {', '.join(query.events[:_MOST_NAMES])}" if query.events else "")
    if query.filters:
        what += f" {words['where']} {', '.join(one.property for one in query.filters[:_MOST_NAMES])}"
    return what


def _condition(condition: Threshold | Absence | Change | Rate | Ratio | Anomaly, words: dict[str, str]) -> str:
    match condition:
        case Threshold():
            return f"{_SIGNS[condition.op]} {condition.value:g}"
        case Absence():
            return "= 0"
        case Change():
            return f"{words[condition.direction]} {condition.value:g}% {words[condition.against]}"
        case Rate():
            return f"{words['grows']} {_SIGNS[condition.op]} {condition.value:g}"
        case Ratio():
            return f"{words['share']} {_what(condition.of, words)} {_SIGNS[condition.op]} {condition.value:g}"
        case Anomaly():
            return words["anomaly" if condition.method == "mad" else "seasonal"]
        case _:
            assert_never(condition)
