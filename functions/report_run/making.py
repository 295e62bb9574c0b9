"""What was asked and when it is due → a result: whose parts are read with a key that holds as long as that takes."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from functions.report_run import builtins, parts
from functions.report_run.asked import CUSTOM, OVERVIEW, ReportRequest
from functions.report_run.numbers import Numbers, numbers
from functions.report_run.reading import Reader, headers_of
from functions.report_run.results import Cell, ReportColumn, ReportNumber, ReportResult, ReportSection
from functions.report_run.saying import difference, moment
from functions.report_run.sections import Shown, Tabled, bars, figures
from functions.report_run.words import say
from shared.catalog.client import Queries, Row
from shared.ids import uuid7
from shared.query.ask import Asker, Warehouse
from shared.refusals import Refusal, Rejected
from shared.saved_queries import Asking, Widget, widgets_of
from shared.security.keys import hash_key, new_key, shown_prefix

FUNCTION = "report_run"
_KEY_SECONDS = 900


class Made(NamedTuple):
    """A result, and the counts of an overview."""

    result: ReportResult
    numbers: Numbers | None = None


class Maker:
    """Makes results. Every call raises UnavailableError where a part of the instance is away."""

    def __init__(self, catalog: Queries, warehouse: Warehouse, asking: Asking) -> None:
        self._catalog = catalog
        self._warehouse = warehouse
        self._asking = asking

    async def check(self, asked: ReportRequest, project_id: uuid.UUID, now: datetime) -> None:
        """Refuse a report that could not be run now, in the words of whoever refuses it.

        Its queries are asked as the next run will: what is too expensive is found now, not in the night.
        """
        await self._check_channels(asked, project_id)
        if asked.report != OVERVIEW:
            await self.make(asked, project_id, now, strict=True)

    async def make(self, asked: ReportRequest, project_id: uuid.UUID, due: datetime, *, strict: bool = False) -> Made:
        """The report as of a moment. Refuses what none of it can be made of; `strict`: what any of it cannot.

        A dashboard that is gone is refused (`not_found`). Parts that are refused say so in their place.
        """
        project = await self._project(project_id)
        if asked.report == OVERVIEW:
            asker = Asker(self._warehouse, function=FUNCTION)
            counted = await numbers(asked, project_id, due, asker)
            return Made(_result(asked, project, due, _overview(asked, counted)), counted)
        async with self._reader(project_id) as reader:
            if asked.report == CUSTOM:
                found = await self._custom(asked, project, due, reader, strict=strict)
            else:
                found = await builtins.sections(builtins.Wanted(asked, asked.range_of(due), reader))
        result = _result(asked, project, due, found)
        if result.problem is not None:
            raise Rejected(Refusal(result.problem.code), result.problem.detail)
        return Made(result)

    async def _custom(
        self, asked: ReportRequest, project: Row, due: datetime, reader: Reader, *, strict: bool
    ) -> list[ReportSection]:
        widgets = await self._widgets(asked, project["id"])
        asks = await parts.queried(self._catalog, project["id"], widgets)
        if strict:
            parts.check_texts(asked.parts)
            parts.check_all(widgets, asks)
        span = asked.range_of(due)
        values = {"name": asked.name, "project": project["name"]}
        values |= {name: moment(span[name], asked.language) for name in ("from", "to")}
        about = parts.About(values, lambda last: asked.range_of(due, last), reader)
        return await parts.sections(asked, widgets, asks, about, strict=strict)

    async def _widgets(self, asked: ReportRequest, project_id: uuid.UUID) -> list[Widget]:
        """The parts of its own, or those of its dashboard that hold totals, in the order they are kept."""
        if asked.dashboard_id is None:
            return asked.parts
        rows = await self._catalog.rows("report_dashboard", {"id": asked.dashboard_id, "project_id": project_id})
        if not rows:
            detail = (
                f"there is no dashboard {asked.dashboard_id} that its project may see: it was removed, or is private"
            )
            raise Rejected(Refusal.NOT_FOUND, detail)
        widgets = widgets_of(rows[0]["widgets"])
        asks = await parts.queried(self._catalog, project_id, widgets)
        return [widget for widget in widgets if not parts.names_people(widget, asks)]

    async def _check_channels(self, asked: ReportRequest, project_id: uuid.UUID) -> None:
        if not asked.channels:
            return
        rows = await self._catalog.rows("known_webhooks", {"project_id": project_id, "ids": asked.channels})
        if missing := set(asked.channels) - {row["id"] for row in rows}:
            raise Rejected(Refusal.NOT_FOUND, f"there is no channel or webhook {min(missing)} in this project")

    async def _project(self, project_id: uuid.UUID) -> Row:
        rows = await self._catalog.rows("workspace/project", {"project_id": project_id})
        if not rows:
            raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
        return rows[0]

    @contextlib.asynccontextmanager
    async def _reader(self, project_id: uuid.UUID) -> AsyncIterator[Reader]:
        """Who asks in the project's name, until the end of the block: nobody's credentials are kept for it."""
        clear, key_id = new_key("secret"), uuid7()
        key = {"id": key_id, "prefix": shown_prefix(clear), "key_hash": hash_key(clear), "name": "report"}
        values = {**key, "project_id": project_id, "seconds": _KEY_SECONDS}
        if not await self._catalog.rows("create_passing_key", values):
            raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
        try:
            yield Reader(self._asking, headers_of(clear, project_id))
        finally:
            await self._catalog.rows("remove_passing_keys", {"id": key_id})


def days_in_words(span: Mapping[str, str], asked: ReportRequest) -> str:
    """The days of a range as people write them."""
    first, last = (moment(span[name], asked.language) for name in ("from", "to"))
    return first if first == last else f"{first} \u2013 {last}"


def _result(asked: ReportRequest, project: Row, due: datetime, sections: list[ReportSection]) -> ReportResult:
    span = asked.range_of(due)
    return ReportResult(
        name=asked.name,
        project=project["name"],
        report=asked.report,
        language=asked.language,
        days=days_in_words(span, asked),
        range=span,
        due_at=due.isoformat(),
        sections=sections,
    )


def _overview(asked: ReportRequest, counted: Numbers) -> list[ReportSection]:
    """The counts of an overview as sections."""
    language, before = asked.language, counted.before
    against = "against_day" if asked.days == 1 else "against_before"
    names = (("events", counted.totals.events), ("users", counted.totals.users), ("sessions", counted.totals.sessions))
    found = [
        ReportNumber(
            say(language, name),
            value,
            getattr(before.totals, name),
            getattr(before, name),
            compared=say(language, against),
        )
        for name, value in names
    ]
    rows: list[list[Cell]] = [[row.name, row.count, row.before, row.change] for row in counted.rows]
    if counted.other:
        rows.append([say(language, "other"), counted.other, None, None])
    columns = [
        ReportColumn(say(language, "event"), "text"),
        ReportColumn(say(language, "events")),
        ReportColumn(say(language, "before")),
        ReportColumn(say(language, "change"), "change"),
    ]
    shown = Shown("events", say(language, "title.top-events"), "", language)
    numbers = figures(Shown("numbers", "", "", language), found, counted.range)
    if (week := counted.week_before) is not None and week.events is not None:
        note = f"{say(language, 'events')} {say(language, 'against_week')}: {difference(week.events, language)}"
        numbers = msgspec.structs.replace(numbers, note=note)
    return [
        numbers,
        bars(shown, Tabled("breakdown", columns, rows), counted.range),
    ]
