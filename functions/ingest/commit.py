"""Group commit: many requests' events in one durable write to the bus.

Natural batching: a flush starts as soon as the one before is acknowledged and takes everything that waits, so
a quiet server answers at once and a busy one writes large records. Clients that were just answered tend to come
back at once, so a flush waits for half as many requests as the last one had, at most LINGER_SECONDS: half of the
clients are served while the other half's events are written. A flush is one transaction on the bus with at least
one record per project that waits.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from shared import metrics
from shared.bus import Bus, BusUnavailableError, Message
from shared.clock import Clock
from shared.events import EVENTS_TOPIC, MAX_RECORD_BYTES, Receipt, part_id, record
from shared.failpoints import reach
from shared.ids import uuid7
from shared.tracing import is_sampled, span

STALLED_AFTER_SECONDS = 1.0
LINGER_SECONDS = 0.004
_PART_BITS = 16

log = structlog.get_logger()

_ACCEPTED = metrics.INGEST_EVENTS.labels("accepted")


Settle = Callable[[Receipt | Exception], None]


class _Waiting:
    """One request's events; `settle` is told once what became of them, unless nobody waits any more."""

    __slots__ = ("lines", "project_id", "settle", "size", "traceparent")

    def __init__(self, project_id: str, lines: Sequence[bytes], traceparent: str, settle: Settle) -> None:
        self.project_id = project_id
        self.lines = lines
        self.size = sum(map(len, lines))
        self.traceparent = traceparent
        self.settle: Settle | None = settle

    def end(self, outcome: Receipt | Exception) -> None:
        settle, self.settle = self.settle, None
        if settle is None:
            return
        try:
            settle(outcome)
        except Exception:
            log.exception("bug")  # one request's, and no other's


class GroupCommit:
    """Writes open lines (see shared.events) to the bus; `submit` returns once they are durable.

    At most `max_waiting` bytes wait; beyond that, and while a flush hangs, requests are refused with
    BusUnavailableError at once, which means: not known to be stored, repeat unchanged.
    """

    def __init__(self, bus: Bus, clock: Clock, *, max_waiting: int) -> None:
        self._bus = bus
        self._clock = clock
        self._max_waiting = max_waiting
        self._waiting: list[_Waiting] = []
        self._flushing: list[_Waiting] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._gathered = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._expected = 1
        self._stalled = False
        self._flusher = asyncio.create_task(self._run(), name="group-commit")

    async def submit(self, project_id: str, lines: Sequence[bytes], traceparent: str) -> Receipt:
        """Store one request's events; raises BusUnavailableError where they are not known to be stored."""
        done: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def settle(outcome: Receipt | Exception) -> None:
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

        waiting = self.enqueue(project_id, lines, traceparent, settle)
        try:
            return await done
        except asyncio.CancelledError:
            waiting.settle = None
            raise

    def enqueue(self, project_id: str, lines: Sequence[bytes], traceparent: str, settle: Settle) -> _Waiting:
        """The same for who does not wait: `settle` gets the receipt, or what `submit` would raise."""
        waiting = _Waiting(project_id, lines, traceparent, settle)
        if self._stalled:
            raise BusUnavailableError("the bus does not answer")
        if self._bytes + waiting.size > self._max_waiting:
            raise BusUnavailableError("too many events wait for the bus")
        self._waiting.append(waiting)
        self._bytes += waiting.size
        self._idle.clear()
        self._wake.set()
        if len(self._waiting) >= self._expected:
            self._gathered.set()
        return waiting

    async def close(self) -> None:
        """Flush what waits, then stop; a bus that hangs is not waited for, and everybody gets an answer."""
        if not self._stalled:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), 2 * STALLED_AFTER_SECONDS)
        self._flusher.cancel()
        with suppress(asyncio.CancelledError):
            await self._flusher
        _fail([*self._flushing, *self._waiting], BusUnavailableError("the function stops"))

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gathered.wait(), LINGER_SECONDS)
            self._wake.clear()
            taken, self._waiting = self._waiting, []
            self._expected = max(1, len(taken) // 2)
            self._gathered.clear()
            metrics.INGEST_WAITING_BYTES.set(self._bytes)
            self._flushing = [waiting for waiting in taken if waiting.settle is not None]
            try:
                if self._flushing:
                    await self._flush(self._flushing)
            except Exception as error:  # noqa: BLE001 (handed to every waiting request: 503, or 500 for a bug)
                _fail(self._flushing, error)
            self._flushing = []
            self._stalled = False
            self._bytes -= sum(waiting.size for waiting in taken)
            metrics.INGEST_WAITING_BYTES.set(self._bytes)
            if not self._waiting:
                self._idle.set()

    async def _flush(self, taken: list[_Waiting]) -> None:
        messages, receipts = pack(taken, self._clock.micros())
        metrics.INGEST_FLUSH_EVENTS.observe(sum(receipt.rows for receipt in receipts))
        reach("ingest.before_publish")
        with span("bus.publish", (waiting.traceparent for waiting in taken), kind="producer"):
            publishing = asyncio.create_task(self._bus.publish(EVENTS_TOPIC, messages))
            finished, _ = await asyncio.wait({publishing}, timeout=STALLED_AFTER_SECONDS)
            if not finished:
                self._fail_waiting()
            await publishing
        reach("ingest.after_publish")
        _ACCEPTED.inc(sum(receipt.rows for receipt in receipts))
        for waiting, receipt in zip(taken, receipts, strict=True):
            waiting.end(receipt)

    def _fail_waiting(self) -> None:
        """Let nobody queue behind a flush that hangs: they would wait for its timeout and then for their own."""
        self._stalled = True
        waiting, self._waiting = self._waiting, []
        self._bytes -= sum(entry.size for entry in waiting)
        _fail(waiting, BusUnavailableError("the bus does not answer"))


def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
    for entry in waiting:
        entry.end(error)


def pack(taken: Sequence[_Waiting], micros: int) -> tuple[list[Message], list[Receipt]]:
    """The records of one flush, at most MAX_RECORD_BYTES each, and the receipt of each request in order."""
    packers: dict[str, _Packer] = {}
    receipts: list[Receipt] = []
    for waiting in taken:
        packer = packers.get(waiting.project_id)
        if packer is None:
            packer = packers[waiting.project_id] = _Packer(waiting.project_id, micros, waiting.traceparent)
        elif is_sampled(waiting.traceparent):
            packer.traceparent = waiting.traceparent
        receipts.append(packer.add(waiting.lines))
    return [message for packer in packers.values() for message in packer.finish()], receipts


class _Packer:
    """Fills the records of one project in one flush; their ids are consecutive."""

    def __init__(self, project_id: str, micros: int, traceparent: str) -> None:
        self._project_id = project_id
        self._project = uuid.UUID(project_id)
        self._micros = micros
        self.traceparent = traceparent  # of a request whose trace is recorded, where there is one
        self._first = uuid.UUID(int=uuid7(micros // 1_000).int >> _PART_BITS << _PART_BITS)
        self._parts: list[Message] = []
        self._lines: list[bytes] = []
        self._size = 0
        self._closing = len(f',"project_id":"{project_id}","batch_id":"{self._first}"}}\n')

    def add(self, lines: Sequence[bytes]) -> Receipt:
        part, first = None, 0
        for line in lines:
            size = len(line) + self._closing
            if self._size + size > MAX_RECORD_BYTES and self._lines:
                self._close()
            if part is None:
                part, first = len(self._parts), len(self._lines)
            self._lines.append(line)
            self._size += size
        start = part or 0
        return Receipt(self._project, part_id(self._first, start), len(self._parts) - start + 1, len(lines), first)

    def finish(self) -> list[Message]:
        if self._lines:
            self._close()
        return self._parts

    def _close(self) -> None:
        self._parts.append(
            record(
                project_id=self._project_id,
                batch_id=part_id(self._first, len(self._parts)),
                lines=self._lines,
                micros=self._micros,
                traceparent=self.traceparent,
            )
        )
        self._lines, self._size = [], 0
