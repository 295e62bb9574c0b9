"""A job's one event reaches its function as it would from a source."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared import once
from shared.cloudevent import PING_TYPE, decode
from shared.function import Main, function
from shared.http import Reply, Request
from shared.once import deliver
from shared.refusals import Refusal, Rejected, UnavailableError

EVENT = {"specversion": "1.0", "id": "1", "source": "/test", "type": "dev.sluice.test.v1", "data": {"job": 7}}


def working(answer: int | Exception) -> tuple[Main, list[str]]:
    """A function that notes what happens to it, and answers so."""
    seen: list[str] = []

    @asynccontextmanager
    async def opens() -> AsyncIterator[None]:
        seen.append("opened")
        yield None
        seen.append("closed")

    @function("export", opens)
    async def main(request: Request, _ports: None) -> Reply:
        message = decode(request.headers, await request.body(1_000))
        seen.append(f"{message.attributes['type']} {message.data.decode()}")
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer)

    return main, seen


async def test_the_event_is_handed_over_once_between_opening_and_closing() -> None:
    main, seen = working(204)
    assert await deliver(main, json.dumps(EVENT).encode()) == 204
    assert seen == ["opened", 'dev.sluice.test.v1 {"job": 7}', "closed"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (204, 0),
        (UnavailableError("the catalog is away"), 1),
        (Rejected(Refusal.OVERLOADED, "later"), 1),
        (ValueError("bug"), 1),
    ],
)
def test_the_exit_code_says_whether_it_was_taken(
    answer: int | Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, seen = working(answer)
    monkeypatch.setattr(once, "find_main", lambda _: main)
    path = tmp_path / "event"
    path.write_text(json.dumps(EVENT), encoding="utf-8")
    monkeypatch.setenv("K_EVENT_PATH", str(path))
    assert once.main("export") == code
    assert seen[-1] == "closed"


def test_a_tick_of_a_ping_source_is_of_the_type_that_stands_beside_it() -> None:
    ping = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/ping", "ce-type": PING_TYPE}
    tick = decode({**ping, "ce-ticktype": "dev.sluice.rollup.due.v1"}, b"{}")
    assert tick.attributes["type"] == "dev.sluice.rollup.due.v1"
    assert "ticktype" not in tick.attributes
    assert decode(ping, b"{}").attributes["type"] == PING_TYPE
    other = {**ping, "ce-type": "dev.sluice.hours.changed.v1", "ce-ticktype": "dev.sluice.rollup.due.v1"}
    assert decode(other, b"{}").attributes["type"] == "dev.sluice.hours.changed.v1"
