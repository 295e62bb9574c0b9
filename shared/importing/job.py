"""An import: rows of files → events with ids that never change → a server, with flat memory."""

import asyncio
import contextlib
import functools
import hashlib
import itertools
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from shared.importing.formats import ReadOptions, open_rows
from shared.importing.mapping import Mapping
from shared.importing.progress import Checkpoint, Memory, RefusedRow, Totals
from shared.importing.rows import Row, Rows
from shared.importing.selection import Selection, SelectList
from shared.importing.source import Source, open_source
from shared.importing.transport import MAX_BODY_BYTES, MAX_EVENTS, SendError, Transport
from shared.refusals import Rejected

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]
Check = Callable[[bytes], None]
"""Raises Rejected for an event the server would refuse."""

_ENVELOPE_BYTES = 64


class Watcher(Protocol):
    """Is told how an import goes on."""

    def reading(self, file: str, done: int, size: int) -> None: ...

    def importing(self, file: str, rows: int, already: int) -> None: ...

    def advanced(self, rows: int) -> None: ...

    def refused(self, row: RefusedRow) -> None: ...


class Job(NamedTuple):
    """What an import needs to know: whose ids to make, how to read and map rows and how many to send at once.

    Without a `project_id` the server makes the ids from the same text, with the same result. `columns` are there
    for the select list even where a file has none of that name. `destination` names server and project, for what
    is remembered in `memory`; `restart` ignores what was.
    """

    mapping: Mapping
    project_id: uuid.UUID | None = None
    batch: int = 1_000
    concurrency: int = 4
    read: ReadOptions = ReadOptions()
    select: SelectList | None = None
    columns: dict[str, str] = {}  # noqa: RUF012 (a tuple's default, never changed)
    timezone: str = "UTC"
    memory: Path | None = None
    destination: str = ""
    options: str = ""
    restart: bool = False


class _Item(NamedTuple):
    row: int
    line: bytes
    event: bytes


class _Batch(NamedTuple):
    """Events for one request, and the rows refused on the way to them."""

    items: list[_Item]
    refused: list[RefusedRow]


class _Settled:
    """The beginning of a file that is settled, told by batches that may end in any order."""

    def __init__(self, checkpoint: Checkpoint, memory: Memory) -> None:
        self.checkpoint = checkpoint
        self._memory = memory
        self._next = 0
        self._waiting: dict[int, tuple[Totals, str]] = {}

    def add(self, place: int, totals: Totals, receipt: str) -> None:
        self._waiting[place] = totals, receipt
        while self._next in self._waiting:
            done, name = self._waiting.pop(self._next)
            self.checkpoint.totals.add(done)
            self.checkpoint.receipt = name or self.checkpoint.receipt
            self._next += 1
        self._memory.keep(self.checkpoint)


def row_ids(project_id: uuid.UUID | None, sha256: str) -> Callable[[int], str]:
    """The ids of a file's rows, named by its content and their number: importing again changes nothing.

    It is `named(project, "<sha256>:<row>")`, three times as fast: the beginning is hashed once.
    """
    if project_id is None:
        return lambda row: f"{sha256}:{row}"
    beginning = hashlib.sha1(project_id.bytes + f"{sha256}:".encode(), usedforsecurity=False)

    def make(row: int) -> str:
        digest = beginning.copy()
        digest.update(b"%d" % row)
        name = digest.digest()
        digits, variant = name.hex(), "89ab"[name[8] >> 4 & 3]
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

    return make


class Importer:
    """Runs a job over files; `totals` is right at any moment, also after an interruption."""

    def __init__(self, job: Job, watcher: Watcher) -> None:
        self.totals = Totals()
        self._job = job
        self._watcher = watcher

    def unmapped(self) -> dict[str, str]:
        """The mapped fields that no row had so far, with their paths; none before the first row."""
        found = self.totals.found | self._job.mapping.found
        return {
            field: path for field, path in self._job.mapping.asked.items() if self.totals.rows and field not in found
        }

    def run(self, files: Sequence[str], open_transport: OpenTransport) -> None:
        """Import one file after the other; `totals` says how far it got.

        Raises SourceError, SelectError, SendError, and MappingError for a mapped column that a table does not have.

        An import that was broken off goes on after the rows that have their answer, if the server shows by their
        receipt that it has them; else it begins anew, which changes nothing either.
        """
        for name in files:
            with open_source(name, functools.partial(self._watcher.reading, name)) as source:
                asyncio.run(self._run(source, open_transport))

    def rehearse(self, files: Sequence[str], check: Check, show: Callable[[bytes], None], most: int | None) -> None:
        """Read, map and check the first `most` rows of each file and send nothing; `show` gets each good event."""
        for name in files:
            with open_source(name, functools.partial(self._watcher.reading, name)) as source:
                rows = open_rows(source, self._job.read)
                self._watcher.importing(name, min(rows.total(), most or rows.total()), 0)
                with contextlib.closing(self._items(source, rows, 0, most)) as items:
                    for item in items:
                        self._rehearse(name, item, check, show)

    def _rehearse(self, name: str, item: _Item | RefusedRow, check: Check, show: Callable[[bytes], None]) -> None:
        self.totals.rows += 1
        self._watcher.advanced(1)
        if isinstance(item, _Item):
            try:
                check(item.event)
            except Rejected as signal:
                item = _refused(name, item.row, item.line, signal)
            else:
                self.totals.accepted += 1
                show(item.event)
                return
        self._refuse(item)

    async def _run(self, source: Source, open_transport: OpenTransport) -> None:
        job = self._job
        memory = Memory(job.memory, job.destination, source.sha256, job.options)
        rows = open_rows(source, job.read)
        async with open_transport() as transport:
            settled = _Settled(await self._resumed(source, memory, transport), memory)
            already = settled.checkpoint.totals.rows
            self._watcher.importing(source.name, rows.total(), already)
            try:
                with contextlib.closing(self._items(source, rows, already, None)) as items:
                    await self._send_all(items, transport, settled)
            except BaseException:
                memory.keep(settled.checkpoint, now=True)
                raise
        memory.forget()

    async def _resumed(self, source: Source, memory: Memory, transport: Transport) -> Checkpoint:
        known = None if self._job.restart else memory.recall()
        if known is None or not known.receipt or not await transport.is_stored(known.receipt):
            return Checkpoint(source.name, Totals())
        self.totals.add(known.totals)
        return known

    async def _send_all(self, items: Iterator[_Item | RefusedRow], transport: Transport, settled: _Settled) -> None:
        pending: set[asyncio.Task[None]] = set()
        batches = _batches(items, self._job.batch)
        try:
            for place in itertools.count():
                # Reading and mapping must not keep the requests in flight from their answers.
                batch = await _in_thread(functools.partial(next, batches, None))
                if batch is None:
                    break
                self._begin(batch)
                if len(pending) >= self._job.concurrency:
                    pending = await _first_done(pending)
                pending.add(asyncio.create_task(self._send(place, batch, transport, settled)))
            while pending:
                pending = await _first_done(pending)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _begin(self, batch: _Batch) -> None:
        self.totals.rows += len(batch.items) + len(batch.refused)
        for row in batch.refused:
            self._refuse(row)
        self._watcher.advanced(len(batch.refused))

    async def _send(self, place: int, batch: _Batch, transport: Transport, settled: _Settled) -> None:
        # Of later rows too, perhaps: whoever goes on from here reads those again.
        done = Totals(rows=len(batch.items) + len(batch.refused), found=set(self._job.mapping.found))
        for row in batch.refused:
            done.refuse(row)
        receipt = ""
        if batch.items:
            delivered = await transport.deliver([item.event for item in batch.items])
            receipt = delivered.receipt
            for found in delivered.refused:
                if not 0 <= found.index < len(batch.items):
                    raise SendError(f"the server refused event {found.index} of {len(batch.items)}")
                item = batch.items[found.index]
                row = RefusedRow(
                    settled.checkpoint.file, item.row, found.reason, found.detail, item.line.decode(errors="replace")
                )
                done.refuse(row)
                self._refuse(row)
            done.accepted = len(batch.items) - len(delivered.refused)
        self.totals.accepted += done.accepted
        self._watcher.advanced(len(batch.items))
        settled.add(place, done, receipt)

    def _items(
        self, source: Source, rows: Rows, already: int, most: int | None
    ) -> Generator[_Item | RefusedRow, None, None]:
        """The events of the rows after the first `already` ones, at most `most`, in order."""
        make_id = row_ids(self._job.project_id, source.sha256)
        wanted: Iterable[Row] = itertools.islice(rows, already, most)
        columns = rows.columns() if rows.named else {}
        with contextlib.ExitStack() as stack:
            if self._job.select is not None:
                selection = Selection(self._job.select, *self._select_from(source, rows))
                wanted = stack.enter_context(contextlib.closing(selection)).apply(wanted)
                columns = selection.columns
            if rows.named and columns:  # an empty file has none, and no rows either
                self._job.mapping.require_columns(columns)
            nulls = not (rows.tabular or self._job.select)
            for row in wanted:
                try:
                    if row.fault is not None:
                        raise row.fault
                    event = self._job.mapping.event(row.data, make_id(row.number), nulls=nulls)
                except Rejected as signal:
                    yield _refused(source.name, row.number, row.data, signal)
                else:
                    yield _Item(row.number, row.data, event)

    def _select_from(self, source: Source, rows: Rows) -> tuple[dict[str, str], dict[str, str]]:
        known = {name.casefold() for name in self._job.columns}
        found = {name: kind for name, kind in rows.columns().items() if name.casefold() not in known}
        stem = Path(source.name).name.partition(".")[0]
        return {**self._job.columns, **found}, {"file": stem, "timezone": self._job.timezone}

    def _refuse(self, row: RefusedRow) -> None:
        self.totals.refuse(row)
        self._watcher.refused(row)


def _refused(file: str, row: int, line: bytes, signal: Rejected) -> RefusedRow:
    return RefusedRow(file, row, str(signal.refusal), signal.detail, line.decode(errors="replace"))


def _batches(items: Iterator[_Item | RefusedRow], size: int) -> Iterator[_Batch]:
    """Batches of at most `size` events that fit into one request, each with the refused rows before them."""
    size, room = min(size, MAX_EVENTS), MAX_BODY_BYTES - _ENVELOPE_BYTES
    batch = _Batch([], [])
    for item in items:
        event = item.event if isinstance(item, _Item) else b""
        full = len(batch.items) + len(batch.refused) >= size
        if full or (batch.items and room < len(event) + 1):
            yield batch
            batch, room = _Batch([], []), MAX_BODY_BYTES - _ENVELOPE_BYTES
        if isinstance(item, _Item):
            batch.items.append(item)
            room -= len(event) + 1
        else:
            batch.refused.append(item)
    if batch.items or batch.refused:
        yield batch


async def _in_thread(work: Callable[[], _Batch | None]) -> _Batch | None:
    """Run `work` in a thread and wait until it is done even when cancelled: it holds the file."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _first_done(pending: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait until a task is done and return the others; raises what a done one raised."""
    done, others = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return others
