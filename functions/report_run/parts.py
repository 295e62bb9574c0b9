"""The parts of a custom report: texts with their placeholders, and queries as dashboards hold them."""

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from functions.report_run.asked import ReportRequest, check_totals
from functions.report_run.reading import Reader
from functions.report_run.results import ReportProblem, ReportSection
from functions.report_run.sections import (
    Answer,
    Query,
    Shown,
    breakdown_section,
    count_section,
    funnel_section,
    retention_section,
    series_section,
    text_section,
)
from functions.report_run.words import say
from shared.catalog.client import Queries
from shared.refusals import Refusal, Rejected
from shared.saved_queries import Asked, SavedKind, Widget, check_range

_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
PLACES = ("name", "project", "from", "to")
_LIKE = "{{ name }}, {{ project }}, {{ from }}, {{ to }}"
_MADE: Mapping[SavedKind, Callable[[Shown, Query, Answer], ReportSection]] = MappingProxyType(
    {
        "count": count_section,
        "timeseries": series_section,
        "explore": series_section,
        "breakdown": breakdown_section,
        "funnel": funnel_section,
        "retention": retention_section,
    }
)


def check_texts(parts: Sequence[Widget]) -> None:
    """Refuse texts whose placeholders are none (`bad_request`), naming the part and what there is."""
    for part in parts:
        for text in (part.title, part.text):
            for found in _PLACE.findall(text):
                if found not in PLACES:
                    detail = f"the part {part.id} has {{{{ {found} }}}}; there are {_LIKE}"
                    raise Rejected(Refusal.BAD_REQUEST, detail)
            rest = _PLACE.sub("", text)
            if "{{" in rest or "}}" in rest:
                raise Rejected(
                    Refusal.BAD_REQUEST, f"the part {part.id} has {{{{ or }}}} that is no placeholder: {_LIKE}"
                )


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; an unknown one stays as it is."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


class Queried:
    """What a part asks: its own query, or that of its definition; None for texts, and where its definition is gone."""

    def __init__(self, definitions: Mapping[uuid.UUID, Asked]) -> None:
        self._definitions = definitions

    def of(self, part: Widget) -> Asked | None:
        if part.inline is not None:
            return part.inline.asked
        return self._definitions.get(part.definition_id) if part.definition_id else None


async def queried(queries: Queries, project_id: uuid.UUID, parts: Sequence[Widget]) -> Queried:
    """What these parts ask, as their definitions are now."""
    ids = sorted({part.definition_id for part in parts if part.definition_id})
    if not ids:
        return Queried({})
    values = {"project_id": project_id, "ids": ids, "kind": "", "tag": "", "search": "", "after": None}
    rows = await queries.rows("workspace/definitions", {**values, "most": len(ids)})
    return Queried({row["id"]: Asked(row["kind"], msgspec.json.decode(row["query"]), row["last"]) for row in rows})


def check_all(parts: Sequence[Widget], asks: Queried) -> None:
    """Refuse a part whose definition is not there (`not_found`), and a query that could not be kept."""
    for part in parts:
        asked = asks.of(part)
        if asked is not None:
            check_range(asked)
            check_totals(part.id, asked.kind, asked.query)
        elif part.definition_id:
            detail = f"the part {part.id}: there is no definition {part.definition_id} in this project"
            raise Rejected(Refusal.NOT_FOUND, detail)


def names_people(part: Widget, asks: Queried) -> bool:
    """Whether a part lists or breaks down by people, which a report may not hold."""
    asked = asks.of(part)
    try:
        if asked is not None:
            check_totals(part.id, asked.kind, asked.query)
    except Rejected:
        return True
    return False


async def sections(
    asked: ReportRequest, parts: Sequence[Widget], asks: Queried, about: "About", *, strict: bool = False
) -> list[ReportSection]:
    """The sections of parts, in their order; a part that is refused says so in its place, `strict` raises it instead.

    Raises UnavailableError where a function is away: half a report is none.
    """

    async def one(part: Widget) -> ReportSection:
        try:
            return await _section(asked, part, asks, about)
        except Rejected as rejected:
            if strict:
                raise Rejected(rejected.refusal, f"the part {part.id}: {rejected.detail}") from rejected
            return _failed(part, about, ReportProblem(str(rejected.refusal), rejected.detail))

    return list(await asyncio.gather(*map(one, parts)))


class About:
    """What placeholders stand for, when the report is due, and who answers."""

    def __init__(self, values: Mapping[str, str], span: Callable[[str], dict[str, str]], reader: Reader) -> None:
        self.values = values
        self.span = span
        self.reader = reader

    def shown(self, asked: ReportRequest, part: Widget) -> Shown:
        title, text = filled(part.title, self.values), filled(part.text, self.values)
        return Shown(part.id, title, text, asked.language, part.chart)


async def _section(asked: ReportRequest, part: Widget, asks: Queried, about: About) -> ReportSection:
    shown, found = about.shown(asked, part), asks.of(part)
    if found is None:
        if part.definition_id:
            raise Rejected(Refusal.GONE, say(asked.language, "gone"))
        return text_section(shown)
    check_totals(part.id, found.kind, found.query)
    query: dict[str, Any] = dict(found.query)
    if not query.get("from"):
        query.update(about.span(found.last))
    make = _MADE.get(found.kind)
    if make is None:
        raise Rejected(Refusal.BAD_REQUEST, f"a report does not show {found.kind}; it shows {', '.join(_MADE)}")
    return make(shown, query, await about.reader.ask(found.kind, query))


def _failed(part: Widget, about: About, problem: ReportProblem) -> ReportSection:
    return ReportSection(id=part.id, kind="text", title=filled(part.title, about.values), problem=problem)
