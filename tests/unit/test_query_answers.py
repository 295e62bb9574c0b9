"""Answers that are kept while their range has the same version."""

import asyncio
from typing import Any

import pytest

from shared.query.answers import Remembering
from shared.refusals import UnavailableError
from shared.warehouse.client import Answer, Warehouse


class Asked(Warehouse):
    """Notes what is asked of it and answers with how often that was."""

    def __init__(self, *, text: str = "") -> None:
        self.asked = 0
        self.away = False
        self.open = asyncio.Event()
        self.open.set()
        self._text = text

    async def query(self, sql: str, parameters: Any = None) -> Answer:
        self.asked += 1
        await self.open.wait()
        if self.away:
            raise UnavailableError("away")
        return Answer(("n", "text"), [(self.asked, self._text)], 7)


async def test_the_same_question_at_the_same_version_is_asked_once() -> None:
    asked = Asked()
    kept = Remembering(asked)
    first, known = await kept.query_at((1,), "SELECT {p:String}", {"p": "a"})
    assert (first.value, known) == (1, False)
    again, known = await kept.query_at((1,), "SELECT {p:String}", {"p": "a"})
    assert (again.value, known) == (1, True)
    for version, sql, value in (
        (2, "SELECT {p:String}", "a"),
        (1, "SELECT {p:Int8}", "a"),
        (1, "SELECT {p:String}", "b"),
    ):
        assert (await kept.query_at((version,), sql, {"p": value}))[1] is False
    assert asked.asked == 4


async def test_the_same_question_at_once_is_asked_once_even_if_who_asked_first_leaves() -> None:
    asked = Asked()
    kept = Remembering(asked)
    asked.open.clear()
    first, second = (asyncio.create_task(kept.query_at((1,), "SELECT 1", {})) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    asked.open.set()
    answer, known = await second
    assert (answer.value, known, asked.asked) == (1, True, 1)
    assert first.cancelled()


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    asked = Asked()
    kept = Remembering(asked)
    asked.away = True
    failed = await asyncio.gather(*(kept.query_at((1,), "SELECT 1", {}) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in failed] == [UnavailableError] * 3
    asked.away = False
    assert (await kept.query_at((1,), "SELECT 1", {}))[0].value == 2


@pytest.mark.parametrize(("each", "asked_again"), [(100, False), (3_000, True)])
async def test_the_oldest_answers_go_when_there_are_too_many_bytes_and_large_ones_are_not_kept(
    each: int, *, asked_again: bool
) -> None:
    asked = Asked(text="x" * each)
    kept = Remembering(asked, max_bytes=20_000)
    for number in range(200):
        await kept.query_at((1,), f"SELECT {number}", {})
    assert (await kept.query_at((1,), "SELECT 199", {}))[1] is not asked_again
    assert (await kept.query_at((1,), "SELECT 0", {}))[1] is False
