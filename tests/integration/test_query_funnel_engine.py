"""Funnels on the real engine: thousands of histories against every way tried in plain Python, and known answers."""

import asyncio
import random
import statistics
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.query_funnel.logic import FunnelAnswer, FunnelPerson, funnel, people
from shared.query.filters import Filter
from shared.query.funnel.question import BehindQuery, Exclusion, FunnelQuery, Step
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.funnel_reference import Moment, Rules, reached
from tests.integration.histories import Event, warehouse_with

PROJECT = uuid.UUID("018f0000-0000-7000-8000-0000000000fa")
START = datetime(2026, 1, 1, tzinfo=UTC)
END_SECONDS = 8
RANGE: dict[str, Any] = {"start": "2026-01-01T00:00:00", "end": f"2026-01-01T00:00:0{END_SECONDS}"}
PEOPLE = 400
QUESTIONS = 26
NAMES = "abcd"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_with(tmp_path_factory.mktemp("funnel"), PROJECT, EVENTS) as opened:
        yield opened


def histories() -> list[Event]:
    """People with up to seven events each, many of them at one instant, some after the range's end."""
    chance = random.Random(20_261_121)
    return [
        Event(
            f"{person:03}",
            chance.choice(NAMES),
            START + timedelta(seconds=chance.randrange(END_SECONDS + 3)),
            {"plan": chance.choice(["pro", "free", None])},
        )
        for person in range(PEOPLE)
        for _ in range(chance.randrange(8))
    ]


def second(event: Event) -> int:
    return (event.at - START) // timedelta(seconds=1)


def plan(event: Event) -> str | None:
    found: str | None = event.properties["plan"]
    return found


EVENTS = histories()


def questions() -> list[FunnelQuery]:
    chance = random.Random(7)
    return [question(chance) for _ in range(QUESTIONS)]


def question(chance: random.Random) -> FunnelQuery:
    number = chance.randint(2, 4)
    order = chance.choice(["sequential", "sequential", "sequential", "strict", "any"])
    ties = chance.choice(["after", "at_or_after", "at_or_after"]) if order == "sequential" else "after"
    steps = [Step(event=name) for name in chance.sample(NAMES, number)]
    if order != "any":
        steps = [step(chance) for _ in range(number)]
    places = sorted(chance.sample(range(1, number + 1), 2))
    exclude = [Exclusion(event=chance.choice(NAMES), between=(places[0], places[1]))] if chance.random() < 0.5 else []
    return FunnelQuery(
        **RANGE,
        steps=steps,
        window=f"{chance.randint(1, 7)}s",
        order=order,  # type: ignore[arg-type]  # one of its values
        ties=ties,  # type: ignore[arg-type]  # one of its values
        exclude=[] if order == "any" else exclude,
        hold=["properties.plan"] if chance.random() < 0.3 else [],
    )


def step(chance: random.Random) -> Step:
    return chance.choice(
        [
            Step(event=chance.choice(NAMES)),
            Step(event=chance.choice(NAMES)),
            Step(any_of=chance.sample(NAMES, 2)),
            Step(event=chance.choice(NAMES), filters=[Filter("properties.plan", "eq", "pro")]),
            Step(filters=[Filter("properties.plan", "ne", "free")]),
        ]
    )


def fits(event: Event, wanted: Step) -> bool:
    for one in wanted.filters:
        same = plan(event) == one.value
        if same != (one.op == "eq"):
            return False
    return not wanted.events or event.name in wanted.events


def expected(query: FunnelQuery, user: str) -> list[tuple[str, float] | None]:
    rules = Rules(
        len(query.steps),
        query.micros,
        END_SECONDS * 1_000_000,
        query.order,
        query.ties,
        [one.between for one in query.exclude],
    )
    moments = [
        Moment(
            second(event) * 1_000_000,
            frozenset(place for place, one in enumerate(query.steps) if fits(event, one)),
            frozenset(place for place, one in enumerate(query.exclude) if event.name == one.event),
            (plan(event),) if query.hold else (),
        )
        for event in EVENTS
        if event.user == user and second(event) * 1_000_000 < END_SECONDS * 1_000_000 + query.micros
    ]
    return [
        None if one is None else ((START + timedelta(microseconds=one[0])).isoformat(), one[1] / 1_000_000)
        for one in reached(moments, rules)
    ]


def ask(warehouse: Warehouse, query: FunnelQuery, project: uuid.UUID = PROJECT) -> FunnelAnswer:
    return asyncio.run(funnel(query, project, warehouse))


def behind(warehouse: Warehouse, query: FunnelQuery, step: int, **more: Any) -> list[FunnelPerson]:
    asked = {name: getattr(query, name) for name in query.__struct_fields__}
    wanted = BehindQuery(**asked, step=step, page=1_000, **more)
    page = asyncio.run(people(wanted, PROJECT, warehouse))
    assert page.next_cursor is None
    return page.items


def users() -> list[str]:
    return sorted({event.user for event in EVENTS})


@pytest.mark.parametrize("query", questions(), ids=[str(number) for number in range(QUESTIONS)])
def test_everybody_comes_as_far_as_every_way_tried_in_plain_python(warehouse: Warehouse, query: FunnelQuery) -> None:
    by_user = {user: expected(query, user) for user in users()}
    answer = ask(warehouse, query)
    for place, step in enumerate(answer.steps):
        came = {user: ways[place] for user, ways in by_user.items() if ways[place] is not None}
        found = {
            one.id.removeprefix("u:"): (one.reached_at, one.seconds) for one in behind(warehouse, query, place + 1)
        }
        assert found == came
        assert step.count == len(came)


def test_what_is_shown_besides_agrees_with_the_people(warehouse: Warehouse) -> None:
    query = FunnelQuery(
        **RANGE, steps=[Step(event="a"), Step(event="b")], window="5s", breakdown="properties.plan", interval="minute"
    )
    answer = ask(warehouse, query)
    began, came = behind(warehouse, query, 1), behind(warehouse, query, 2)
    assert [step.count for step in answer.steps] == [len(began), len(came)]
    assert {one.id for one in behind(warehouse, query, 1, dropped=True)} == {one.id for one in began} - {
        one.id for one in came
    }
    assert answer.steps[1].median_seconds == statistics.median(one.seconds for one in came)
    assert sum(one.count for one in answer.times) == len(came)
    assert answer.trend is not None
    assert [(one.entered, one.completed) for one in answer.trend] == [(len(began), len(came))]
    assert answer.breakdown is not None
    assert {one.key for one in answer.breakdown.groups} == {"pro", "free", None}
    assert sum(one.steps[1].count for one in answer.breakdown.groups) == len(came)
    assert answer.breakdown.other == [0, 0]
    for group in answer.breakdown.groups:
        for place, step in enumerate(group.steps, start=1):
            assert len(behind(warehouse, query, place, group=[group.key])) == step.count
    for bar in answer.times:
        assert len(behind(warehouse, query, 2, took=(bar.from_seconds, bar.to_seconds))) == bar.count
    [point] = answer.trend
    for step, count in ((1, point.entered), (2, point.completed)):
        assert len(behind(warehouse, query, step, time=point.time)) == count


def test_all_other_groups_have_the_people_that_no_named_group_has(warehouse: Warehouse) -> None:
    query = FunnelQuery(**RANGE, steps=[Step(event="a"), Step(event="b")], breakdown="properties.plan", limit=1)
    found = ask(warehouse, query).breakdown
    assert found is not None
    [named] = found.groups
    for place, count in enumerate(found.other, start=1):
        others = {one.id for one in behind(warehouse, query, place, others=True)}
        assert len(others) == count > 0
        assert others.isdisjoint(one.id for one in behind(warehouse, query, place, group=[named.key]))


@pytest.mark.parametrize(("touch", "pick"), [("first", min), ("last", max)])
def test_a_person_belongs_to_the_group_of_one_first_step(
    warehouse: Warehouse, touch: Any, pick: Callable[..., Any]
) -> None:
    query = FunnelQuery(**RANGE, steps=[Step(event="a"), Step(event="b")], breakdown="properties.plan", touch=touch)
    groups: Counter[str | None] = Counter()
    for user in users():
        firsts = [
            (second(e), plan(e) or "", plan(e))
            for e in EVENTS
            if (e.user, e.name) == (user, "a") and second(e) < END_SECONDS
        ]
        if firsts:
            groups[pick(firsts)[2]] += 1
    found = ask(warehouse, query).breakdown
    assert found is not None
    assert {one.key: one.steps[0].count for one in found.groups} == groups


def test_pages_hold_everybody_once(warehouse: Warehouse) -> None:
    steps = [Step(event="a"), Step(event="b")]
    whole = [one.id for one in behind(warehouse, FunnelQuery(**RANGE, steps=steps), 1)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = BehindQuery(**RANGE, steps=steps, step=1, page=37, cursor=cursor)
        page = asyncio.run(people(asked, PROJECT, warehouse))
        found += [one.id for one in page.items]
        cursor = page.next_cursor
    assert found == whole


def test_a_funnel_nobody_began_is_empty_and_says_where_to_look(warehouse: Warehouse) -> None:
    steps = [Step(event="never"), Step(event="a")]
    answer = ask(warehouse, FunnelQuery(**RANGE, steps=steps, breakdown="properties.plan", interval="minute"))
    assert [(step.count, step.conversion, step.median_seconds) for step in answer.steps] == [(0, None, None)] * 2
    assert "first step" in answer.hint
    assert answer.breakdown is not None
    assert answer.breakdown.groups == []


def test_sessions_are_counted_like_people(warehouse: Warehouse) -> None:
    query = FunnelQuery(**RANGE, steps=[Step(event="a"), Step(event="b")])
    by_session = msgspec.structs.replace(query, count_by="sessions")
    assert ask(warehouse, by_session).steps == ask(warehouse, query).steps


def test_in_any_order_an_event_that_fits_two_steps_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(Rejected) as refused:
        ask(warehouse, FunnelQuery(**RANGE, steps=[Step(event="a"), Step(any_of=["a", "b"])], order="any"))
    assert refused.value.refusal is Refusal.BAD_QUESTION


def test_explaining_runs_nothing(warehouse: Warehouse) -> None:
    answer = ask(warehouse, FunnelQuery(**RANGE, steps=[Step(event="a"), Step(event="b")], explain=True))
    assert answer.plan.estimated_rows is not None
    assert [step.count for step in answer.steps] == [0, 0]
