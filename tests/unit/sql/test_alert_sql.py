"""The SQL of alert rules' numbers, word by word, with its bound values.

`python -m tests.unit.sql.test_alert_sql` writes alerts.golden anew; the difference is what to review.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from functions.alert_evaluate.late import earliest
from functions.alert_evaluate.numbers import Finder, Judging
from functions.alert_evaluate.rules import Rule
from shared.query.ask import Asker
from shared.query.request import from_json
from shared.warehouse.client import Answer

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
END = datetime(2026, 3, 31, 12, tzinfo=UTC)
GOLDEN = Path(__file__).with_name("alerts.golden")
MARKED = "x'); DROP TABLE events --"
PLAN = [{"property": "properties.plan", "value": MARKED}]


class Recorder:
    """A warehouse that answers nothing and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        self.asked.append((sql, parameters))
        return Answer((), [("DE", 3.0), (MARKED, 1.0)] if "group_key" in sql else [], 0)


def rule(query: dict[str, Any], condition: dict[str, Any] | None = None, window: str = "1h") -> Rule:
    given = {"name": "n", "query": query, "window": window, "condition": condition or {"type": "absence"}}
    return from_json(msgspec.json.encode(given), Rule).checked()


def asked(*rules: Rule, kept: Sequence[str] = ()) -> str:
    recorder = Recorder()
    judgings = [Judging(one, PROJECT, END, kept) for one in rules]
    asyncio.run(Finder(lambda measure: Asker(recorder, function="t", measure=measure), at_once=1).find(judgings))
    return _shown(recorder)


def late() -> str:
    recorder = Recorder()
    asyncio.run(earliest([PROJECT, uuid.UUID(int=7)], END, Asker(recorder, function="t")))
    return _shown(recorder)


def _shown(recorder: Recorder) -> str:
    return "\n".join(f"{sql.strip()}\n{json.dumps(values, ensure_ascii=False)}" for sql, values in recorder.asked)


def written() -> str:
    change = {"type": "change", "value": 1}
    cases = {
        "many counts of some events": asked(rule({"events": ["a"]}), rule({"events": [MARKED, "a"], "filters": PLAN})),
        "many counts, one of all events": asked(rule({"events": ["a"]}), rule({"filters": PLAN})),
        "groups": asked(rule({"events": ["a"], "group_by": "country", "top": 3}, change), kept=[MARKED]),
        "groups of a property by a sum": asked(rule({"measure": "sum:price", "group_by": "properties.plan"})),
        "a series": asked(rule({"events": ["a"]}, {"type": "anomaly", "method": "seasonal"})),
        "late events": late(),
    }
    return "".join(f"== {name}\n{text}\n\n" for name, text in cases.items())


def test_the_sql_is_what_was_reviewed() -> None:
    assert written() == GOLDEN.read_text(encoding="utf-8")


def test_no_text_of_a_rule_is_part_of_a_statement() -> None:
    statements = [line for line in written().splitlines() if not line.startswith("{")]
    assert not [line for line in statements if MARKED in line]


if __name__ == "__main__":
    GOLDEN.write_text(written(), encoding="utf-8")
