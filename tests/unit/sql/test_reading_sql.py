"""The SQL of what reads single events, word by word, with its bound values.

`python -m tests.unit.sql.test_reading_sql` writes reading.golden anew; the difference is what to review.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from functions.query_events.logic import EventsQuery
from functions.query_events.logic import Key as EventKey
from functions.query_events.logic import to_sql as events_sql
from functions.query_schema import logic as schema
from functions.receipts.logic import look_up
from functions.rejected.logic import Key as RejectedKey
from functions.rejected.logic import ReasonsQuery, RejectedQuery, count_reasons, list_sql
from shared.clock import FixedClock
from shared.events import Receipt
from shared.query.filters import Filter
from shared.query.pages import open_page
from shared.query.period import parse_period
from shared.warehouse.client import Answer

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
GOLDEN = Path(__file__).with_name("reading.golden")
CLOCK = FixedClock(1_795_224_000_123_456)
PERIOD = parse_period("2026-01-10", "2026-01-12T06:30:00.5")
RANGE: dict[str, Any] = {"start": "2026-01-10", "end": "2026-01-12T06:30:00.5"}
MICROS = 1_768_176_000_000_001
ID = uuid.UUID(int=7)
MARKED = "x'); DROP TABLE events --"


class Recorder:
    """A warehouse that answers rows put ready and keeps what it was asked."""

    def __init__(self, *answers: list[tuple[Any, ...]]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        self.asked.append((sql, parameters))
        return Answer((), self._answers.pop(0) if self._answers else [], 0)


def whole(sql: str, values: dict[str, Any]) -> str:
    return f"{sql.strip()}\n{json.dumps(values, ensure_ascii=False)}"


def asked_names(text: str = "") -> Sequence[tuple[str, dict[str, Any]]]:
    query = schema.NamesQuery(**RANGE, q=text, cursor=_schema_cursor(schema.NamesQuery(**RANGE, q=text), "events"))
    asyncio.run(schema.events(query, PROJECT, (warehouse := Recorder()), CLOCK))
    return warehouse.asked


def asked_properties(text: str = "") -> Sequence[tuple[str, dict[str, Any]]]:
    query = schema.PropertiesQuery(**RANGE, q=text, events=["a", text], limit=2)
    found = [("plan.name", 3, [("String", 3)], "plan.name", 1), ("a..b", 2, [("Int64", 2)], "a..b", 2)]
    warehouse = Recorder(found, [(["1"],)])
    asyncio.run(schema.properties(query, PROJECT, warehouse, CLOCK))
    return warehouse.asked


def asked_values(name: str, text: str = "") -> Sequence[tuple[str, dict[str, Any]]]:
    query = schema.ValuesQuery(**RANGE, q=text, property=name, event=text)
    asyncio.run(schema.values(query, PROJECT, (warehouse := Recorder()), CLOCK))
    return warehouse.asked


def _schema_cursor(query: schema.NamesQuery, listed: str) -> str:
    page = open_page(query, schema.Key, listed=f"schema/{listed}", project_id=PROJECT, now=PERIOD.end, days=30)
    return page.cursor(schema.Key(5, "begins", 9))


def asked_reasons(**more: str) -> Sequence[tuple[str, dict[str, Any]]]:
    asyncio.run(count_reasons(ReasonsQuery(**RANGE, **more), PROJECT, (warehouse := Recorder()), CLOCK))
    return warehouse.asked


def asked_receipt() -> Sequence[tuple[str, dict[str, Any]]]:
    token = Receipt(PROJECT, ID, 2, 3, 1, uuid.UUID(int=70), 1, 1).token()
    asyncio.run(look_up(token, PROJECT, (warehouse := Recorder([(str(ID), 1, 1, 1, 1)]))))
    return warehouse.asked


def sections() -> Iterator[tuple[str, str]]:
    yield "events", whole(*events_sql(EventsQuery(), PROJECT, PERIOD, None))
    narrow = EventsQuery(
        events=["a", "it's"], users=["u1"], user_id="u2", filters=[Filter("properties.n", "gt", 1)], limit=7
    )
    yield (
        "events, all conditions, a later page",
        whole(*events_sql(narrow, PROJECT, PERIOD, EventKey(MICROS, ID, "a", 9))),
    )
    yield "rejected", whole(*list_sql(RejectedQuery(), PROJECT, PERIOD, None))
    every = RejectedQuery(reason="bad_id", event="a", source="store", limit=7)
    yield "rejected, all conditions, a later page", whole(*list_sql(every, PROJECT, PERIOD, RejectedKey(MICROS, ID, 3)))
    for name, asked in {
        "reasons": asked_reasons(),
        "reasons, all conditions": asked_reasons(reason="bad_id", event="a", source="ingest"),
        "receipt": asked_receipt(),
        "schema of events, a later page": asked_names(),
        "schema of events, by their beginning": asked_names("Vi"),
        "schema of properties": asked_properties(),
        "schema of properties, by their beginning": asked_properties("Pl"),
        "values of a column": asked_values("browser"),
        "values of a property": asked_values("plan.name", "Pr"),
        "values of a looked-up attribute": asked_values("lookups.products.name"),
    }.items():
        for number, (sql, values) in enumerate(asked, start=1):
            yield f"{name}, statement {number}", whole(sql, values)


def written() -> dict[str, str]:
    found = (section.partition("\n") for section in GOLDEN.read_text(encoding="utf-8").split("== ")[1:])
    return {name: text.strip() for name, _, text in found}


@pytest.mark.parametrize(("name", "text"), [pytest.param(*section, id=section[0]) for section in sections()])
def test_the_sql_is_the_reviewed_one(name: str, text: str) -> None:
    assert text == written()[name]


def test_nothing_is_left_in_the_golden_file() -> None:
    assert list(written()) == [name for name, _ in sections()]


@pytest.mark.parametrize(("name", "text"), [pytest.param(*section, id=section[0]) for section in sections()])
def test_every_statement_is_of_one_project_and_counts_repeats_once(name: str, text: str) -> None:
    selects, projects = len(re.findall(r"FROM \w+ FINAL\n", text)), text.count("project_id = {p")
    assert selects >= 1
    assert projects == selects, name
    assert "PREWHERE" not in text


def test_no_value_of_a_caller_stands_in_the_sql() -> None:
    asked = [
        events_sql(
            EventsQuery(events=[MARKED], users=[MARKED], user_id=MARKED), PROJECT, PERIOD, EventKey(1, ID, MARKED, 1)
        ),
        list_sql(RejectedQuery(event=MARKED), PROJECT, PERIOD, None),
        *asked_names(MARKED),
        *asked_properties(MARKED),
        *asked_values("plan", MARKED),
    ]
    for sql, values in asked:
        assert "DROP" not in sql
        assert MARKED in str(values)


def test_a_property_that_looks_like_sql_or_a_mark_stays_a_name() -> None:
    for name in (MARKED, "/*scope*/", "a`b", "back\\slash"):
        [(sql, _)] = asked_values(name)
        assert f"properties.`{name}`".replace("a`b", "a\\`b").replace("back\\slash", "back\\\\slash") in sql


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"== {name}\n{text}\n\n" for name, text in sections()), encoding="utf-8")
