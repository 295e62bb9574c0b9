"""`bench export`: events as Parquet, CSV and NDJSON by the function, beside ClickHouse's own `FORMAT Parquet`.

The events are made in the warehouse itself, with random ids and values. The function's export is exact, in order, in
files with checksums; the plain statement reads the same columns once, as they lie there, into one stream.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from functions.export.columns import columns, select_list
from functions.export.formats import Format
from tests.load.instance import STORED_SECONDS, Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.memory import MIB, Memory

_AT_ONCE = 500_000
_SECONDS = 3_600.0
_MOST_ROWS = 1_000_000
_FORMATS: tuple[Format, ...] = ("parquet", "csv", "json")
_ROWS = """
INSERT INTO events (
    project_id, event, user_id, session_id, timestamp, event_id, received_at, url, country, properties_raw
)
SELECT
    '{project}', concat('event_', toString(number % 8)), concat('user-', toString(rand64(1) % 200000)),
    toString(rand64(2) % 1000000), toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + toIntervalSecond(rand(3) % 5184000),
    generateUUIDv4(), toDateTime64('2026-03-03 00:00:00', 6, 'UTC'),
    concat('https://shop.example/products/', toString(rand(4) % 5000)), ['DE', 'FR', 'US', 'RU'][1 + rand(5) % 4],
    concat('{{"price":', toString(rand(6) % 10000 / 100), ',"plan":"', ['free', 'pro', 'team'][1 + rand(7) % 3],
        '","text":"', lower(hex(generateUUIDv4(8))), '"}}')
FROM numbers({first}, {count})
"""


def bench_export(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Rows a second of each format, the whole job; raises InstanceError where an export has another number of rows."""
    ours, rows = _Ours(instance), min(options.rows, _MOST_ROWS)
    ours.fill(rows)
    bare = ours.plain(rows)
    for wanted in _FORMATS:
        load = load_average()
        with Memory({"work": ours.worker}) as memory:
            started = time.monotonic()
            result = ours.export(wanted)
            seconds = time.monotonic() - started
        if result["rows"] != rows:
            raise InstanceError(f"{rows} events are stored, {result['rows']} were exported")
        yield Measurement(
            f"export_{wanted}",
            rows / seconds,
            "rows/s",
            ratio=rows / seconds / bare,
            baseline=bare,
            beside="plain Parquet",
            load_average=load,
            details={
                "files": len(result["files"]),
                "mib": result["bytes"] / MIB,
                "work_mib_before": memory.before("work") / MIB,
                "work_mib_highest": memory.highest("work") / MIB,
            },
        )


class _Ours:
    """The instance as a client sees it, and its warehouse itself."""

    def __init__(self, instance: Instance) -> None:
        if not instance.warehouse_url:
            raise InstanceError("events are made in the warehouse itself: give --data")
        address = urlsplit(instance.warehouse_url)
        self._warehouse = httpx.Client(
            base_url=address._replace(path="/").geturl(),
            params={"database": address.path.strip("/")},
            trust_env=False,
            timeout=_SECONDS,
        )
        self._client = httpx.Client(base_url=instance.read.url, trust_env=False, timeout=60)
        self._key = {"X-API-Key": instance.read.key}
        self._write = {"X-API-Key": instance.write.key}
        self.worker = int(instance.part("work"))
        self._project = self._find_project()

    def fill(self, events: int) -> None:
        for first in range(0, events, _AT_ONCE):
            count = min(_AT_ONCE, events - first)
            self._sql(_ROWS.format(project=self._project, first=first, count=count))

    def plain(self, events: int) -> float:
        """Rows a second of one statement into a stream that nobody keeps."""
        wanted = select_list(columns([]))
        sql = f"SELECT {wanted} FROM events WHERE project_id = '{self._project}' AND timestamp < '2026-04-01'"
        settings = (
            "SETTINGS output_format_parquet_compression_method='zstd', max_execution_time=3600, max_result_bytes=0"
        )
        started = time.monotonic()
        with self._warehouse.stream("POST", "", content=f"{sql} {settings} FORMAT Parquet") as answer:
            if answer.status_code != httpx.codes.OK:
                raise InstanceError(f"{answer.status_code} {answer.read()[:300]!r}")
            for _ in answer.iter_raw():
                pass
        return events / (time.monotonic() - started)

    def export(self, wanted: str) -> dict[str, Any]:
        """The result of a finished export."""
        asked = {"format": wanted, "from": "2026-01-01", "to": "2026-03-31"}
        job = self._json(self._client.post("/api/v1/exports", json=asked, headers=self._key), httpx.codes.ACCEPTED)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            shown = self._json(self._client.get(f"/api/v1/exports/{job['id']}", headers=self._key), httpx.codes.OK)
            if shown["state"] == "completed":
                found: dict[str, Any] = shown["result"]
                return found
            if shown["state"] == "failed":
                raise InstanceError(f"the export failed: {shown['error']}")
            time.sleep(0.1)
        raise InstanceError(f"the export is not done after {_SECONDS:.0f} s")

    def _find_project(self) -> str:
        """The project of our key: that of an event sent with it."""
        event_id = str(uuid.uuid4())
        body = {"event": "here", "id": event_id, "timestamp": "2026-06-01T00:00:00Z"}
        self._json(self._client.post("/api/v1/events", json=body, headers=self._write), httpx.codes.ACCEPTED)
        deadline = time.monotonic() + STORED_SECONDS
        while time.monotonic() < deadline:
            if found := self._sql(f"SELECT project_id FROM events WHERE event_id = '{event_id}'").strip():
                return found
            time.sleep(0.1)
        raise InstanceError("an event was acknowledged and is not stored")

    def _sql(self, sql: str) -> str:
        answer = self._warehouse.post("", content=sql)
        if answer.status_code != httpx.codes.OK:
            raise InstanceError(f"{answer.status_code} {answer.text[:300]}")
        return answer.text

    @staticmethod
    def _json(answer: httpx.Response, wanted: int) -> dict[str, Any]:
        if answer.status_code != wanted:
            raise InstanceError(f"{answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found
