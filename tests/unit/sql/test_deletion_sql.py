"""The SQL that deletes, word by word, with its bound values: what a change of a builder changes is seen here.

`python -m tests.unit.sql.test_deletion_sql` writes deletion.golden anew; the difference is what to review.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from functions.retention_enforce.plan import Plan, Rule, Scope, due_events, due_rejected
from shared.query.parameters import chunks
from shared.warehouse.deletion import Rows, statement
from shared.warehouse.personal import events_of

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
GOLDEN = Path(__file__).with_name("deletion.golden")


def whole(which: Rows | None) -> str:
    assert which is not None
    text = statement("delete_rows", which, partition="20260105").strip()
    return f"{text}\n{json.dumps(which.values, ensure_ascii=False)}"


def conditions(people: list[str]) -> list[Rows]:
    own, naming = events_of(PROJECT, people)
    return [*own, *naming]


def sections() -> Iterator[tuple[str, str]]:
    people = ["u:ada", "u:it's", "a:device", "u:/*ids*/"]
    for number, which in enumerate(conditions(people)):
        yield f"people {number}", whole(which)
    plan, ours = Plan(30, 7, [Rule("it's", 10), Rule("kept", None)]), Scope(PROJECT, NOW)
    yield "events that are due", whole(due_events(plan, ours))
    yield "events that are due in partitions", whole(due_events(plan, ours, ["20251229", "20260105"]))
    yield "rejected events that are due", whole(due_rejected(plan, ours))
    yield "with people under hold", whole(due_events(plan, Scope(PROJECT, NOW, uuid.UUID(int=7))))


def rendered() -> str:
    return "\n\n".join(f"== {name}\n{text}" for name, text in sections()) + "\n"


def test_the_statements_are_those_that_were_reviewed() -> None:
    assert rendered() == GOLDEN.read_text(encoding="utf-8")


def test_no_id_reaches_the_text_of_a_statement() -> None:
    for which in conditions(["u:ada'); DROP", "a:ada'); DROP"]):
        assert "ada" not in which.where
        assert any("ada'); DROP" in str(value) for value in which.values.values())


def test_ids_are_told_in_statements_that_servers_take() -> None:
    ids = ["x" * 500] * 30 + ["y"] * 250
    found = list(chunks(ids))
    assert [one for chunk in found for one in chunk] == ids
    assert all(len(chunk) <= 250 and sum(map(len, chunk)) <= 6_000 for chunk in found)
    assert list(chunks([])) == []


if __name__ == "__main__":
    GOLDEN.write_text(rendered(), encoding="utf-8")
