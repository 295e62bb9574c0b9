"""When something was first seen: events without a timestamp, and requests under an Idempotency-Key.

A retry must be the same event as the first attempt, so it needs the same time, whichever replica it reaches. The
catalog decides: of all who ask at once, one time wins and everybody gets it (docs/decisions/0009-first-sight.md).
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from shared.catalog.client import ANSWER_SECONDS, Catalog, CatalogUnavailableError, Row
from shared.clock import Clock, to_datetime, to_micros
from shared.refusals import Refusal, Rejected

KEPT_SECONDS = 48 * 3_600
BOUND_SECONDS = 24 * 3_600
CLEAN_EVERY_SECONDS = 600
# Ids one statement asks for, rows one statement removes: a tenth of a second, far from the catalog's two.
_ASKED_AT_ONCE = 10_000
_CLEANED_AT_ONCE = 5_000
# Fewer than the catalog has connections: the keys of all other requests need some as well.
_STATEMENTS_AT_ONCE = 2

log = structlog.get_logger()


class Sightings:
    """First sights in the catalog, kept for 48 hours; what has expired is removed beside the requests."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._turns = asyncio.Semaphore(_STATEMENTS_AT_ONCE)
        self._gathering: tuple[_Batch, asyncio.Task[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._clean_from = float("-inf")

    async def first_seen(self, project_id: UUID, ids: Sequence[UUID], now_micros: int) -> dict[UUID, int]:
        """When each of `ids` was first asked for within 48 hours, in microseconds since 1970.

        Ids nobody asked for yet get `now_micros`; an id given twice counts once. Whoever asks for the same id gets
        the same time, also at the same moment and in another process. One round trip, shared with the requests
        that wait for their turn. Raises CatalogUnavailableError: the times may then have been kept or not.
        """
        if not ids:
            return {}
        batch, asking = self._gathered(len(ids))
        times = batch.add(project_id, ids, now_micros)
        await asyncio.shield(asking)
        return {name: times[name] for name in ids}

    async def claim(self, project_id: UUID, key: str, fingerprint: bytes, now_micros: int) -> int:
        """Take `key` (1 to 255 ASCII characters) for the body with this SHA-256; microseconds of its first sight.

        The same body gets the time of its first claim for 48 hours. Raises Rejected(IDEMPOTENCY_KEY_REUSED) where
        another body came first within 24 hours, after which the key is free for another; CatalogUnavailableError:
        the key may then have been taken or not.
        """
        parameters = {
            "project_id": project_id,
            "key": key,
            "fingerprint": fingerprint,
            "now": to_datetime(now_micros),
            "kept_seconds": KEPT_SECONDS,
            "bound_seconds": BOUND_SECONDS,
        }
        await self._begin_turn()
        try:
            [held] = await self._catalog.rows("sight_idempotency_key", parameters)
        finally:
            self._turns.release()
        self._clean_now_and_then()
        if held["fingerprint"] != fingerprint:
            since = held["first_seen"].isoformat()
            raise Rejected(Refusal.IDEMPOTENCY_KEY_REUSED, f"it belongs to another body, first sent at {since}")
        return to_micros(held["first_seen"])

    async def close(self) -> None:
        """End what is under way; the catalog is closed by whoever opened it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _gathered(self, size: int) -> "tuple[_Batch, asyncio.Task[None]]":
        """The batch that waits for its turn, a new one where none waits or it would become too large."""
        if self._gathering is None or self._gathering[0].size + size > _ASKED_AT_ONCE:
            batch = _Batch()
            self._gathering = batch, self._start(self._ask(batch))
        return self._gathering

    async def _ask(self, batch: "_Batch") -> None:
        try:
            await self._begin_turn()
        finally:
            if self._gathering is not None and self._gathering[0] is batch:
                self._gathering = None
        try:
            batch.settle(await self._catalog.rows("sight_events", batch.parameters()))
        finally:
            self._turns.release()
        self._clean_now_and_then()

    async def _begin_turn(self) -> None:
        """Wait until a statement may run, no longer than for its answer: behind a server that hangs nobody queues."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise CatalogUnavailableError("too much waits for the catalog") from error

    def _clean_now_and_then(self) -> None:
        """Remove what has expired, at most every ten minutes and never while a request waits for it."""
        now = self._clock.monotonic()
        if now >= self._clean_from:
            self._clean_from = now + CLEAN_EVERY_SECONDS
            self._start(self._clean())

    async def _clean(self) -> None:
        parameters = {"before": to_datetime(self._clock.micros() - KEPT_SECONDS * 1_000_000), "most": _CLEANED_AT_ONCE}
        try:
            for query in ("forget_sighted_events", "forget_sighted_keys"):
                while (await self._catalog.rows(query, parameters))[0]["forgotten"] == _CLEANED_AT_ONCE:
                    pass
        except CatalogUnavailableError as error:
            log.info("sightings not cleaned", detail=str(error))

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name="sightings")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; those who asked may all be gone


class _Batch:
    """The ids of several requests, for one statement; no id twice for a project."""

    def __init__(self) -> None:
        self._by_project: dict[UUID, dict[UUID, int]] = {}
        self._came: list[tuple[UUID, int]] = []
        self._ids: list[UUID] = []
        self._requests: list[int] = []

    @property
    def size(self) -> int:
        return len(self._ids)

    def add(self, project_id: UUID, ids: Sequence[UUID], micros: int) -> dict[UUID, int]:
        """Ask for the ids of one request; returns where the times of its project will stand."""
        times = self._by_project.setdefault(project_id, {})
        new = [name for name in dict.fromkeys(ids) if name not in times]
        times.update(dict.fromkeys(new, micros))
        self._came.append((project_id, micros))
        self._ids += new
        self._requests += [len(self._came)] * len(new)
        return times

    def parameters(self) -> Row:
        return {
            "projects": [project_id for project_id, _ in self._came],
            "times": [to_datetime(micros) for _, micros in self._came],
            "ids": self._ids,
            "requests": self._requests,
            "kept_seconds": KEPT_SECONDS,
        }

    def settle(self, rows: Sequence[Row]) -> None:
        """Note what had been seen before."""
        for row in rows:
            self._by_project[row["project_id"]].update(dict.fromkeys(row["ids"], to_micros(row["first_seen"])))
