import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.load.acklog import AckLog, read_ids, unknown_path
from tests.load.generator import Plan, percentile, run, run_load
from tests.load.http1 import AnswerError, AnswerParser, accepted_of
from tests.load.pool import TargetError, event_id, make_bodies, new_run

ANSWER = b'HTTP/1.1 202 Accepted\r\nDate: now\r\nContent-Length: 14\r\n\r\n{"accepted":1}'


def answer(status: int, body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(text)) + text


@asynccontextmanager
async def serving(respond: Callable[[list[dict[str, Any]]], bytes]) -> Any:
    """A tiny HTTP server: `respond` gets a request's events; an empty answer closes the connection."""
    handlers: set[asyncio.Task[Any] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
                body = json.loads(await reader.readexactly(length))
                out = respond(body.get("events", [body]))
                if not out:
                    break
                writer.write(out)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*filter(None, handlers), return_exceptions=True)


@pytest.mark.parametrize("size", [1, 3, 20, 1000])
def test_parser_reads_an_answer_in_pieces_of_any_size(size: int) -> None:
    parser = AnswerParser()
    for _ in range(2):
        pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
        assert [parser.feed(piece) for piece in pieces] == [0] * (len(pieces) - 1) + [202]
        assert parser.body == b'{"accepted":1}'


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", ANSWER + b"HTTP/1.1"],
)
def test_parser_refuses_what_it_cannot_delimit(data: bytes) -> None:
    with pytest.raises(AnswerError):
        AnswerParser().feed(data)


def test_parser_needs_no_length_for_a_bodiless_answer() -> None:
    assert AnswerParser().feed(b"HTTP/1.1 204 No Content\r\n\r\n") == 204


def test_accepted_is_read_whatever_the_spacing() -> None:
    assert accepted_of(b'{"accepted":100,"rejected":[]}') == accepted_of(b'{ "accepted": 100 }') == 100
    assert accepted_of(b"") == 0


def test_events_are_distinct_realistic_and_about_415_bytes() -> None:
    bodies = make_bodies(run=new_run(), seed=1, pool=2000, batch=1)
    sizes = [len(body % 7) for body in bodies]
    assert len({json.dumps(json.loads(body % 7)) for body in bodies}) == 2000
    assert 380 <= sum(sizes) / len(sizes) <= 450


def test_batches_number_their_events_through() -> None:
    name = new_run()
    (body,) = make_bodies(run=name, seed=1, pool=100, batch=100)
    events = json.loads(body % tuple(range(100, 200)))["events"]
    assert [event["id"] for event in events] == [event_id(name, number) for number in range(100, 200)]


def test_percentiles_are_nearest_rank_milliseconds() -> None:
    ordered = [number / 1000 for number in range(1, 101)]
    assert [percentile(ordered, rank) for rank in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([], 50) == 0.0


async def test_another_machine_is_never_a_target() -> None:
    with pytest.raises(TargetError):
        await run(Plan(url="http://192.0.2.1:80", pool=1))


async def test_count_bounds_a_run_and_every_event_has_its_own_id() -> None:
    seen: list[str] = []

    def respond(events: list[dict[str, Any]]) -> bytes:
        seen.extend(event["id"] for event in events)
        return answer(202, {"accepted": len(events), "rejected": []})

    async with serving(respond) as url:
        result = await run(Plan(url=url, connections=4, requests=50, batch=3, pool=30, seconds=20))
    assert (result.sent, result.accepted, result.unanswered) == (50, 150, 0)
    assert sorted(seen) == [event_id(result.run, number) for number in range(150)]
    assert result.statuses == {"202": 50}
    assert 0 < result.p50 <= result.p90 <= result.p99 <= result.max


async def test_open_loop_keeps_its_rate_when_the_server_can() -> None:
    async with serving(lambda _: ANSWER) as url:
        result = await run(Plan(url=url, connections=4, rate=100, pool=10, seconds=0.5))
    assert result.sent + result.errors.get("due but never sent", 0) == 50


async def test_acknowledged_ids_are_logged_and_dropped_ones_stay_unknown(tmp_path: Path) -> None:
    acked: list[str] = []
    dropped: list[str] = []

    def respond(events: list[dict[str, Any]]) -> bytes:
        drop = (len(acked) + len(dropped)) % 5 == 4
        (dropped if drop else acked).append(events[0]["id"])
        return b"" if drop else ANSWER

    log = tmp_path / "acks"
    async with serving(respond) as url:
        result = await run(Plan(url=url, connections=2, requests=20, pool=10, acks=str(log), seconds=20))
    assert read_ids(log) == set(acked)
    assert set(unknown_path(log).read_text().split()) == set(dropped)
    assert (result.accepted, result.unanswered) == (len(acked), len(dropped))
    assert result.errors["dropped"] == len(dropped) > 0


async def test_resending_repeats_the_same_event_until_it_is_acknowledged(tmp_path: Path) -> None:
    tries: dict[str, int] = {}

    def respond(events: list[dict[str, Any]]) -> bytes:
        name = events[0]["id"]
        tries[name] = tries.get(name, 0) + 1
        return (b"", answer(503, {"code": "unavailable"}), ANSWER)[tries[name] - 1]

    log = tmp_path / "acks"
    async with serving(respond) as url:
        plan = Plan(url=url, connections=2, requests=6, pool=5, acks=str(log), resend=True, seconds=20)
        result = await run(plan)
    assert set(tries.values()) == {3}  # a fourth try would have failed: what is acked is never sent again
    assert (result.sent, result.accepted, result.unanswered) == (6, 6, 0)
    assert read_ids(log) == set(tries)
    assert unknown_path(log).read_text() == ""


async def test_load_runs_in_a_process_of_its_own() -> None:
    async with serving(lambda _: ANSWER) as url:
        plan = Plan(url=url, connections=2, requests=10, pool=5, seconds=20)
        result = await asyncio.to_thread(run_load, plan)
    assert (result.accepted, result.errors) == (10, {})


def test_an_id_acknowledged_twice_is_noticed(tmp_path: Path) -> None:
    with AckLog(tmp_path / "acks") as log:
        log.sent(["a", "b"])
        log.acked(["a"])
        log.acked(["a"])
    with pytest.raises(ValueError, match="twice"):
        read_ids(tmp_path / "acks")
    assert unknown_path(tmp_path / "acks").read_text() == "b\n"
