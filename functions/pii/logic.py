"""A scan as a job: a bounded sample of events and refused payloads, looked through for personal data."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec

from functions.pii.rules import rules_of
from functions.pii.scan import Finding, Scan
from shared.catalog.client import Catalog
from shared.clock import Clock, to_datetime
from shared.jobs import Job
from shared.jobs.worker import Lease
from shared.pii import Rules
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse

KIND = "pii_scan"
MOST_ROWS = 200_000
_HERE = Path(__file__).parent
_CHECKED_EVERY = 1_000

_decode_event = msgspec.json.Decoder(tuple[str, str, str, str, str, str, str]).decode
_decode_raw = msgspec.json.Decoder(tuple[str]).decode


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is looked at: `rows` events, and as many refused payloads, of the last `days`."""

    days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 30
    rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = 20_000


class Report(msgspec.Struct, frozen=True):
    """What was looked at, and which properties likely hold personal data. Examples are masked.

    A property no sampled row has is not in it: nothing found says that it is rare, not that it is not there.
    """

    since: datetime
    events: int
    rejected: int
    findings: list[Finding]


class Scanner:
    """The work of such jobs."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, threads: Executor, clock: Clock) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._threads = threads
        self._clock = clock

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Look through the sample in one go; it is bounded."""
        rules = await rules_of(self._catalog, job.project_id)
        work = partial(self._scan, job, lease, rules)
        report = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return msgspec.json.encode(report)

    async def clean(self, job: Job) -> None:
        """Nothing is written but the result."""

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says: how much was found, and nothing of what."""
        report = msgspec.json.decode(job.result, type=Report) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "findings": len(report.findings) if report else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }

    def _scan(self, job: Job, lease: Lease, rules: Rules | None) -> Report:
        """Blocks."""
        asked = msgspec.json.decode(job.request, type=ScanRequest)
        since = to_datetime(self._clock.micros()) - timedelta(days=asked.days)
        scan = Scan(rules)

        def event(line: bytes) -> None:
            _, user_id, anonymous_id, url, ip, properties, context = _decode_event(line)
            for name, value in (("user_id", user_id), ("anonymous_id", anonymous_id), ("url", url), ("ip", ip)):
                if value:
                    scan.look(name, value)
            scan.look("properties", msgspec.json.decode(properties))
            scan.look("context", msgspec.json.decode(context))

        def refused(line: bytes) -> None:
            [raw] = _decode_raw(line)
            try:
                document = msgspec.json.decode(raw)
            except (msgspec.MsgspecError, RecursionError):
                document = raw
            scan.look("rejected", document)

        sampled = self._read(job, lease, "sample", since, asked.rows, event)
        rejected = self._read(job, lease, "rejected_sample", since, asked.rows, refused)
        return Report(since, sampled, rejected, scan.findings())

    def _read(self, job: Job, lease: Lease, name: str, since: datetime, most: int, look: Any) -> int:  # noqa: PLR0917 (what is read, and by whom)
        parameters = Parameters()
        sql = read_sql(
            _HERE,
            name,
            project=parameters.bind("UUID", str(job.project_id)),
            since=parameters.bind("DateTime64(6, 'UTC')", str(since.replace(tzinfo=None))),
            most=parameters.bind("UInt32", most),
        )

        def read(stream: IO[bytes]) -> int:
            number = 0
            for line in _lines(stream):
                if number % _CHECKED_EVERY == 0:
                    lease.check()
                look(line)
                number += 1
            return number

        return self._warehouse.read(sql, parameters.values, "JSONCompactEachRow", read)


def _lines(stream: IO[bytes]) -> Iterable[bytes]:
    rest = b""
    while piece := stream.read(1 << 20):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest
