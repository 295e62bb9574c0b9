"""Sessions, the pool of connections and the reading of the engine's errors, without the engine."""

import asyncio
import gc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from shared.clock import FixedClock
from shared.local.chdb_engine import Connection, Engine, EngineError, engine_error
from shared.local.chdb_pool import Pool, Session
from shared.local.door import Sessions
from shared.local.door_request import read_call


class RawConnection:
    """Stands for chDB's connection object."""

    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


class Opener:
    """Stands for the engine: remembers which connections it opened with which statements."""

    def __init__(self) -> None:
        self.opened: list[tuple[Connection, RawConnection, list[bytes]]] = []

    def connect(self, statements: Sequence[bytes] = ()) -> Connection:
        raw = RawConnection()
        connection = Connection(raw, Path())
        self.opened.append((connection, raw, list(statements)))
        return connection

    def alive(self) -> int:
        return sum(raw.open for _, raw, _ in self.opened)


def pool_of(opener: Opener, **limits: Any) -> Pool:
    return Pool(cast("Engine", opener), **{"size": 2, "waiting": 2, "wait_seconds": 0.2, **limits})


PLAIN = Session()
LIMITED = Session(settings=(("max_threads", "1"),))


def identity(connection: Connection) -> Connection:
    return connection


async def use(pool: Pool, session: Session) -> Connection:
    async with pool.lease(session) as lease:
        return await lease.call(identity)


async def test_connection_is_used_again_only_for_the_same_session() -> None:
    opener = Opener()
    pool = pool_of(opener)
    plain, limited = await use(pool, PLAIN), await use(pool, LIMITED)
    assert plain is not limited
    assert await use(pool, PLAIN) is plain
    assert await use(pool, LIMITED) is limited
    assert len(opener.opened) == 2
    pool.close()
    assert opener.alive() == 0


async def test_no_more_connections_stay_open_than_the_pool_is_large() -> None:
    opener = Opener()
    pool = pool_of(opener)
    for n in range(20):
        await use(pool, Session(settings=(("max_result_rows", str(n)),)))
        assert opener.alive() <= 2
    pool.close()


async def test_tainted_connection_is_not_used_again() -> None:
    opener = Opener()
    pool = pool_of(opener)
    async with pool.lease(PLAIN) as lease:
        first = await lease.call(identity)
        lease.tainted = True
    assert opener.alive() == 0
    assert await use(pool, PLAIN) is not first
    pool.close()


async def test_those_in_line_are_served_and_too_many_are_refused() -> None:
    pool = pool_of(Opener(), wait_seconds=5)
    gate = threading.Event()

    async def hold() -> bool:
        async with pool.lease(PLAIN) as lease:
            return await lease.call(lambda _: gate.wait(5))

    tasks = [asyncio.create_task(hold()) for _ in range(4)]
    await asyncio.sleep(0.05)
    assert pool.busy == 2
    with pytest.raises(EngineError) as caught:
        await use(pool, PLAIN)
    assert caught.value.code == 202
    gate.set()
    assert await asyncio.gather(*tasks) == [True] * 4
    assert pool.busy == 0
    pool.close()


async def test_waiting_in_line_ends_after_a_while() -> None:
    pool = pool_of(Opener(), size=1)
    gate = threading.Event()
    async with pool.lease(PLAIN) as lease:
        waiting = asyncio.create_task(lease.call(lambda _: gate.wait(5)))
        with pytest.raises(EngineError) as caught:
            await use(pool, PLAIN)
        gate.set()
        await waiting
    assert caught.value.code == 202
    pool.close()


async def test_cancelled_request_keeps_its_place_until_its_thread_is_back(caplog: pytest.LogCaptureFixture) -> None:
    opener = Opener()
    pool = pool_of(opener, size=1)
    gate = threading.Event()

    def wait_and_fail(_: Connection) -> None:
        gate.wait(5)
        raise EngineError(394, "Query was cancelled.")

    async def hold() -> None:
        async with pool.lease(PLAIN) as lease:
            await lease.call(wait_and_fail)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert (pool.busy, opener.alive()) == (1, 1)
    gate.set()
    await asyncio.sleep(0.05)
    assert (pool.busy, opener.alive()) == (0, 0)
    assert await use(pool, PLAIN)
    gc.collect()
    assert caplog.text == ""
    pool.close()


async def test_connection_of_a_failed_call_is_not_used_again() -> None:
    opener = Opener()
    pool = pool_of(opener, size=1)

    def fail(_: Connection) -> None:
        raise EngineError(60, "no table")

    for _ in range(3):
        with pytest.raises(EngineError):
            async with pool.lease(PLAIN) as lease:
                await lease.call(fail)
    assert (pool.busy, len(opener.opened), opener.alive()) == (0, 3, 0)
    pool.close()


def test_session_is_brought_about_by_quoted_statements() -> None:
    session = Session("a`b", (("a", "x'; DROP"), ("readonly", "1"), ("z", "\\")), (b"SET q = 1",))
    assert list(session.statements()) == [
        b"SET q = 1",
        b"USE `a\\`b`",
        b"SET a = 'x\\'; DROP', z = '\\\\'",
        b"SET readonly = '1'",
    ]
    assert list(Session("", (), (b"USE x",)).statements()) == [b"USE `sluice`", b"USE x"]


@pytest.mark.parametrize("name", ["", "a b", "a=1, b", "1a", "a'"])
def test_setting_with_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(EngineError) as caught:
        list(Session(settings=((name, "1"),)).statements())
    assert caught.value.code == 115


@pytest.mark.parametrize(
    ("text", "code", "message", "name"),
    [
        ("Code: 60. DB::Exception: No t. (UNKNOWN_TABLE)", 60, "No t.", "UNKNOWN_TABLE"),
        ("Code: 27. DB::Exception: Bad (row 1)\n: x. (C_P) (version 26.9.2.1)", 27, "Bad (row 1)\n: x.", "C_P"),
        ("Code: 73. DB::Exception: Code: 73. DB::Exception: No. (U_F) (version 26.9). (U_F)", 73, "No.", "U_F"),
        ("Failed to connect: Code: 36. DB::Exception: Error: . (BAD)", 36, "Error: .", "BAD"),
        ("Code: 210. DB::NetException: refused (x:1). (NETWORK_ERROR)", 210, "refused (x:1).", "NETWORK_ERROR"),
        (
            "Code: 5. DB::E_Exception: All: Code: 6. DB::Exception: x. (SIX). (FIVE)",
            5,
            "All: Code: 6. DB::Exception: x.",
            "FIVE",
        ),
        ("something else", 1002, "something else", ""),
    ],
)
def test_engine_errors_are_read(text: str, code: int, message: str, name: str) -> None:
    error = engine_error(text)
    assert (error.code, error.message, error.name) == (code, message, name)


def test_session_statements_are_forgotten_after_their_timeout() -> None:
    clock = FixedClock(0)
    sessions = Sessions(clock)
    call = read_call([("session_id", "s"), ("session_timeout", "10")], {})
    sessions.remember(call, b"SET a = 1")
    clock.advance(9)
    sessions.remember(call, b"USE b")
    clock.advance(9)
    assert sessions.statements(call) == (b"SET a = 1", b"USE b")
    clock.advance(11)
    assert sessions.statements(call) == ()


def test_statements_without_a_session_are_not_kept() -> None:
    sessions = Sessions(FixedClock(0))
    call = read_call([], {})
    sessions.remember(call, b"SET a = 1")
    assert sessions.statements(call) == ()


async def test_readers_leave_room_for_writers_and_have_a_line_of_their_own() -> None:
    pool = pool_of(Opener(), reserved=1, waiting=1, wait_seconds=5)
    async with pool.lease(PLAIN, reading=True):
        reader = asyncio.create_task(read(pool))
        await asyncio.sleep(0)
        with pytest.raises(EngineError):
            await read(pool)
        await use(pool, PLAIN)
        assert not reader.done()
    await reader
    assert pool.busy == 0
    pool.close()


async def read(pool: Pool) -> None:
    async with pool.lease(PLAIN, reading=True):
        pass
