"""An export as a job: plan, parts, manifest; from a checkpoint, exact at a version of the hour ledger.

The plan cuts the range into windows and is kept. A window becomes one file, under a name that is always the same, and
is noted once the file is there: whoever goes on after a crash writes a file again at most, never a row twice. At the
end the ledger is read once more, and windows that changed since they were read are written again, so that the files
together hold what one query at that version counts. The manifest comes last: without it an export is not complete.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from functions.export.asked import ExportJob
from functions.export.columns import columns, described, select_list
from functions.export.formats import open_writer
from functions.export.reading import Events, Versions, Window, count, plan, read_batches, versions
from shared.clock import Clock, to_datetime, to_micros
from shared.failpoints import reach
from shared.jobs import Job
from shared.jobs.worker import Lease
from shared.objects import Objects, ObjectsRefusedError, Sink
from shared.objects.destinations import remove_all
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.warehouse.client import Warehouse, WarehouseError

log = structlog.get_logger()

KIND = "export"
PART_BYTES = 192 * 1024 * 1024
# A window whose hours change while it is read is read again so often; then the manifest says what it is.
_READS = 4
_ROUNDS = 4
_TRIED_FOR = timedelta(days=1)
_CANNOT_COMPILE_REGEXP = 427

T = TypeVar("T")


class Part(msgspec.Struct, frozen=True):
    """A written file. `version` is that of its hours when its rows were read; not `stable`: they changed meanwhile."""

    name: str
    start: str
    end: str
    rows: int
    bytes: int
    sha256: str
    version: int
    stable: bool


class Checkpoint(msgspec.Struct):
    """How far an export is: the plan, and by the number of their window the parts that are there."""

    windows: list[Window]
    parts: dict[int, Part] = {}
    rounds: int = 0

    @property
    def missing(self) -> list[int]:
        return [number for number in range(len(self.windows)) if number not in self.parts]


class Result(msgspec.Struct, frozen=True):
    """What a finished export is: `prefix` and the names under it are the keys of its files."""

    rows: int
    bytes: int
    version: int
    stable: bool
    prefix: str
    manifest: str
    files: list[Part]


class Limits(NamedTuple):
    """Rows of a file at most, and for how many seconds one event is worked on."""

    part_rows: int
    slice_seconds: float


class Exporter:
    """The work of export jobs; `storage` gives the storage of a destination."""

    def __init__(
        self, warehouse: Warehouse, storage: Callable[[str], Objects], threads: Executor, clock: Clock, limits: Limits
    ) -> None:
        self._warehouse = warehouse
        self._storage = storage
        self._threads = threads
        self._clock = clock
        self._limits = limits

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Write parts until all are there or the time of one event is over.

        A destination that does not let us in is tried again: for a day, and for a schedule's export as long as it
        takes, since nobody would ask for its window again.
        """
        try:
            return await self._step(job, lease)
        except Rejected as rejected:
            scheduled = msgspec.json.decode(job.request, type=ExportJob).schedule_id is not None
            age = to_datetime(self._clock.micros()) - job.created_at
            if rejected.refusal is Refusal.BAD_DESTINATION and (scheduled or age < _TRIED_FOR):
                raise UnavailableError(rejected.detail) from rejected
            raise

    async def _step(self, job: Job, lease: Lease) -> bytes | None:
        export = self._export(job)
        until = self._clock.monotonic() + self._limits.slice_seconds
        state = await self._begun(job, export, lease)
        while True:
            for number in state.missing:
                state.parts[number] = await self._in_thread(partial(export.write, state, number, lease))
                reach("export.after_part")
                await lease.save(msgspec.json.encode(state), self._progress(state))
                if self._clock.monotonic() >= until:
                    return None
            at = await self._in_thread(export.versions)
            changed = [number for number in state.parts if export.changed(state, number, at)]
            if not changed or state.rounds >= _ROUNDS:
                break
            state.rounds += 1
            for number in changed:
                del state.parts[number]
        return await self._in_thread(partial(export.finish, state, at, lease))

    async def clean(self, job: Job) -> None:
        """Remove what a job had written; where the destination does not let us in, its files are not ours any more."""
        try:
            await self.remove(job)
        except Rejected as rejected:
            log.warning("files of an export cannot be removed", job=str(job.id), detail=rejected.detail)

    async def remove(self, job: Job) -> None:
        """Remove the files of a job; harmless to repeat. Refuses where the destination does (`bad_destination`)."""
        export = self._export(job)
        await self._in_thread(export.remove)

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says."""
        request = msgspec.json.decode(job.request, type=ExportJob)
        result = msgspec.json.decode(job.result) if job.result else {}
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "schedule_id": request.schedule_id,
            "state": job.state,
            "format": request.format,
            "range": request.period.echo(),
            "rows": result.get("rows"),
            "bytes": result.get("bytes"),
            "files": len(result.get("files", ())),
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
            "notify": request.notify,
        }

    async def _begun(self, job: Job, export: "Export", lease: Lease) -> Checkpoint:
        if job.checkpoint:
            return msgspec.json.decode(job.checkpoint, type=Checkpoint)
        state = Checkpoint(await self._in_thread(partial(export.plan, self._limits.part_rows)))
        await lease.save(msgspec.json.encode(state), 0.0)
        return state

    def _progress(self, state: Checkpoint) -> float:
        return round(len(state.parts) / (len(state.windows) + 1), 4)

    def _export(self, job: Job) -> "Export":
        request = msgspec.json.decode(job.request, type=ExportJob)
        return Export(job, request, self._warehouse, self._storage(request.destination), self._clock)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: _told(work))


def _told(work: Callable[[], T]) -> T:
    """Faults that no repetition mends, as refusals."""
    try:
        return work()
    except ObjectsRefusedError as error:
        raise Rejected(Refusal.BAD_DESTINATION, str(error)) from error
    except WarehouseError as error:
        if error.code == _CANNOT_COMPILE_REGEXP:
            raise Rejected(Refusal.BAD_FILTER, "a regular expression is not RE2") from error
        raise


class Export:
    """One export and its files. Everything here blocks."""

    def __init__(self, job: Job, request: ExportJob, warehouse: Warehouse, objects: Objects, clock: Clock) -> None:
        self._job = job
        self._request = request
        self._warehouse = warehouse
        self._objects = objects
        self._clock = clock
        self._columns = columns(request.columns)
        self._events = Events(job.project_id, request.period, request.events, request.filters)
        self.prefix = request.folder or prefix_of(job.project_id, job.id)

    def plan(self, rows: int) -> list[Window]:
        return plan(self._warehouse, self._events, rows=rows, size=PART_BYTES)

    def versions(self, window: Window | None = None) -> Versions:
        """The ledger now, of the range or a window."""
        start, end = to_micros(self._request.period.start), to_micros(self._request.period.end)
        if window is not None:
            start, end = window.start, window.end
        return versions(self._warehouse, self._job.project_id, start, end)

    def changed(self, state: Checkpoint, number: int, at: Versions) -> bool:
        part = state.parts[number]
        return not part.stable or part.version != at.of(state.windows[number])

    def write(self, state: Checkpoint, number: int, lease: Lease) -> Part:
        """Write one window's file; raises LeaseLostError where the job is not ours any more."""
        window = state.windows[number]
        for _ in range(_READS):
            lease.check()
            part, whole = self._write_once(window, number, lease)
            if not whole:
                raise UnavailableError("the warehouse's answer was cut off")
            if part.stable:
                break
        return part

    def _write_once(self, window: Window, number: int, lease: Lease) -> tuple[Part, bool]:
        """The part, and whether it has no fewer rows than were counted just before."""
        before = self.versions(window).of(window)
        expected = count(self._warehouse, self._events, window)
        name = f"part-{number:05}{self._request.layout.ending}"
        with self._objects.writer(self.prefix + name, content_type=self._request.layout.content_type) as sink:
            counted = _Counted(sink)
            with open_writer(self._request.layout, self._columns, counted) as writer:

                def take(batch: Any) -> None:
                    lease.check()
                    counted.rows += batch.num_rows
                    writer.write(batch)

                selected = select_list(self._columns, as_json=self._request.format == "json")
                read_batches(self._warehouse, self._events, selected, window, take)
            # As many as were counted, too: rows may be there a moment before their entry in the ledger.
            stable = self.versions(window).of(window) == before and counted.rows == expected
            lease.check()
        start, end = to_datetime(window.start).isoformat(), to_datetime(window.end).isoformat()
        digest = counted.sha256.hexdigest()
        part = Part(name, start, end, counted.rows, counted.bytes, digest, before, stable)
        return part, counted.rows >= expected

    def finish(self, state: Checkpoint, at: Versions, lease: Lease) -> bytes:
        """Write the manifest, remove what it does not name; the result."""
        parts = [state.parts[number] for number in range(len(state.windows))]
        stable = not any(self.changed(state, number, at) for number in state.parts)
        rows, size = sum(part.rows for part in parts), sum(part.bytes for part in parts)
        manifest = {
            "format": self._request.format,
            "compression": self._request.layout.compression,
            "created_at": to_datetime(self._clock.micros()).isoformat(),
            "project_id": self._job.project_id,
            "job_id": self._job.id,
            "query": self._request.query(),
            "columns": described(self._columns),
            "rows": rows,
            "bytes": size,
            "version": at.all,
            "stable": stable,
            "files": parts,
        }
        lease.check()
        self._objects.sweep(self.prefix)  # what workers that died were at
        body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        reach("export.before_manifest")
        self._objects.put(self.prefix + self._request.manifest, body, content_type="application/json")
        reach("export.after_manifest")
        return msgspec.json.encode(Result(rows, size, at.all, stable, self.prefix, self._request.manifest, parts))

    def remove(self) -> None:
        """Remove every file, the manifest first."""
        remove_all(self._objects, self.prefix, self._request.manifest)


class _Counted:
    """A sink that knows what went through it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.sha256 = hashlib.sha256()
        self.bytes = 0
        self.rows = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.bytes += len(data)
        return self._sink.write(data)


def prefix_of(project_id: uuid.UUID, job_id: uuid.UUID) -> str:
    """What the keys of an export's files begin with: every path carries the project."""
    return f"projects/{project_id}/exports/{job_id}/"


def shown(job: Job, storage: Callable[[str], Objects], seconds: int, clock: Clock) -> Mapping[str, Any]:
    """A result as people see it: each file, and the manifest, with a link that expires.

    Of an export whose files were removed after their time, the same without links, and `expired`.
    """
    request = msgspec.json.decode(job.request, type=ExportJob)
    result: dict[str, Any] = msgspec.json.decode(job.result or "{}")
    if job.expired_at is not None:
        return {**result, "manifest": {"name": result["manifest"]}, "expired": True}
    objects = storage(request.destination)
    prefix = result["prefix"]
    files = [{**file, "url": objects.link(prefix + file["name"], seconds)} for file in result["files"]]
    manifest = {"name": result["manifest"], "url": objects.link(prefix + result["manifest"], seconds)}
    expires = to_datetime(clock.micros() // 1_000_000 * 1_000_000 + seconds * 1_000_000)
    return {**result, "files": files, "manifest": manifest, "links_expire_at": expires.isoformat()}
