"""Paths on the real engine, against plain Python over the same histories."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.query_paths.logic import Node, PathsAnswer, paths, people
from functions.query_paths.question import PathsPeopleQuery, PathsQuery, Stop
from shared.query.acts import Act
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.integration.histories import Event, by_person, warehouse_with

PROJECT = uuid.UUID("018f0000-0000-7000-8000-0000000000fc")
START = datetime(2026, 1, 1, tzinfo=UTC)
RANGE: dict[str, Any] = {"start": "2026-01-01", "end": "2026-01-01"}
NAMES = "abcde"
QUESTIONS = 26

Step = tuple[int, str | None]  # its place, from 1, and what happened there


def histories() -> list[Event]:
    """People with up to nine events each, many at one instant."""
    chance = random.Random(3)
    return [
        Event(
            f"{person:03}",
            chance.choice(NAMES),
            START + timedelta(seconds=chance.randrange(8)),
            {"page": chance.choice(["/", "/a", None])},
        )
        for person in range(400)
        for _ in range(chance.randrange(10))
    ]


EVENTS = histories()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_with(tmp_path_factory.mktemp("paths"), PROJECT, EVENTS) as opened:
        yield opened


def questions() -> list[PathsQuery]:
    chance = random.Random(8)
    found = []
    for _ in range(QUESTIONS):
        kind = chance.choice(["first", "from", "to"])
        act = chance.choice([Act(event="a"), Act(any_of=["b", "c"])])
        by = chance.choice(["event", "properties.page"])
        found.append(
            PathsQuery(
                **RANGE,
                starting=act if kind == "from" else None,
                ending=act if kind == "to" else None,
                by=by,
                steps=chance.randint(2, 6),
                collapse=chance.random() < 0.5,
                limit=chance.choice([1, 2, 50]),
                min_support=chance.choice([1, 1, 40]),
                exclude_events=chance.choice([[], ["e"]]),
            )
        )
    return found


def ways(query: PathsQuery) -> list[list[str | None]]:
    """Everybody's way, step by step."""
    sought = query.starting or query.ending
    some = [one for one in EVENTS if one.name not in query.exclude_events]
    names = [name for name, _ in ranked(Counter(value(one, query) for one in some).items())]
    found = []
    for events in by_person(some).values():
        ordered = sorted(events, key=lambda one: (one.at, names.index(value(one, query)), _marked(one, sought)))
        places = [place for place, one in enumerate(ordered) if _marked(one, sought)]
        if not places:
            continue
        walked = ordered[places[0] :] if query.ending is None else ordered[: places[0] + 1][::-1]
        steps = [value(one, query) for one in walked]
        if query.collapse:
            steps = [one for place, one in enumerate(steps) if not place or steps[place - 1] != one]
        found.append(steps[: query.steps])
    return found


def _marked(event: Event, sought: Act | None) -> bool:
    return sought is None or event.name in sought.events


def value(event: Event, query: PathsQuery) -> str | None:
    return event.name if query.by == "event" else event.properties["page"]


def ranked(counts: Any) -> list[tuple[Any, int]]:
    """The largest first, ties by value, a missing one last."""
    return sorted(counts, key=lambda item: (-item[1], item[0] is None, item[0] or ""))


@pytest.mark.parametrize("query", questions(), ids=[str(number) for number in range(QUESTIONS)])
def test_nodes_and_links_are_what_plain_python_counts(warehouse: Warehouse, query: PathsQuery) -> None:
    answer = ask(warehouse, query)
    walked = ways(query)
    people = Counter((place, key) for way in walked for place, key in enumerate(way, 1))
    shown: set[Step] = set()
    names = [
        name
        for name, _ in ranked(
            Counter(value(one, query) for one in EVENTS if one.name not in query.exclude_events).items()
        )
    ]
    for step in range(1, query.steps + 1):
        here = sorted(((-number, names.index(key), key) for (place, key), number in people.items() if place == step))
        shown |= {(step, key) for minus, _, key in here[: query.limit] if -minus >= query.min_support}

    def node(step: int, key: str | None) -> tuple[int, str, str | None]:
        return (step, "value", key) if (step, key) in shown else (step, "other", None)

    nodes = Counter(node(place, key) for way in walked for place, key in enumerate(way, 1))
    ended = Counter(node(len(way), way[-1]) for way in walked)
    links = Counter(
        (node(place, way[place - 1]), node(place + 1, way[place])) for way in walked for place in range(1, len(way))
    )
    by_id = {one.id: (one.step, one.kind, one.key) for one in answer.nodes}
    assert {by_id[one.id]: one.people for one in answer.nodes} == nodes
    assert {by_id[one.id]: one.ended for one in answer.nodes if one.ended} == ended
    assert {(by_id[one.source], by_id[one.target]): one.people for one in answer.links} == links
    assert answer.people == len(walked)
    whole = Counter(tuple(way) for way in walked)
    assert {tuple(one.keys): one.people for one in answer.paths}.items() <= whole.items()
    assert [one.people for one in answer.paths] == sorted(
        (n for n in whole.values() if n >= query.min_support), reverse=True
    )[:50]


def ask(warehouse: Warehouse, query: PathsQuery) -> PathsAnswer:
    return asyncio.run(paths(query, PROJECT, warehouse))


def test_paths_from_what_never_happened_are_empty_and_say_where_to_look(warehouse: Warehouse) -> None:
    answer = ask(warehouse, PathsQuery(**RANGE, starting=Act(event="never")))
    assert (answer.nodes, answer.links, answer.people) == ([], [], 0)
    assert answer.hint


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"starting": Act(event="a"), "ending": Act(event="b")}, "`start` and `end`"),
        ({"starting": Act()}, "`start`"),
        ({"ending": Act(event="a", any_of=["b"])}, "`end`"),
        ({"events": ["a"], "exclude_events": ["a"]}, "`exclude_events`"),
    ],
)
def test_what_makes_no_paths_is_refused_by_its_field(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected) as refused:
        PathsQuery(**RANGE, **asked).check()
    assert refused.value.refusal is Refusal.BAD_QUESTION
    assert refused.value.detail.startswith(named)


def test_behind_each_node_link_and_whole_way_are_as_many_people(warehouse: Warehouse) -> None:
    for query in questions()[:4]:
        answer = ask(warehouse, query)
        nodes = {node.id: node for node in answer.nodes}
        for node in answer.nodes:
            assert behind(warehouse, query, way=[stop(node)], step=node.step) == node.people
        for link in answer.links[:6]:
            source, target = nodes[link.source], nodes[link.target]
            assert behind(warehouse, query, way=[stop(source), stop(target)], step=source.step) == link.people
        for path in answer.paths[:6]:
            stops = [Stop(key=key, kind=kind) for key, kind in zip(path.keys, path.kinds, strict=True)]
            assert behind(warehouse, query, way=stops, whole=True) == path.people
    assert behind(warehouse, questions()[0], way=[Stop(key="nobody came here")]) == 0


def stop(node: Node) -> Stop:
    return Stop(key=node.key, kind=node.kind)


def behind(warehouse: Warehouse, query: PathsQuery, **way: Any) -> int:
    asked = {name: getattr(query, name) for name in query.__struct_fields__}
    return len(asyncio.run(people(PathsPeopleQuery(**asked, **way, page=1_000), PROJECT, warehouse)).items)
