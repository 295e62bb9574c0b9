"""Values as people read them, the same in every format that people read."""

from functions.report_run.results import Cell, ReportColumn, ReportNumber
from functions.report_run.words import say
from shared.notifications import Language

NOTHING = "\u2013"
_DATE, _MONTH = 10, 7
_SMALL = 10


def number(value: float | None, language: Language) -> str:
    """1,234,567.5 or, in Russian, 1 234 567,5; a dash where there is none."""
    if value is None:
        return NOTHING
    digits = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return digits.replace(",", "\u00a0").replace(".", ",") if language == "ru" else digits


def share(value: float | None, language: Language) -> str:
    """A ratio as percents."""
    if value is None:
        return NOTHING
    percents = value * 100
    return f"{number(round(percents, 1 if abs(percents) >= _SMALL else 2), language)}%"


def difference(value: float | None, language: Language) -> str:
    """A change as percents with its sign; '' where there is none."""
    if value is None:
        return ""
    sign = "+" if value > 0 else "\u2212" if value < 0 else ""
    return f"{sign}{share(abs(value), language)}"


def moment(text: str, language: Language) -> str:
    """An ISO date, with a time or without, as the language writes it; other texts stay."""
    if language == "en" or not text[:4].isdecimal() or text[4:5] != "-":
        return text
    if len(text) == _MONTH:
        return f"{text[5:7]}.{text[:4]}"
    return f"{text[8:10]}.{text[5:7]}.{text[:4]}{text[_DATE:]}"


def tick(text: str, language: Language) -> str:
    """A date as an axis has room for: `Mar 1`, with the time instead where there is one; other texts stay."""
    if not text[:4].isdecimal() or text[4:5] != "-":
        return text
    if len(text) > _DATE:
        return text[11:]
    month = say(language, "months").split()[int(text[5:7]) - 1]
    if len(text) == _MONTH:
        return f"{month} {text[:4]}"
    return say(language, "day").format(month=month, day=int(text[8:10]))


def cell(value: Cell, column: ReportColumn, language: Language) -> str:
    """A cell of a table."""
    if isinstance(value, str):
        return moment(value, language) if column.kind == "date" else value
    if column.kind == "share":
        return share(value, language)
    if column.kind == "change":
        return difference(value, language) or NOTHING
    return number(value, language)


def figure(one: ReportNumber, language: Language) -> str:
    """The value of a number."""
    return share(one.value, language) if one.kind == "share" else number(one.value, language)
