"""Records from the bus → rows in the warehouse: coalesced, exact under redelivery, never blocked by bad content.

The order of one flush is what makes it exact: events, then the ledgers, then `batches`, then the answer. A
crash in between leaves a record unanswered; it is delivered again and every step may be repeated.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec
import structlog

from functions.batch_write.people import Guarded, nobody, without_people
from functions.batch_write.records import YEARS, Position, Record, micros, warehouse_text
from shared import metrics
from shared.clock import Clock, to_datetime
from shared.events import RefusedEvent, RejectedRow, RowHead, rejected_row
from shared.failpoints import reach
from shared.identity import changes
from shared.refusals import Refusal, UnavailableError
from shared.tombstones import ERASED_LINE, NOBODY, Tombstones
from shared.tracing import current, exemplar, span
from shared.warehouse.client import WarehouseError

log = structlog.get_logger()

_heads = msgspec.json.Decoder(RowHead)
_rejected_rows = msgspec.json.Decoder(RejectedRow)


class _Named(msgspec.Struct):
    event: str = ""


_names = msgspec.json.Decoder(_Named)


class Inserts(Protocol):
    """What is needed of the warehouse."""

    async def insert_json_lines(self, table: str, lines: bytes) -> None: ...


Insert = Callable[[Sequence["Line"], Inserts], Awaitable[list[RejectedRow]]]
# Is told which hours a flush has changed.
Tell = Callable[[set[str]], None]


class _Waiting(NamedTuple):
    record: Record
    done: "asyncio.Future[None]"
    arrived: float
    traceparent: str


class BatchWriter:
    """Coalesces concurrent records into one insert.

    A flush takes what arrived within `linger` seconds, at most `max_rows` rows; the next one gathers meanwhile.
    `write` returns once the record is stored and raises UnavailableError where it must be delivered again.

    Finding bad rows takes many inserts, so a record whose content the warehouse refuses leaves the flush and is
    sorted out beside it: nobody else waits. A record that is delivered again meanwhile waits for the same work.
    """

    def __init__(
        self,
        warehouse: Inserts,
        clock: Clock,
        *,
        linger: float,
        max_rows: int,
        tell: Tell | None = None,
        tombstones: Tombstones | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._tombstones = tombstones
        self._tell = tell
        self._clock = clock
        self._linger = linger
        self._max_rows = max_rows
        self._waiting: list[_Waiting] = []
        self._taken: list[_Waiting] = []
        self._underway: dict[tuple[str, Position], asyncio.Future[None]] = {}
        self._sorting = asyncio.Lock()
        self._sorters: set[asyncio.Task[None]] = set()
        self._rows = 0
        self._full = asyncio.Event()
        self._arrived = asyncio.Event()
        self._flusher = asyncio.create_task(self._run(), name="batch-writer")

    async def write(self, record: Record) -> None:
        # A record that was published twice is written twice: every place on the bus has its row in `batches`.
        this = (record.batch_id, record.position)
        underway = self._underway.get(this)
        if underway is not None:
            return await asyncio.shield(underway)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._underway[this] = done
        done.add_done_callback(lambda _: self._underway.pop(this, None))
        self._waiting.append(_Waiting(record, done, self._clock.monotonic(), current()))
        self._rows += len(record.lines)
        self._arrived.set()
        if self._rows >= self._max_rows:
            self._full.set()
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Write what waits, then stop; records still being sorted out are delivered again."""
        for sorter in self._sorters:
            sorter.cancel()
        if unanswered := [*self._taken, *self._waiting]:
            self._linger = 0
            self._full.set()
            await asyncio.wait({entry.done for entry in unanswered})
        self._flusher.cancel()
        with suppress(asyncio.CancelledError):
            await self._flusher

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._linger)
            taken = self._taken = self._take()
            await self._flush(taken)
            self._taken = []

    async def _flush(self, taken: Sequence[_Waiting]) -> None:
        """Store records together; where the content is refused, halve until the bad record stands alone."""
        try:
            records = [entry.record for entry in taken]
            with span("store records", [entry.traceparent for entry in taken]) as traceparent:
                await store(
                    records, self._warehouse, self._clock, insert_together, self._tell, tombstones=self._tombstones
                )
        except ContentRefusedError:
            if len(taken) == 1:
                self._sort_out(taken[0])
                return
            middle = len(taken) // 2
            await self._flush(taken[:middle])
            await self._flush(taken[middle:])
        except UnavailableError as error:
            metrics.RETRIES_TOTAL.inc(len(taken))
            _answer(taken, error)
        except Exception as error:  # noqa: BLE001 (handed to every waiting request, where it becomes a 500)
            _answer(taken, error)
        else:
            first = min(entry.arrived for entry in taken)
            metrics.BATCH_LATENCY_MS.observe((self._clock.monotonic() - first) * 1_000, exemplar(traceparent))
            now = self._clock.micros()
            for record in records:
                metrics.RECORD_AGE_SECONDS.observe(max(0.0, (now - micros(record.received_at)) / 1_000_000))
            _answer(taken, None)

    def _sort_out(self, entry: _Waiting) -> None:
        async def sort_out() -> None:
            try:
                async with self._sorting:
                    await store(
                        [entry.record], self._warehouse, self._clock, tell=self._tell, tombstones=self._tombstones
                    )
            except Exception as error:  # noqa: BLE001 (handed to the waiting request: 503, or 500 for a bug)
                _answer([entry], error)
            except asyncio.CancelledError:
                _answer([entry], UnavailableError("the function stops"))
                raise
            else:
                _answer([entry], None)

        task = asyncio.create_task(sort_out())
        self._sorters.add(task)
        task.add_done_callback(self._sorters.discard)

    def _take(self) -> list[_Waiting]:
        """The longest run from the front that fits in `max_rows`, at least one record."""
        rows = count = 0
        for entry in self._waiting:
            if count and rows + len(entry.record.lines) > self._max_rows:
                break
            rows += len(entry.record.lines)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._rows -= rows
        if self._rows < self._max_rows:
            self._full.clear()
        if not self._waiting:
            self._arrived.clear()
        return taken


def _answer(taken: Sequence[_Waiting], error: Exception | None) -> None:
    for entry in taken:
        if not entry.done.done():
            if error is None:
                entry.done.set_result(None)
            else:
                entry.done.set_exception(error)


async def store(
    records: Sequence[Record],
    warehouse: Inserts,
    clock: Clock,
    insert: Insert | None = None,
    tell: Tell | None = None,
    *,
    tombstones: Tombstones | None = None,
) -> None:
    """Store records with their ledger entries; refused rows are kept as rejected.

    Of people whom `tombstones` names nothing is kept but that there was something.

    `insert` puts rows into `events` and returns those the warehouse refuses, by default one by one;
    `insert_together` raises ContentRefusedError instead. Raises UnavailableError where it is not known to be stored;
    repeating it is harmless.
    """
    known = await tombstones.now() if tombstones is not None else NOBODY
    good, refused = _readable(records)
    if known.projects:
        good, refused = without_people(good, refused, known)
    reach("batch_write.before_insert")
    guarded = warehouse if tombstones is None else Guarded(warehouse, tombstones, known)
    refused += await (insert or insert_bisecting)(good, guarded)
    reach("batch_write.after_insert")
    if refused:
        await _append(warehouse, "rejected_events", refused)
    if ours := [row for row in refused if row.source == "store" and row.reason == Refusal.STORE_REFUSED]:
        log.warning("events refused by the warehouse", count=len(ours), first=ours[0].detail)
        metrics.BATCH_REJECTED.inc(len(ours))
    left_out = {(row.batch_id, row.position) for row in refused}
    stored = [line for line in good if (line.record.batch_id, line.position) not in left_out]
    if linking := changes((line.record.project_id, line.event) for line in stored):
        await _append(warehouse, "identity_changes", linking)
    if stored:
        await _append(warehouse, "hour_changes", _hours(stored))
        reach("batch_write.after_ledger")
        if tell is not None:
            tell({line.hour for line in stored})
    rejected = Counter(batch_id for batch_id, _ in left_out)  # a record delivered twice at once counts once
    rejected |= Counter({record.batch_id: len(record.lines) for record in records if record.refused})
    stored_at = warehouse_text(to_datetime(clock.micros()))
    await _append(warehouse, "batches", [_batch(record, rejected[record.batch_id], stored_at) for record in records])
    reach("batch_write.before_answer")
    metrics.PROCESSED_TOTAL.inc(len(stored))


async def _append(warehouse: Inserts, table: str, rows: Sequence[object]) -> None:
    """Insert rows of our own making: a refusal is never the client's fault, so the record comes again."""
    try:
        await warehouse.insert_json_lines(table, msgspec.json.Encoder().encode_lines(rows))
    except WarehouseError as error:
        raise UnavailableError(f"the warehouse refused a row of {table}: {error}") from error


class Line(NamedTuple):
    """One row on its way in, with where it stands in its record and the hour it belongs to."""

    record: Record
    position: int
    data: bytes
    hour: str
    event: str = ""


def _readable(records: Sequence[Record]) -> tuple[list[Line], list[RejectedRow]]:
    """Split rows from lines that are not rows of their record's project, or belong to no hour."""
    good: list[Line] = []
    refused: list[RejectedRow] = []
    hours: dict[str, str] = {}
    for record in records:
        if record.refused:
            refused += _refused_before(record)
            continue
        for position, data in enumerate(record.lines):
            if data == ERASED_LINE:
                refused.append(nobody(Refusal.PERSON_ERASED, record, position))
                continue
            try:
                head = _heads.decode(data)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                refused.append(_rejected(Line(record, position, data, ""), f"not a row: {error}"))
                continue
            start = head.timestamp[:13]
            hour = hours.get(start)
            if hour is None:
                hour = hours[start] = _hour(start)
            line = Line(record, position, data, hour, head.event)
            if head.project_id != record.project_id:
                refused.append(_rejected(line, "the row belongs to another project than its record"))
            elif not hour:
                refused.append(_rejected(line, f"the timestamp {head.timestamp!r} is not usable"))
            else:
                good.append(line)
    return good, refused


def _refused_before(record: Record) -> list[RejectedRow]:
    """The rows that ingest refused; a line that is none is refused as such, at its own place."""
    rows = []
    for position, data in enumerate(record.lines):
        if data == ERASED_LINE:
            rows.append(nobody(Refusal.PERSON_ERASED, record, position))
            continue
        try:
            row = _rejected_rows.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            rows.append(_rejected(Line(record, position, data, ""), f"not a row: {error}"))
            continue
        # The envelope has been checked, and where it disagrees with a line it says whose the line is.
        row.project_id, row.batch_id, row.received_at = record.project_id, record.batch_id, record.received_at
        rows.append(row)
    return rows


def _hour(start: str) -> str:
    """The hour of a timestamp that begins like `2026-01-31 12`; '' where the ledger could not hold it."""
    text = f"{start}:00:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if str(moment) == text and moment.year in YEARS else ""


class ContentRefusedError(Exception):
    """The warehouse refuses the content of some row among those inserted together."""


async def insert_together(lines: Sequence[Line], warehouse: Inserts) -> list[RejectedRow]:
    """Insert rows in one go; raises ContentRefusedError where the warehouse refuses the content of any."""
    if lines:
        try:
            await warehouse.insert_json_lines("events", b"\n".join(line.data for line in lines) + b"\n")
        except WarehouseError as error:
            if error.about_content:
                raise ContentRefusedError(str(error)) from error
            raise UnavailableError(f"the warehouse refused the insert: {error}") from error
    return []


async def insert_bisecting(lines: Sequence[Line], warehouse: Inserts) -> list[RejectedRow]:
    """Insert rows; where the warehouse refuses the content, halve until only the bad rows are left out.

    Returns the refused rows with the warehouse's own reason. Halves already stored may be stored again by a
    redelivery: the events table counts a repeated row once.
    """
    try:
        return await insert_together(lines, warehouse)
    except ContentRefusedError as error:
        if len(lines) == 1:
            return [_rejected(lines[0], str(error))]
        middle = len(lines) // 2
        first = await insert_bisecting(lines[:middle], warehouse)
        return first + await insert_bisecting(lines[middle:], warehouse)


def _rejected(line: Line, detail: str) -> RejectedRow:
    refused = RefusedEvent(line.position, Refusal.STORE_REFUSED, detail, line.data, _event_name(line.data))
    row = rejected_row(refused, line.record.received_at, "store")
    row.project_id, row.batch_id = line.record.project_id, line.record.batch_id
    return row


def _event_name(data: bytes) -> str:
    """The event's name in a line that may be anything; '' where there is none."""
    try:
        return _names.decode(data).event
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _hours(lines: Sequence[Line]) -> list[dict[str, object]]:
    """One ledger entry for each (project, hour) that a flush changed."""
    touched = {(line.record.project_id, line.hour) for line in lines}
    return [{"project_id": project, "hour": hour, "changes": 1} for project, hour in sorted(touched)]


def _batch(record: Record, rejected: int, stored_at: str) -> dict[str, object]:
    return {
        "project_id": record.project_id,
        "batch_id": record.batch_id,
        "partition": record.position.partition,
        "position": record.position.offset,
        "rows": len(record.lines) - rejected,
        "rejected": rejected,
        "eventcount": len(record.lines) if record.eventcount is None else record.eventcount,
        "resent": record.resent,
        "received_at": record.received_at,
        "stored_at": stored_at,
    }
