"""Exports as the product makes them: jobs in the real catalog, rows in the real warehouse, files in a folder."""

import contextlib
import gzip
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from functions.export.asked import ExportRequest
from functions.export.logic import KIND, Exporter, Limits
from shared.bus import Bus, Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.events import CONTROL_TOPIC, Row
from shared.jobs import Job, Jobs, completed_type, requested_type
from shared.jobs.worker import handle
from shared.objects import Objects
from shared.objects.folder import FolderObjects
from shared.refusals import Rejected, UnavailableError
from tests.integration.reading import NOW, Stored, batch

WIKITICKER = Path(__file__).resolve().parents[3] / "shared" / "data" / "wikiticker"


class Exports:
    """The jobs of one project and whoever works on them."""

    def __init__(self, engine: Stored, catalog: Catalog, objects: Objects, project: uuid.UUID, **limits: Any) -> None:
        self.project = project
        self.objects = objects
        self.bus: Bus = MemoryBus()
        self.jobs = Jobs(catalog, self.bus, KIND, lease_seconds=limits.pop("lease_seconds", 30.0))
        how = Limits(limits.pop("part_rows", 5_000), limits.pop("slice_seconds", 30.0))
        self._threads = ThreadPoolExecutor(2)
        self.exporter = Exporter(engine.warehouse, lambda _: objects, self._threads, SYSTEM_CLOCK, how)
        self.told: list[Any] = []

    async def start(self, key: str = "", **asked: Any) -> Job:
        request = ExportRequest(**asked).settled(NOW)
        job, made = await self.jobs.create(self.project, key or str(uuid.uuid4()), msgspec.json.encode(request))
        if made:
            await self.jobs.request(job)
        return job

    async def deliver(self, *, most: int = 1_000, after: Callable[[], None] | None = None) -> None:
        """Deliver what is on the topic as a source does, until nothing is left or `most` events were taken."""
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "export")
        for _ in range(most):
            found = await subscription.take(1, 0.01)
            if not found:
                break
            [delivery] = found
            if not await self._post(delivery.message):
                break
            await subscription.ack([delivery.position])
            if after is not None:
                after()
        await subscription.close()

    async def _post(self, message: Message) -> bool:
        if message.attributes["type"] == completed_type(KIND):
            self.told.append(json.loads(message.data))
        elif message.attributes["type"] == requested_type(KIND):
            try:
                await handle(message, self.jobs, self.exporter)
            except (Rejected, UnavailableError):
                return False
        return True

    async def find(self, job: Job) -> Job:
        found = await self.jobs.find(job.id)
        assert found is not None
        return found

    async def finished(self, job: Job) -> dict[str, Any]:
        """The result of a job that has to be completed."""
        found = await self.find(job)
        assert (found.state, found.error_code, found.error_detail) == ("completed", None, None)
        result: dict[str, Any] = json.loads(found.result or "")
        return result

    async def run(self, **asked: Any) -> dict[str, Any]:
        job = await self.start(**asked)
        await self.deliver()
        return await self.finished(job)


@contextlib.asynccontextmanager
async def exports(engine: Stored, catalog_url: str, folder: Path, **limits: Any) -> AsyncIterator[Exports]:
    """Exports of a new project, or of `project`, into a folder."""
    project = limits.pop("project", None) or uuid.uuid4()
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    found = Exports(engine, catalog, limits.pop("objects", None) or FolderObjects(folder), project, **limits)
    yield found
    await catalog.close()


def make_project(catalog_url: str, project: uuid.UUID) -> None:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO organisations (id, name) VALUES (%s, 'o') ON CONFLICT DO NOTHING", [project])
        sql = "INSERT INTO projects (id, organisation_id, name) VALUES (%s, %s, 'p') ON CONFLICT DO NOTHING"
        connection.execute(sql, [project, project])


def wikiticker(engine: Stored, project: uuid.UUID) -> dict[str, Any]:
    """Store the day of edits; the answers to what may be asked of it."""
    if not WIKITICKER.is_dir():
        pytest.skip("the wikiticker day is not there: ../shared/data/wikiticker")
    for number, rows in enumerate(_chunks(10_000)):
        engine.put(batch(project, *rows, batch_id=uuid.uuid5(project, str(number))))
    answers: dict[str, Any] = json.loads((WIKITICKER / "answers.json").read_text())
    return answers


def _chunks(size: int) -> Iterator[list[Row]]:
    [file] = WIKITICKER.glob("*.json.gz")
    rows: list[Row] = []
    with gzip.open(file, "rb") as lines:
        for number, line in enumerate(lines):
            edit = json.loads(line)
            moment = edit["time"].replace("T", " ").removesuffix("Z")
            event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number}"))
            rows.append(
                Row(
                    event="edit",
                    event_id=event_id,
                    timestamp=moment + "000" if "." in moment else moment + ".000000",
                    received_at="2026-03-31 12:00:00.000000",
                    user_id=edit["user"],
                    properties_raw=msgspec.Raw(line.strip()),
                )
            )
            if len(rows) == size:
                yield rows
                rows = []
    yield rows
