"""Group commit: what is answered is on the bus, and nobody waits behind a bus that does not answer."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Iterator, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ingest.commit import GroupCommit, _Waiting, pack
from shared import metrics
from shared.bus import BusUnavailableError, Message, Position
from shared.bus.memory import MemoryBus
from shared.clock import FixedClock
from shared.events import EVENTS_TOPIC, MAX_RECORD_BYTES, Receipt
from shared.ids import uuid7_micros

NOW = 1_795_224_000_000_000
PROJECT = "018f0000-0000-7000-8000-00000000000a"
OTHER = "018f0000-0000-7000-8000-00000000000b"
ROOMY = 64 * 1024 * 1024
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Bus(MemoryBus):
    """The bus in memory, which answers, hangs or fails as told; `flushes` is what each publish was given."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()
        self.error: Exception | None = None
        self.asked = 0
        self.flushes: list[list[Message]] = []

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        assert topic == EVENTS_TOPIC
        self.asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        self.flushes.append(list(messages))
        return await super().publish(topic, messages)


def line(name: object, size: int = 0) -> bytes:
    return f'{{"event":"{name}{"x" * size}"'.encode()


def lines_of(message: Message) -> list[bytes]:
    """The open lines a record was made of."""
    return [text.partition(b',"project_id":')[0] for text in message.data.splitlines()]


def part(receipt: Receipt, bus: Bus) -> list[Message]:
    """The records a receipt names, as the bus holds them."""
    held = {message.attributes["id"]: message for flush in bus.flushes for message in flush}
    return [held[str(batch)] for batch in receipt.batches()]


async def turn() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def submit(commit: GroupCommit, *lines: bytes, project: str = PROJECT) -> "asyncio.Task[Receipt]":
    return asyncio.create_task(commit.submit(project, lines, TRACE))


async def failed(waiting: Awaitable[Receipt]) -> str:
    with pytest.raises(BusUnavailableError) as caught:
        await asyncio.wait_for(waiting, 1)
    return str(caught.value)


@pytest.fixture
async def bus() -> Bus:
    return Bus()


@pytest.fixture
async def commit(bus: Bus) -> GroupCommit:
    return GroupCommit(bus, FixedClock(NOW), max_waiting=ROOMY)


@pytest.fixture
def stalls_soon() -> Iterator[float]:
    with patch("functions.ingest.commit.STALLED_AFTER_SECONDS", 0.05):
        yield 0.05


async def test_a_request_is_one_record_and_its_receipt_names_it(bus: Bus, commit: GroupCommit) -> None:
    receipt = await commit.submit(PROJECT, [line(1), line(2)], TRACE)
    [[message]] = bus.flushes
    assert lines_of(message) == [line(1), line(2)]
    assert (message.attributes["project"], message.attributes["eventcount"]) == (PROJECT, "2")
    assert message.attributes["traceparent"] == TRACE
    assert receipt == Receipt(uuid.UUID(PROJECT), uuid.UUID(message.attributes["id"]), 1, 2)
    assert uuid7_micros(receipt.batch_id) == NOW


async def test_requests_that_come_during_a_flush_share_the_next_one(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    first = submit(commit, line("first"))
    await turn()
    later = [submit(commit, line(number), line(-number)) for number in range(1, 6)]
    await turn()
    assert (bus.asked, bus.flushes) == (1, [])
    bus.answers.set()
    receipts = await asyncio.gather(first, *later)
    assert [[len(lines_of(message)) for message in flush] for flush in bus.flushes] == [[1], [10]]
    assert len({receipt.batch_id for receipt in receipts[1:]}) == 1
    assert [receipt.rows for receipt in receipts] == [1, 2, 2, 2, 2, 2]


async def test_a_quiet_server_writes_at_once(commit: GroupCommit) -> None:
    started = time.perf_counter()
    for number in range(20):
        await commit.submit(PROJECT, [line(number)], TRACE)
    assert time.perf_counter() - started < 1


async def test_a_record_holds_one_project(bus: Bus, commit: GroupCommit) -> None:
    waiting = [submit(commit, line(n), project=OTHER if n % 2 else PROJECT) for n in range(6)]
    receipts = await asyncio.gather(*waiting)
    [flush] = bus.flushes
    assert [(message.attributes["project"], lines_of(message)) for message in flush] == [
        (PROJECT, [line(0), line(2), line(4)]),
        (OTHER, [line(1), line(3), line(5)]),
    ]
    for number, receipt in enumerate(receipts):
        [message] = part(receipt, bus)
        assert str(receipt.project_id) == message.attributes["project"]
        assert line(number) in lines_of(message)


async def test_a_large_request_becomes_several_records_in_one_flush(bus: Bus, commit: GroupCommit) -> None:
    sent = [line(number, 60_000) for number in range(40)]
    receipt = await commit.submit(PROJECT, sent, TRACE)
    [flush] = bus.flushes
    assert [text for message in flush for text in lines_of(message)] == sent
    assert all(len(message.data) <= MAX_RECORD_BYTES for message in flush)
    assert all(len(message.data) > MAX_RECORD_BYTES - 61_000 for message in flush[:-1])
    assert (receipt.parts, part(receipt, bus)) == (len(flush), flush)


requests = st.lists(
    st.tuples(
        st.sampled_from([PROJECT, OTHER]), st.lists(st.sampled_from([0, 50, 300, 700, 900]), min_size=1, max_size=6)
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(requests)
def test_a_receipt_names_exactly_the_records_with_its_lines(sizes: list[tuple[str, list[int]]]) -> None:
    sent = [
        (project, [line(f"{request}.{place}.", size) for place, size in enumerate(wanted)])
        for request, (project, wanted) in enumerate(sizes)
    ]
    limit = 1_200
    with patch("functions.ingest.commit.MAX_RECORD_BYTES", limit):
        taken = [_Waiting(project, lines, "", lambda _outcome: None) for project, lines in sent]
        messages, receipts = pack(taken, NOW)
    held = {uuid.UUID(message.attributes["id"]): set(lines_of(message)) for message in messages}
    assert len(held) == len(messages)
    assert all(len(message.data) <= limit for message in messages)
    assert sum(int(message.attributes["eventcount"]) for message in messages) == sum(len(lines) for _, lines in sent)
    for (project, lines), receipt in zip(sent, receipts, strict=True):
        assert (str(receipt.project_id), receipt.rows) == (project, len(lines))
        named = receipt.batches()
        assert all(set(lines) & held[batch] for batch in named), "a part without a line of the request"
        assert set(lines) <= set[bytes]().union(*(held[batch] for batch in named))


async def test_an_error_of_the_bus_fails_everybody_of_the_flush_and_nobody_after(bus: Bus, commit: GroupCommit) -> None:
    bus.error = BusUnavailableError("the bus is away")
    waiting = [submit(commit, line(number), project=project) for number in range(3) for project in (PROJECT, OTHER)]
    assert {await failed(each) for each in waiting} == {"the bus is away"}
    bus.error = None
    assert (await commit.submit(PROJECT, [line("again")], TRACE)).rows == 1


async def test_a_bug_of_the_bus_is_passed_on_and_does_not_end_the_service(bus: Bus, commit: GroupCommit) -> None:
    bus.error = ZeroDivisionError()
    waiting = [submit(commit, line(number)) for number in range(3)]
    for each in waiting:
        with pytest.raises(ZeroDivisionError):
            await each
    bus.error = None
    assert (await commit.submit(PROJECT, [line("again")], TRACE)).rows == 1


async def test_nobody_waits_behind_a_flush_that_hangs(bus: Bus, commit: GroupCommit, stalls_soon: float) -> None:
    bus.answers.clear()
    hanging = submit(commit, line("hangs"))
    await turn()
    behind = [submit(commit, line(number)) for number in range(3)]
    started = time.perf_counter()
    assert {await failed(each) for each in behind} == {"the bus does not answer"}
    assert time.perf_counter() - started < stalls_soon * 10
    assert await failed(submit(commit, line("new"))) == "the bus does not answer"
    assert not hanging.done()
    bus.answers.set()
    assert (await hanging).rows == 1
    assert (await commit.submit(PROJECT, [line("after")], TRACE)).rows == 1
    assert [lines_of(message) for [message] in bus.flushes] == [[line("hangs")], [line("after")]]


async def test_a_flush_that_hangs_and_then_fails_is_recovered_from(
    bus: Bus, commit: GroupCommit, stalls_soon: float
) -> None:
    bus.answers.clear()
    bus.error = BusUnavailableError("gone")
    hanging = submit(commit, line("hangs"))
    await asyncio.sleep(stalls_soon * 2)
    bus.answers.set()
    assert await failed(hanging) == "gone"
    bus.error = None
    assert (await commit.submit(PROJECT, [line("after")], TRACE)).rows == 1


async def test_what_waits_is_bounded_in_bytes_and_room_comes_back(bus: Bus, stalls_soon: float) -> None:
    commit = GroupCommit(bus, FixedClock(NOW), max_waiting=100)
    full = b"x" * 100
    for fault in (None, BusUnavailableError("away"), "hang", "cancel"):
        bus.answers.clear()
        bus.error = fault if isinstance(fault, Exception) else None
        waiting = [submit(commit, full[:60]), submit(commit, full[:40])]
        await turn()
        assert await failed(submit(commit, b"x")) == "too many events wait for the bus"
        if fault == "hang":
            await asyncio.sleep(stalls_soon * 2)
        if fault == "cancel":
            waiting[0].cancel()
        bus.answers.set()
        await asyncio.wait(waiting)
        await turn()
    assert (await commit.submit(PROJECT, [full], TRACE)).rows == 1


async def test_the_gauge_of_waiting_bytes_falls_back_to_nothing(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    first, second = submit(commit, b"x" * 10), None
    await turn()
    second = submit(commit, b"x" * 5)
    await turn()
    bus.answers.set()
    await asyncio.gather(first, second)
    await turn()
    assert metrics.INGEST_WAITING_BYTES._value.get() == 0


async def test_who_left_before_the_flush_is_not_written(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    first = submit(commit, line("first"))
    await turn()
    left, stayed = submit(commit, line("left")), submit(commit, line("stayed"))
    await turn()
    left.cancel()
    await turn()
    bus.answers.set()
    await asyncio.gather(first, stayed)
    assert [lines_of(message) for [message] in bus.flushes] == [[line("first")], [line("stayed")]]


async def test_a_flush_nobody_waits_for_any_more_is_not_made(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    first = submit(commit, line("first"))
    await turn()
    left = submit(commit, line("left"))
    await turn()
    left.cancel()
    await turn()
    bus.answers.set()
    await first
    await turn()
    assert bus.asked == 1


async def test_who_leaves_during_the_flush_does_not_harm_the_others(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    left, stayed = submit(commit, line("left")), submit(commit, line("stayed"))
    await turn()
    left.cancel()
    await turn()
    bus.answers.set()
    assert (await stayed).rows == 1
    assert (await commit.submit(PROJECT, [line("after")], TRACE)).rows == 1


async def test_closing_waits_for_the_flush_under_way_and_for_what_waits(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    under_way = submit(commit, line("under way"))
    await turn()
    waits = submit(commit, line("waits"))
    await turn()
    closing = asyncio.create_task(commit.close())
    await turn()
    bus.answers.set()
    await closing
    assert [(await under_way).rows, (await waits).rows] == [1, 1]


async def test_closing_during_the_last_flush_does_not_lose_its_answer(bus: Bus, commit: GroupCommit) -> None:
    bus.answers.clear()
    under_way = submit(commit, line("under way"))
    await turn()
    closing = asyncio.create_task(commit.close())
    await turn()
    bus.answers.set()
    await closing
    assert (await under_way).rows == 1


async def test_closing_while_the_bus_hangs_fails_who_waits_and_ends(
    bus: Bus, commit: GroupCommit, stalls_soon: float
) -> None:
    bus.answers.clear()
    hanging = submit(commit, line("hangs"))
    await turn()
    await asyncio.wait_for(commit.close(), 1)
    assert "stop" in await failed(hanging)
