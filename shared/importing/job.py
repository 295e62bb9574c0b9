"""An import: rows of files → events with ids that never change → a server, with flat memory."""

import asyncio
import functools
import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import msgspec

from shared.importing.mapping import Mapping
from shared.importing.source import MAX_LINE_BYTES, Source, open_source
from shared.importing.transport import MAX_BODY_BYTES, MAX_EVENTS, SendError, Transport
from shared.refusals import Refusal, Rejected

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]

EXAMPLES_PER_REASON = 3
_ENVELOPE_BYTES = 64


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that did not become an event: where it stands, why, and (for the rejects file) what it says."""

    file: str
    row: int
    reason: str
    detail: str
    line: str


class Watcher(Protocol):
    """Is told how an import goes on."""

    def reading(self, file: str, done: int, size: int) -> None: ...

    def importing(self, file: str, lines: int) -> None: ...

    def advanced(self, lines: int) -> None: ...

    def refused(self, row: RefusedRow) -> None: ...


class Totals(msgspec.Struct):
    """How far an import got: `rows` = accepted + refused + lost, where lost ones got no final answer."""

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    examples: dict[str, list[RefusedRow]] = msgspec.field(default_factory=dict)

    @property
    def lost(self) -> int:
        return self.rows - self.accepted - self.refused

    def refuse(self, row: RefusedRow) -> None:
        self.refused += 1
        self.reasons[row.reason] += 1
        examples = self.examples.setdefault(row.reason, [])
        if len(examples) < EXAMPLES_PER_REASON:
            examples.append(row)


class Job(NamedTuple):
    """What an import needs to know: whose ids to make, how to map rows and how many to send at once.

    Without a `project_id` the server makes the ids from the same text, with the same result.
    """

    mapping: Mapping
    project_id: uuid.UUID | None = None
    batch: int = 1_000
    concurrency: int = 4


class _Item(NamedTuple):
    row: int
    line: bytes
    event: bytes


def row_ids(project_id: uuid.UUID | None, sha256: str) -> Callable[[int], str]:
    """The ids of a file's rows, named by its content and their line: importing again changes nothing.

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

    def run(self, files: Sequence[str], open_transport: OpenTransport) -> None:
        """Import one file after the other; raises SourceError and SendError, `totals` says how far it got."""
        for name in files:
            with open_source(name, functools.partial(self._watcher.reading, name)) as source:
                self._watcher.importing(name, source.line_count)
                asyncio.run(self._run(source, open_transport))

    def rehearse(self, files: Sequence[str], show: Callable[[bytes], None]) -> None:
        """Read and map everything and send nothing; `show` gets each event."""
        for name in files:
            with open_source(name) as source:
                for item in self._items(source):
                    self.totals.accepted += 1
                    show(item.event)

    async def _run(self, source: Source, open_transport: OpenTransport) -> None:
        async with open_transport() as transport:
            await self._send_all(source, transport)

    async def _send_all(self, source: Source, transport: Transport) -> None:
        pending: set[asyncio.Task[None]] = set()
        try:
            for batch in _batches(self._items(source), self._job.batch):
                if len(pending) >= self._job.concurrency:
                    pending = await _first_done(pending)
                pending.add(asyncio.create_task(self._send(source.name, batch, transport)))
                await asyncio.sleep(0)  # mapping must not keep the requests in flight from their answers
            while pending:
                pending = await _first_done(pending)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _send(self, file: str, batch: list[_Item], transport: Transport) -> None:
        refused = await transport.send([item.event for item in batch])
        for found in refused:
            if not 0 <= found.index < len(batch):
                raise SendError(f"the server refused event {found.index} of {len(batch)}")
            item = batch[found.index]
            self._refuse(file, item.row, item.line, found.reason, found.detail)
        self.totals.accepted += len(batch) - len(refused)
        self._watcher.advanced(len(batch))

    def _items(self, source: Source) -> Iterator[_Item]:
        make_id = row_ids(self._job.project_id, source.sha256)
        for number, line in source.lines():
            self.totals.rows += 1
            try:
                item = self._item(number, line, make_id)
            except Rejected as signal:
                self._refuse(source.name, number, line or b"", str(signal.refusal), signal.detail)
                self._watcher.advanced(1)
            else:
                yield item

    def _item(self, number: int, line: bytes | None, make_id: Callable[[int], str]) -> _Item:
        if line is None:
            raise Rejected(Refusal.EVENT_TOO_LARGE, f"the line is longer than {MAX_LINE_BYTES} bytes")
        return _Item(number, line, self._job.mapping.event(line, make_id(number)))

    def _refuse(self, file: str, row: int, line: bytes, reason: str, detail: str) -> None:
        refused = RefusedRow(file, row, reason, detail, line.decode(errors="replace"))
        self.totals.refuse(refused)
        self._watcher.refused(refused)


def _batches(items: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    """Lists of at most `size` items that fit into one request."""
    batch: list[_Item] = []
    size, room = min(size, MAX_EVENTS), MAX_BODY_BYTES - _ENVELOPE_BYTES
    for item in items:
        if batch and (len(batch) >= size or room < len(item.event) + 1):
            yield batch
            batch, room = [], MAX_BODY_BYTES - _ENVELOPE_BYTES
        batch.append(item)
        room -= len(item.event) + 1
    if batch:
        yield batch


async def _first_done(pending: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait until a task is done and return the others; raises what a done one raised."""
    done, others = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return others
