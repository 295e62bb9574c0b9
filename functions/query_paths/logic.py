"""A paths query → its SQL → its answer."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import msgspec

from functions.query_paths.question import Kind, PathsPeopleQuery, PathsQuery, Stop
from shared.query.ask import Warehouse
from shared.query.behind import PeopleBehind, page_of, page_parts
from shared.query.fields import field
from shared.query.filters import Filter
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.planner import Plan
from shared.query.question import Question, plan_question
from shared.query.scope import read_sql

# Values that can be steps of their own; the 500 most frequent ones are more than anybody looks at.
MOST_VALUES = 500
_WHOLE_PATHS = 50
_OTHER = MOST_VALUES + 1
_END = 0
_FOLDER = Path(__file__).parent


class Node(msgspec.Struct, frozen=True):
    """A value at a step, the first of which is 1: how many people came there, and for how many it was the last step.

    `id` is what links name. `key` is null where the field says nothing; `kind` tells it from all `other` values.
    """

    id: str
    step: int
    kind: Kind
    key: str | None
    people: int
    ended: int


class Link(msgspec.Struct, frozen=True):
    """How many people went from one node to one of the next step."""

    source: str
    target: str
    people: int


class WholePath(msgspec.Struct, frozen=True):
    """A way from its first step to its last, and how many people went it; of an other value the kind is `other`."""

    keys: list[str | None]
    kinds: list[Kind]
    people: int


class PathsAnswer(msgspec.Struct, frozen=True):
    """The nodes of each step, the links between them, and the whole ways most people went."""

    nodes: list[Node]
    links: list[Link]
    paths: list[WholePath]
    people: int
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


class _Place(NamedTuple):
    step: int
    number: int


async def paths(query: PathsQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PathsAnswer:
    """Answer exactly; refuses what makes no paths (`bad_question`) and what other queries refuse."""
    period, question = await _plan(query, project_id, warehouse)
    values = await _values(question, query)
    links, whole = await _ways(question, query, values)
    drawn = _Drawing(query, values, links)
    began = sum(people for (place, _), people in links.items() if place.step == 1)
    return PathsAnswer(
        nodes=drawn.nodes(),
        links=drawn.links(),
        paths=[
            WholePath([_key(one, values) for one in way], [_kind(one) for one in way], people) for way, people in whole
        ],
        people=began,
        hint="" if began or query.explain else "nobody did this in this range: look at its spelling and its filters",
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
        range=period.echo(),
        plan=question.plan,
    )


async def people(query: PathsPeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of the people who went a way; refuses what `paths` does."""
    period, question = await _plan(query, project_id, warehouse)
    values = await _values(question, query)
    others = any(stop.kind == "other" for stop in query.way) and not query.whole
    shown = _Drawing(query, values, (await _ways(question, query, values)).links).shown if others else set()
    parameters = Parameters()
    rows = await question.ask(
        "people",
        parameters,
        walks=_walks(question, query, values, parameters),
        went=_went(query, values, shown, parameters),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, period.echo())


def _went(
    query: PathsPeopleQuery, values: Sequence[str | None], shown: AbstractSet[_Place], parameters: Parameters
) -> str:
    """SQL of whether a way is the one that was asked for; a value nobody came to is on no way."""
    if query.whole:
        numbers = [_OTHER if stop.kind == "other" else _number(stop, values) for stop in query.way]
        return f"way = {parameters.bind('Array(UInt16)', numbers)}"
    conditions = []
    for step, stop in enumerate(query.way, start=query.step):
        if stop.kind == "value":
            conditions.append(f"way[{step}] = {parameters.bind('UInt16', _number(stop, values))} AND way[{step}] > 0")
        else:
            drawn = [place.number for place in sorted(shown) if place.step == step]
            known = parameters.bind("Array(UInt16)", drawn)
            conditions.append(f"way[{step}] > 0 AND NOT has({known}, way[{step}])")
    return " AND ".join(conditions)


def _number(stop: Stop, values: Sequence[str | None]) -> int:
    return values.index(stop.key) + 1 if stop.key in values else _END


async def _plan(query: PathsQuery, project_id: uuid.UUID, warehouse: Warehouse) -> tuple[Period, Question]:
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    if query.exclude_events:
        left = Filter("event", "not_in", list(query.exclude_events))
        query = msgspec.structs.replace(query, filters=[*query.filters, left])
    question = await plan_question(
        query, query.events, period, project_id=project_id, warehouse=warehouse, folder=_FOLDER, groups=[query.by]
    )
    return period, question


class _Ways(NamedTuple):
    """How many people went each link, and the ways most went, whole: each with how many."""

    links: Counter[tuple[_Place, int]]
    whole: Sequence[tuple[Sequence[int], int]]


async def _ways(question: Question, query: PathsQuery, values: Sequence[str | None]) -> _Ways:
    parameters = Parameters()
    rows = await question.ask(
        "ways",
        parameters,
        walks=_walks(question, query, values, parameters),
        support=str(query.min_support),
        limit=str(_WHOLE_PATHS),
    )
    links: Counter[tuple[_Place, int]] = Counter()
    whole: list[tuple[Sequence[int], int]] = []
    for (keys, numbers), most in rows:
        for key, number in zip(keys, numbers, strict=True):
            links[_Place(key >> 32, key >> 16 & 0xFFFF), key & 0xFFFF] = number
        whole = [(way, -minus) for minus, way in most]
    return _Ways(links, whole)


async def _values(question: Question, query: PathsQuery) -> list[str | None]:
    """The values that can be steps, in the order of their numbers, which begin with 1."""
    parameters = Parameters()
    rows = await question.ask(
        "values",
        parameters,
        value=_value(query),
        rows=question.rows(parameters),
        limit=parameters.bind("UInt32", MOST_VALUES),
    )
    return [value for (value,) in rows]


def _walks(question: Question, query: PathsQuery, values: Sequence[str | None], parameters: Parameters) -> str:
    """SQL of the way of each person, as numbers of values."""
    known = [(number, value) for number, value in enumerate(values, start=1) if value is not None]
    texts = parameters.bind("Array(String)", [value for _, value in known])
    numbers = parameters.bind("Array(UInt16)", [number for number, _ in known])
    missing = values.index(None) + 1 if None in values else _OTHER
    value = _value(query)
    number = f"transform(ifNull({value}, ''), {texts}, {numbers}, toUInt16({_OTHER}))"
    mark = query.starting or query.ending
    return read_sql(
        _FOLDER,
        "walks",
        subject=question.subject,
        number=f"if(isNull({value}), {missing}, {number})",
        marked="true" if mark is None else mark.sql(parameters),
        rows=question.rows(parameters),
        steps=_steps(query),
        most=str(query.steps),
    )


def _value(query: PathsQuery) -> str:
    named = field(query.by)
    return f"if({named.present}, {named.text}, NULL)"


def _steps(query: PathsQuery) -> str:
    """SQL of the numbers of a person's events from the marked one on, or back from it."""
    place = "arrayFirstIndex(event -> event.3 = 1, events)"
    some = f"if({place} = 0, [], arraySlice(events, {place}))"
    if query.ending is not None:
        some = f"if({place} = 0, [], arrayReverse(arraySlice(events, 1, {place})))"
    numbers = f"arrayMap(event -> event.2, {some})"
    return f"arrayCompact({numbers})" if query.collapse else numbers


def _key(number: int, values: Sequence[str | None]) -> str | None:
    return None if number == _OTHER else values[number - 1]


def _kind(number: int) -> Kind:
    return "other" if number == _OTHER else "value"


class _Drawing:
    """Which nodes are shown at each step, all others being one."""

    def __init__(
        self, query: PathsQuery, values: Sequence[str | None], links: Mapping[tuple[_Place, int], int]
    ) -> None:
        self._values = values
        self._links = links
        people: Counter[_Place] = Counter()
        for (place, _), number in links.items():
            people[place] += number
        self._people = people
        self.shown: set[_Place] = set()
        for step in range(1, query.steps + 1):
            here = [place for place in people if place.step == step and place.number != _OTHER]
            ranked = sorted(here, key=lambda place: (-people[place], place.number))
            self.shown.update(place for place in ranked[: query.limit] if people[place] >= query.min_support)

    def nodes(self) -> list[Node]:
        """In the order of their steps, the largest first and all others last."""
        people: Counter[_Place] = Counter()
        ended: Counter[_Place] = Counter()
        for (place, following), number in self._links.items():
            people[self._at(place)] += number
            if following == _END:
                ended[self._at(place)] += number
        order = sorted(people, key=lambda place: (place.step, place.number == _OTHER, -people[place], place.number))
        return [
            Node(
                id=_id(place),
                step=place.step,
                kind=_kind(place.number),
                key=_key(place.number, self._values),
                people=people[place],
                ended=ended[place],
            )
            for place in order
        ]

    def links(self) -> list[Link]:
        found: Counter[tuple[_Place, _Place]] = Counter()
        for (place, following), people in self._links.items():
            if following != _END:
                found[self._at(place), self._at(_Place(place.step + 1, following))] += people
        ordered = sorted(found.items(), key=lambda item: (item[0][0].step, -item[1], item[0]))
        return [Link(_id(source), _id(target), people) for (source, target), people in ordered]

    def _at(self, place: _Place) -> _Place:
        return place if place in self.shown else _Place(place.step, _OTHER)


def _id(place: _Place) -> str:
    return f"{place.step}:{'other' if place.number == _OTHER else place.number}"
