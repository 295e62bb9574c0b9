"""A time limit round work: only what really waits gets a timer."""

import asyncio

import pytest

from shared import http
from shared.http import Request
from shared.patience import within
from shared.refusals import Refusal, Rejected


async def after(seconds: float, result: str) -> str:
    await asyncio.sleep(seconds)
    return result


async def broken(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
    raise KeyError("broken")


async def test_work_that_is_done_gives_its_result_without_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "timeout", None)

    async def done() -> str:
        return "done"

    assert await within(0.0, done()) == "done"


async def test_work_that_waits_gives_its_result() -> None:
    assert await within(5, after(0.01, "late")) == "late"


async def test_work_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError):
        await within(0.01, after(5, "never"))


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_the_works_own_error_comes_through(seconds: float) -> None:
    with pytest.raises(KeyError):
        await within(5, broken(seconds))


async def test_whoever_is_cancelled_while_waiting_cancels_the_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            ended.set()

    waiting = asyncio.create_task(within(5, work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.01)

    async def receive() -> dict[str, object]:
        await asyncio.sleep(5)
        return {}

    request = Request({"method": "POST", "path": "/", "headers": [], "query_string": b""}, receive)
    with pytest.raises(Rejected) as refused:
        await request.body(100)
    assert refused.value.refusal is Refusal.BODY_TOO_SLOW
