"""A webhook's filter and a query's mean the same: every operator on awkward values, in Python and in the warehouse."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from functions.webhooks.matching import Matcher, Wanted
from shared.events import Row
from shared.query.ask import Asker
from shared.query.filters import Filter, condition
from shared.query.parameters import Parameters
from shared.refusals import Rejected
from tests.integration.reading import Stored, batch, row, stored

CHUNK = 50
VALUES: list[Any] = [
    "", "a", "A", "5", "5.0", "05", "+5", ".5", "5.", "1e3", "1_000", " 5", "inf", "NaN", "true", "ё", "a'b\\c",
    0, 5, -5, 5.0, 5.5, 1.1, 0.1, 1e-7, 1e-6, 123456789.125, 1e20, 1e21, 1e22, -0.0, 2**53, 2**53 + 1, 2**63, 2**64 - 1,
    True, False, None, [1, 2], ["a", "b'"], [], {"b": 1}, {},
]  # fmt: skip
ASKED: list[Any] = [
    "",
    "a",
    "5",
    "5.0",
    "ё",
    "true",
    0,
    5,
    5.5,
    1.1,
    -5,
    1000,
    1e-7,
    1e21,
    2**53,
    2**53 + 1,
    True,
    False,
]


@pytest.fixture(scope="module")
def filters() -> list[Filter]:
    """Every operator with every value it takes."""
    found = []
    for name in ("properties.v", "properties.o.p", "user_id", "event", "bot", "revenue"):
        found += [Filter(name, "is_set"), Filter(name, "not_set")]
        for op, value in itertools.product(("eq", "ne", "gt", "gte", "lt", "lte"), ASKED):
            found.append(Filter(name, op, value))  # type: ignore[arg-type]  # an operator
        for op in ("contains", "not_contains", "starts_with"):
            found += [Filter(name, op, value) for value in ("a", "5", ".", "ё", "[1")]  # type: ignore[arg-type]  # as above
        found += [Filter(name, op, ["a", 5, "true", True]) for op in ("in", "not_in")]
    return [each for each in found if _is_taken(each)]


def _is_taken(wanted: Filter) -> bool:
    try:
        condition(wanted, Parameters())
    except Rejected:
        return False
    return True


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("matching")) as engine:
        yield engine


def rows() -> list[Row]:
    found = [row("e", properties={"v": value}, client_id=f"v{n}") for n, value in enumerate(VALUES)]
    found += [row("e", properties={"o": {"p": value}}, client_id=f"n{n}") for n, value in enumerate(VALUES)]
    found += [row("e", properties={"o.p": value}, client_id=f"d{n}") for n, value in enumerate(VALUES)]
    texts = [value for value in VALUES if isinstance(value, str)]
    found += [row(text or "e", user_id=text, client_id=f"u{n}") for n, text in enumerate(texts)]
    numbers = (0.0, 5.0, 5.5, 1.1, -5.0, 1e-7, 1e21, 123456789.125)
    found += [row("e", revenue=number, bot=n % 2 == 0, client_id=f"r{n}") for n, number in enumerate(numbers)]
    return found


def test_a_webhook_gets_what_a_query_counts(engine: Stored, filters: list[Filter]) -> None:
    project = uuid.uuid4()
    message = batch(project, *rows())
    engine.put(message)
    sent = [msgspec.json.decode(line) for line in message.data.splitlines()]
    differ: list[Any] = []
    for start in range(0, len(filters), CHUNK):
        asked = filters[start : start + CHUNK]
        parameters = Parameters()
        conditions = ", ".join(f"toUInt8({condition(one, parameters)})" for one in asked)
        where = f"project_id = {parameters.bind('UUID', str(project))}"
        sql = f"SELECT client_id, [{conditions}] FROM events FINAL WHERE {where}"
        answer = engine.run(Asker(engine.warehouse, function="test").ask(sql, parameters.values))
        expected = dict(answer.rows)
        assert len(expected) == len(sent)
        for number, wanted in enumerate(asked):
            matcher = Matcher(Wanted(filters=[wanted]))
            differ += [
                (wanted, each["properties_raw"], each.get("user_id"), each.get("revenue"))
                for each in sent
                if matcher.matches(each) != bool(expected[each["client_id"]][number])
            ]
    assert len(filters) > 400
    assert differ == []
