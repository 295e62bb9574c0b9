"""Built-in reports by slug: what each asks, and the sections it is made of."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from functions.report_run.asked import BUILT_INS, ReportRequest
from functions.report_run.reading import Reader
from functions.report_run.results import Cell, ReportColumn, ReportLine, ReportNumber, ReportSection, change
from functions.report_run.sections import (
    Shown,
    Tabled,
    bars,
    breakdown_section,
    figures,
    over_time,
    retention_section,
    series_section,
)
from functions.report_run.words import say
from shared.notifications import Language

_WEEKS, _WEEK = 12, 7


class Wanted(NamedTuple):
    """A built-in report that is due: what was asked, its range in days, and who answers."""

    asked: ReportRequest
    range: Mapping[str, str]
    reader: Reader

    @property
    def query(self) -> dict[str, Any]:
        """What every query of it begins with."""
        options = self.asked.options
        return {**self.range, "filters": msgspec.to_builtins(options.filters)}

    def shown(self, part: str, chart: str = "", title: str = "") -> Shown:
        return Shown(part, say(self.asked.language, title) if title else "", "", self.asked.language, chart)

    def say(self, word: str) -> str:
        return say(self.asked.language, word)


class BuiltInReport(msgspec.Struct, frozen=True):
    """A built-in report as it is listed; `last` is the range it has unless it is asked otherwise."""

    slug: str
    title: str
    description: str
    last: str


def listing(language: Language) -> list[BuiltInReport]:
    """All built-in reports."""
    found = []
    for slug in BUILT_INS:
        days = ReportRequest(name=slug, report=slug, timezone="UTC").days
        found.append(BuiltInReport(slug, say(language, f"title.{slug}"), say(language, f"about.{slug}"), f"{days}d"))
    return found


async def sections(wanted: Wanted) -> list[ReportSection]:
    """The sections of a built-in report other than the overview; refuses and raises as its queries do."""
    return await _MADE[wanted.asked.report](wanted)


async def _active(wanted: Wanted) -> list[ReportSection]:
    """DAU, WAU, MAU: each day's; the last one beside that of a week earlier, the mean and the highest."""
    field = {"dau": "daily", "wau": "weekly", "mau": "monthly"}[wanted.asked.report]
    days = (await _stickiness(wanted))["active"]
    values = [day[field] for day in days]
    numbers = []
    if values:
        before = values[-1 - _WEEK] if len(values) > _WEEK else None
        last = ReportNumber(wanted.say("last_day"), values[-1], before, change(values[-1], before))
        numbers = [
            msgspec.structs.replace(last, compared=wanted.say("against_week")),
            ReportNumber(wanted.say("mean_day"), round(sum(values) / len(values), 2)),
            ReportNumber(wanted.say("highest"), max(values)),
        ]
    labels, line = [day["time"][:10] for day in days], ReportLine(wanted.say(wanted.asked.report), values)
    return [_headline(wanted, numbers), over_time(wanted.shown("daily"), labels, [line], wanted.range, "area")]


async def _sticky(wanted: Wanted) -> list[ReportSection]:
    answer = await _stickiness(wanted)
    days = answer["active"]
    values = [day["stickiness"] for day in days]
    known = [value for value in values if value is not None]
    numbers = []
    if known:
        numbers = [
            ReportNumber(wanted.say("last_day"), values[-1], kind="share"),
            ReportNumber(wanted.say("mean_day"), sum(known) / len(known), kind="share"),
        ]
    line = over_time(
        wanted.shown("daily", "line", "part.daily"),
        [day["time"][:10] for day in days],
        [ReportLine(wanted.say("stickiness"), values)],
        wanted.range,
    )
    rows: list[list[Cell]] = [[str(one["intervals"]), one["people"]] for one in answer["histogram"]]
    columns = [ReportColumn(wanted.say("days_active"), "text"), ReportColumn(wanted.say("people"))]
    table = Tabled("breakdown", columns, rows)
    columns = [ReportColumn(wanted.say("measure"), "text"), ReportColumn(wanted.say("value"), "share")]
    headline = msgspec.structs.replace(_headline(wanted, numbers), columns=columns)
    shares = [line.columns[0], *(ReportColumn(column.label, "share") for column in line.columns[1:])]
    histogram = bars(wanted.shown("histogram", "", "part.histogram"), table, wanted.range)
    return [headline, msgspec.structs.replace(line, columns=shares), histogram]


async def _revenue(wanted: Wanted) -> list[ReportSection]:
    """Each day's, in all beside as many days before, and by event."""
    options = wanted.asked.options
    query = {**wanted.query, "events": options.events, "measure": options.measure}
    answer = await wanted.reader.ask("timeseries", {**query, "interval": "day", "compare": "previous_period"})
    series = series_section(wanted.shown("daily", "bar", "part.daily"), query, answer)
    total = series.numbers[0] if series.numbers else ReportNumber("", None)
    days = len(series.labels)
    mean = None if total.value is None or not days else round(total.value / days, 2)
    numbers = [
        msgspec.structs.replace(total, label=wanted.say("total"), compared=wanted.say("against_before")),
        ReportNumber(wanted.say("mean_day"), mean),
    ]
    events = await wanted.reader.ask("breakdown", {**query, "by": "event", "limit": options.limit})
    # Most events bring nothing in: they are not among the largest.
    events["rows"] = [row for row in events["rows"] if row["value"]]
    by_event = breakdown_section(wanted.shown("events", "", "part.by_event"), {**query, "by": "event"}, events)
    return [_headline(wanted, numbers), msgspec.structs.replace(series, numbers=[]), by_event]


async def _retention(wanted: Wanted) -> list[ReportSection]:
    """Weekly cohorts, of whole weeks."""
    first, last = (date.fromisoformat(wanted.range[name]) for name in ("from", "to"))
    first -= timedelta(days=first.weekday())
    query = {
        **wanted.query,
        "from": str(first),
        "to": str(last),
        "interval": "week",
        "periods": min(_WEEKS, max(1, (last - first).days // 7)),
        "returning": _act(wanted),
    }
    answer = await wanted.reader.ask("retention", query)
    cohorts = retention_section(wanted.shown("cohorts", "", "part.cohorts"), query, answer)
    curve = over_time(
        wanted.shown("curve", "line", "part.curve"), cohorts.labels, [*cohorts.lines], wanted.range, "line"
    )
    columns = [
        ReportColumn(wanted.say("cohort"), "text"),
        *(ReportColumn(column.label, "share") for column in curve.columns[1:]),
    ]
    return [msgspec.structs.replace(curve, columns=columns), cohorts]


def _top(field: str, measure: str) -> "Callable[[Wanted], Awaitable[list[ReportSection]]]":
    async def made(wanted: Wanted) -> list[ReportSection]:
        options = wanted.asked.options
        query = {**wanted.query, "events": options.events, "by": field, "measure": measure, "limit": options.limit}
        answer = await wanted.reader.ask("breakdown", query)
        numbers = [ReportNumber(wanted.say("total"), answer["total"])]
        table = breakdown_section(wanted.shown("top"), query, answer)
        return [_headline(wanted, numbers), table]

    return made


async def _quality(wanted: Wanted) -> list[ReportSection]:
    """What was stored and what was refused, by day and by reason."""
    query = {**wanted.query, "events": wanted.asked.options.events, "interval": "day"}
    stored = await wanted.reader.ask("timeseries", {**query, "compare": "previous_period"})
    span = stored["range"]
    asked = {"from": span["from"], "to": span["to"], "timezone": span["timezone"], "interval": "day"}
    refused = await wanted.reader.rejected(asked)
    series = series_section(wanted.shown("volume", "bar", "part.volume"), query, stored)
    accepted = stored["series"][0]["total"] or 0
    number = series.numbers[0] if series.numbers else ReportNumber("", accepted)
    share = refused["total"] / (accepted + refused["total"]) if refused["total"] else 0.0
    numbers = [
        msgspec.structs.replace(number, label=wanted.say("stored"), compared=wanted.say("against_before")),
        ReportNumber(wanted.say("refused"), refused["total"]),
        ReportNumber(wanted.say("refused_share"), share, kind="share"),
    ]
    rows: list[list[Cell]] = [[one["title"], one["count"]] for one in refused["items"]]
    columns = [ReportColumn(wanted.say("reason"), "text"), ReportColumn(wanted.say("events"))]
    reasons = bars(wanted.shown("reasons", "", "part.reasons"), Tabled("breakdown", columns, rows), span)
    return [_headline(wanted, numbers), msgspec.structs.replace(series, numbers=[]), reasons]


async def _stickiness(wanted: Wanted) -> dict[str, Any]:
    return await wanted.reader.ask("stickiness", {**wanted.query, "act": _act(wanted)})


def _act(wanted: Wanted) -> dict[str, Any]:
    """What counts as being active: any event, or one of those named."""
    events = wanted.asked.options.events
    return {"any_of": events} if events else {}


def _headline(wanted: Wanted, numbers: list[ReportNumber]) -> ReportSection:
    return figures(wanted.shown("numbers"), numbers, wanted.range)


_MADE: Mapping[str, Callable[[Wanted], Awaitable[list[ReportSection]]]] = MappingProxyType(
    {
        "dau": _active,
        "wau": _active,
        "mau": _active,
        "stickiness": _sticky,
        "revenue": _revenue,
        "retention": _retention,
        "top-events": _top("event", "count"),
        "top-pages": _top("path", "users"),
        "top-sources": _top("referrer_domain", "users"),
        "quality": _quality,
    }
)
