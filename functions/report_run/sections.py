"""Answers of the query functions → sections of a report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from functions.report_run.results import (
    Cell,
    Chart,
    ColumnKind,
    ReportColumn,
    ReportLine,
    ReportNumber,
    ReportSection,
    SectionKind,
    change,
)
from functions.report_run.words import known, say
from shared.notifications import Language

_SERIES_CHARTS: dict[str, Chart] = {"line": "line", "area": "area", "bar": "bar", "table": ""}
# Beyond these a drawing is a thicket; the table has all of them.
_MOST_BARS = 15


class Shown(NamedTuple):
    """How a part is to look: which one it is, in which language, as which chart."""

    id: str
    title: str
    text: str
    language: Language
    chart: str = ""

    def say(self, word: str) -> str:
        return say(self.language, word)


Answer = Mapping[str, Any]
Query = Mapping[str, Any]


def text_section(shown: Shown) -> ReportSection:
    """A heading, a text, or both."""
    return ReportSection(id=shown.id, kind="text", title=shown.title, text=shown.text)


def count_section(shown: Shown, query: Query, answer: Answer) -> ReportSection:
    """One number."""
    label = measure_name(shown.language, query)
    return figures(shown, [ReportNumber(label, answer["value"])], answer["range"])


def figures(shown: Shown, numbers: list[ReportNumber], span: Mapping[str, str]) -> ReportSection:
    """Numbers side by side; the columns of what they are compared with only where they are."""
    columns = [ReportColumn(shown.say("measure"), "text"), ReportColumn(shown.say("value"))]
    rows: list[list[Cell]] = [[number.label, number.value] for number in numbers]
    if any(number.before is not None for number in numbers):
        columns += [ReportColumn(shown.say("before")), ReportColumn(shown.say("change"), "change")]
        rows = [[number.label, number.value, number.before, number.change] for number in numbers]
    return ReportSection(
        id=shown.id,
        kind="number",
        title=shown.title,
        text=shown.text,
        range=dict(span),
        numbers=numbers,
        columns=columns,
        rows=rows,
    )


def series_section(shown: Shown, query: Query, answer: Answer) -> ReportSection:
    """Lines over time, of a time series or of an exploration; as numbers where that is the chart."""
    found = answer["series"]
    names = [_line_name(shown, query, one) for one in found]
    values = [[value for _, value in one["points"]] for one in found]
    lines = [
        ReportLine(name, points, one["other"], one.get("total"))
        for name, points, one in zip(names, values, found, strict=True)
    ]
    if shown.chart == "number":
        return figures(shown, _totals(lines, found, answer.get("compare")), answer["range"])
    labels = [_label(moment, answer["interval"]) for moment, _ in found[0]["points"]] if found else []
    section = over_time(shown, labels, lines, answer["range"], _SERIES_CHARTS.get(shown.chart, "line"))
    if len(found) == 1 and isinstance(found[0].get("total"), int | float):
        return msgspec.structs.replace(section, numbers=_totals(lines, found, answer.get("compare")))
    return section


def over_time(
    shown: Shown, labels: list[str], lines: list[ReportLine], span: Mapping[str, str], chart: Chart = "line"
) -> ReportSection:
    """Lines with a value for each label."""
    rows: list[list[Cell]] = [
        [label, *(line.values[place] if place < len(line.values) else None for line in lines)]
        for place, label in enumerate(labels)
    ]
    return ReportSection(
        id=shown.id,
        kind="series",
        title=shown.title,
        text=shown.text,
        range=dict(span),
        labels=labels,
        lines=lines,
        columns=[ReportColumn(shown.say("date"), "date"), *(ReportColumn(line.name) for line in lines)],
        rows=rows,
        chart=chart,
        note="" if rows else shown.say("nothing"),
    )


def breakdown_section(shown: Shown, query: Query, answer: Answer) -> ReportSection:
    """The largest groups, and all others as one."""
    by = query.get("by") or query.get("group_by")
    names = [by] if isinstance(by, str) else list(by or [])
    measured = measure_name(shown.language, query)
    rows: list[list[Cell]] = []
    for one in answer["rows"]:
        keys = one["key"] if isinstance(one["key"], list) else [one["key"]]
        rows.append([*(_key(shown, key) for key in keys), one["value"], one["share"]])
    if answer["other"]:
        total = answer["total"] or 0
        share = answer["other"] / total if _adds_up(query) and total else None
        rows.append([shown.say("other"), *("" for _ in names[1:]), answer["other"], share])
    columns = [ReportColumn(_field(shown.language, name), "text") for name in names]
    columns += [ReportColumn(measured), ReportColumn(shown.say("share"), "share")]
    kind: SectionKind = "table" if shown.chart == "table" else "breakdown"
    return bars(shown, Tabled(kind, columns, rows, len(names), len(answer["rows"])), answer["range"])


class Tabled(NamedTuple):
    """A table whose column `at` is drawn as bars; the columns before it are their names.

    Only its first `bars` rows are drawn: all others together would make the single ones small.
    """

    kind: SectionKind
    columns: list[ReportColumn]
    rows: list[list[Cell]]
    at: int = 1
    bars: int = _MOST_BARS


def bars(shown: Shown, table: Tabled, span: Mapping[str, str]) -> ReportSection:
    """A table and its bars; a table alone where that is its kind."""
    kind, columns, rows, at, most = table
    drawn = rows[: min(most, _MOST_BARS)]
    values = [value if isinstance(value := row[at], int | float) else None for row in drawn]
    return ReportSection(
        id=shown.id,
        kind=kind,
        title=shown.title,
        text=shown.text,
        range=dict(span),
        labels=[" · ".join(str(cell) for cell in row[:at] if cell != "") for row in drawn],
        lines=[ReportLine(columns[at].label, values)] if rows else [],
        columns=columns,
        rows=rows,
        others=len(rows) > most,
        chart="" if kind == "table" or not rows else "bars",
        note="" if rows else shown.say("nothing"),
    )


def funnel_section(shown: Shown, _query: Query, answer: Answer) -> ReportSection:
    """How many people came to each step."""
    columns = [
        ReportColumn(shown.say("step"), "text"),
        ReportColumn(shown.say("people")),
        ReportColumn(shown.say("conversion"), "share"),
        ReportColumn(shown.say("from_previous"), "share"),
    ]
    rows: list[list[Cell]] = [
        [f"{place}. {step['label']}", step["count"], step["conversion"], step["from_previous"]]
        for place, step in enumerate(answer["steps"], 1)
    ]
    return bars(shown, Tabled("funnel", columns, rows), answer["range"])


def retention_section(shown: Shown, query: Query, answer: Answer) -> ReportSection:
    """Cohorts, and which part of each came back; drawn as the mean of all that are complete."""
    cohorts = answer["cohorts"]
    widest = max((len(one["values"]) for one in cohorts), default=0)
    sums = str(query.get("measure", "users")) != "users"
    kind: ColumnKind = "number" if sums else "share"
    rows: list[list[Cell]] = []
    for one in cohorts:
        values = [value if sums or not one["size"] else value / one["size"] for value in one["values"]]
        rows.append([_label(one["date"], str(query.get("interval", "day"))), one["size"], *values])
    for row in rows:
        row.extend([None] * (widest + 2 - len(row)))
    offsets = [f"+{offset}" for offset in range(widest)]
    return ReportSection(
        id=shown.id,
        kind="retention",
        title=shown.title,
        text=shown.text,
        range=dict(answer["range"]),
        labels=offsets,
        lines=[ReportLine(shown.say("mean"), list(answer["mean"])[:widest])] if widest else [],
        columns=[
            ReportColumn(shown.say("cohort"), "date"),
            ReportColumn(shown.say("size")),
            *(ReportColumn(offset, kind) for offset in offsets),
        ],
        rows=rows,
        chart="heat" if rows else "",
        note="" if rows else shown.say("nothing"),
    )


def measure_name(language: Language, query: Query) -> str:
    """A measure as a column's name: `sum:price` is what it is."""
    given = str(query.get("measure", "count"))
    return known(language, "events" if given == "count" else "revenue" if given == "sum:revenue" else given)


def _field(language: Language, name: str) -> str:
    return known(language, name.removeprefix("properties."))


def _adds_up(query: Query) -> bool:
    return str(query.get("measure", "count")) == "count" or str(query.get("measure")).startswith("sum:")


def _line_name(shown: Shown, query: Query, one: Mapping[str, Any]) -> str:
    if one["other"]:
        return shown.say("other")
    label = str(one.get("label") or "")
    if "group_by" not in query:
        return label or one.get("name") or measure_name(shown.language, query)
    key = _key(shown, one["key"])
    return f"{label} · {key}" if label else key


def _key(shown: Shown, key: object) -> str:
    return shown.say("none") if key is None else str(key) or '""'


def _totals(lines: Sequence[ReportLine], found: Sequence[Any], compare: Any) -> list[ReportNumber]:
    before = [one.get("total") for one in compare["series"]] if compare else []
    return [
        ReportNumber(
            line.name,
            one.get("total"),
            before[place] if place < len(before) else None,
            change(one.get("total"), before[place]) if place < len(before) else None,
        )
        for place, (line, one) in enumerate(zip(lines, found, strict=True))
    ]


def _label(moment: str, interval: str) -> str:
    """The begin of an interval as a date, with the time where it is shorter than a day."""
    found = datetime.fromisoformat(moment)
    if interval == "month":
        return found.strftime("%Y-%m")
    return found.strftime("%Y-%m-%d %H:%M" if interval in {"minute", "hour"} else "%Y-%m-%d")
