"""Attribution on the real engine, against plain Python over the same histories."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.query_attribution.logic import AttributionAnswer, attribution, people
from functions.query_attribution.question import MODELS, AttributionPeopleQuery, AttributionQuery
from shared.query.acts import Act
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.integration.histories import Event, by_person, warehouse_with

PROJECT = uuid.UUID("018f0000-0000-7000-8000-0000000000fd")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN, END = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
RANGE: dict[str, Any] = {"start": "2026-01-15", "end": "2026-01-31"}
DAY = timedelta(days=1)
QUESTIONS = 26


def histories() -> list[Event]:
    """People with up to nine events each over five weeks, many on the same half day."""
    chance = random.Random(4)
    return [
        Event(
            f"{person:03}",
            chance.choice(["view", "view", "click", "buy"]),
            FIRST + timedelta(hours=12 * chance.randrange(70)),
            {"source": chance.choice(["ads", "mail", "search", None]), "price": chance.choice([None, 2.0, 10.0])},
        )
        for person in range(400)
        for _ in range(chance.randrange(10))
    ]


EVENTS = histories()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_with(tmp_path_factory.mktemp("attribution"), PROJECT, EVENTS) as opened:
        yield opened


def questions() -> list[AttributionQuery]:
    chance = random.Random(9)
    return [
        AttributionQuery(
            **RANGE,
            conversion=Act(event="buy"),
            touch=chance.choice([Act(), Act(event="view"), Act(any_of=["view", "click"])]),
            by="properties.source",
            lookback=chance.choice(["1d", "5d", "30d"]),
            half_life=chance.choice(["12h", "7d"]),
            value="price",
            collapse=chance.random() < 0.5,
        )
        for _ in range(QUESTIONS)
    ]


def shares(query: AttributionQuery, times: list[float], model: str) -> list[float]:
    """What each touch is credited with; `times` are days before the conversion, the longest first."""
    number = len(times)
    match model:
        case "first":
            return [1.0] + [0.0] * (number - 1)
        case "last":
            return [0.0] * (number - 1) + [1.0]
        case "linear":
            return [1 / number] * number
        case "position":
            if number <= 2:
                return [1 / number] * number
            return [0.4] + [0.2 / (number - 2)] * (number - 2) + [0.4]
        case _:
            half_life = {"12h": 0.5, "7d": 7.0}[query.half_life]
            weights = [0.5 ** (days / half_life) for days in times]
            return [weight / sum(weights) for weight in weights]


def expected(query: AttributionQuery) -> dict[tuple[str | None, str], tuple[float, float]]:
    conversions: Counter[tuple[str | None, str]] = Counter()
    values: Counter[tuple[str | None, str]] = Counter()
    lookback = DAY * int(query.lookback[:-1])
    for events in by_person(EVENTS).values():
        touches = sorted(
            (one.at, one.properties["source"])
            for one in events
            if one.properties["source"] and (not query.touch.events or one.name in query.touch.events)
        )
        for bought in events:
            if bought.name != "buy" or not BEGIN <= bought.at < END:
                continue
            seen = [touch for touch in touches if bought.at - lookback <= touch[0] <= bought.at]
            if query.collapse:
                seen = [touch for place, touch in enumerate(seen) if not place or seen[place - 1][1] != touch[1]]
            for model in MODELS:
                parts = shares(query, [(bought.at - at) / DAY for at, _ in seen], model) if seen else [1.0]
                for key, part in zip([source for _, source in seen] or [None], parts, strict=True):
                    conversions[key, model] += part  # type: ignore[assignment]  # a part of one
                    values[key, model] += part * (bought.properties["price"] or 0)  # type: ignore[assignment]
    return {place: (conversions[place], values[place]) for place in conversions}


def ask(warehouse: Warehouse, query: AttributionQuery) -> AttributionAnswer:
    return asyncio.run(attribution(query, PROJECT, warehouse))


@pytest.mark.parametrize("query", questions(), ids=[str(number) for number in range(QUESTIONS)])
def test_credits_are_what_plain_python_shares_out(warehouse: Warehouse, query: AttributionQuery) -> None:
    answer = ask(warehouse, query)
    found = {
        (row.key, model): (one.conversions, one.value) for row in answer.rows for model, one in row.credits.items()
    }
    wanted = expected(query)
    assert found.keys() == wanted.keys()
    for place, (conversions, value) in wanted.items():
        assert found[place] == (pytest.approx(conversions), pytest.approx(value))
    bought = [one for one in EVENTS if one.name == "buy" and BEGIN <= one.at < END]
    assert answer.conversions == pytest.approx(len(bought))
    assert answer.value == pytest.approx(sum(one.properties["price"] or 0 for one in bought))


def test_what_is_past_the_limit_is_all_others(warehouse: Warehouse) -> None:
    query = questions()[0]
    whole = ask(warehouse, query)
    short = ask(
        warehouse,
        AttributionQuery(**{**{name: getattr(query, name) for name in query.__struct_fields__}, "limit": 1}),
    )
    assert short.rows == whole.rows[:1]
    rest = sum(row.credits["linear"].conversions for row in whole.rows[1:])
    assert short.other["linear"].conversions == pytest.approx(rest)
    assert short.conversions == pytest.approx(whole.conversions)


def touches_of(query: AttributionQuery, key: str | None) -> dict[str, set[str]]:
    """By model, whose conversions are credited to a key."""
    found: dict[str, set[str]] = {model: set() for model in MODELS}
    lookback = DAY * int(query.lookback[:-1])
    for user, events in by_person(EVENTS).items():
        touches = sorted((one.at, one.properties["source"]) for one in events if one.properties["source"])
        for bought in (one for one in events if one.name == "buy" and BEGIN <= one.at < END):
            seen = [source for at, source in touches if bought.at - lookback <= at <= bought.at]
            for model in MODELS:
                credited = {"first": seen[:1], "last": seen[-1:]}.get(model, seen)
                if key in credited or (key is None and not seen):
                    found[model].add(f"u:{user}")
    return found


def test_behind_each_row_are_those_whose_conversions_it_is_credited_with(warehouse: Warehouse) -> None:
    query = AttributionQuery(**RANGE, conversion=Act(event="buy"), by="properties.source", lookback="5d")
    asked = msgspec.to_builtins(query, str_keys=True)

    def behind(**more: Any) -> set[str]:
        who = msgspec.convert({**asked, **more, "page": 1_000}, AttributionPeopleQuery)
        return {one.id for one in asyncio.run(people(who, PROJECT, warehouse)).items}

    for row in ask(warehouse, query).rows:
        wanted = touches_of(query, row.key)
        for model in MODELS:
            assert behind(key=row.key, model=model) == wanted[model]
    shown = ask(warehouse, msgspec.structs.replace(query, limit=2)).rows
    hidden = {"ads", "mail", "search", None} - {row.key for row in shown}
    assert behind(others=True, limit=2) == set[str]().union(*(touches_of(query, key)["first"] for key in hidden))


def test_a_touch_of_long_ago_has_everything_however_soon_credit_decays(warehouse: Warehouse) -> None:
    query = AttributionQuery(**RANGE, conversion=Act(event="buy"), by="properties.source", half_life="1s")
    answer = ask(warehouse, query)
    decayed = sum(row.credits["time_decay"].conversions for row in answer.rows)
    assert decayed == pytest.approx(answer.conversions)


def test_nobody_who_converts_is_answered_with_where_to_look(warehouse: Warehouse) -> None:
    answer = ask(warehouse, AttributionQuery(**RANGE, conversion=Act(event="never")))
    assert (answer.rows, answer.conversions) == ([], 0)
    assert answer.hint


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"conversion": Act()}, "`conversion`"),
        ({"touch": Act(event="a", any_of=["b"])}, "`touch`"),
        ({"lookback": "367d"}, "`lookback`"),
        ({"half_life": "0d"}, "`half_life`"),
        ({"models": []}, "`models`"),
        ({"models": ["first", "first"]}, "`models`"),
    ],
)
def test_what_cannot_be_shared_out_is_refused_by_its_field(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected) as refused:
        AttributionQuery(**{**RANGE, "conversion": Act(event="buy"), **asked}).check()
    assert refused.value.refusal is Refusal.BAD_QUESTION
    assert refused.value.detail.startswith(named)
