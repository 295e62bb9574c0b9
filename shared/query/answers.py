"""Answers kept: the same statement over a range that has not changed since is not asked of the warehouse again.

What is kept is never stale: its key holds the ledger's version of the range, which every change of the range's rows
raises, and where people are asked for the version of who is who; both are read anew for every question. Losing an
answer costs time only, so each process has its own.
"""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from shared import metrics
from shared.query.ask import Version
from shared.warehouse.client import Answer, Warehouse

MAX_BYTES = 16 * 1024 * 1024
# Of one answer: a few large ones shall not push out all the others.
_MOST_OF_ONE = 8
_CELL_BYTES = 64


class Guards(Protocol):
    """Runs statements within what their project may take (shared.query.guard)."""

    async def query(self, sql: str, parameters: Mapping[str, Any], project_id: uuid.UUID, *, small: bool) -> Answer: ...


class _Underway:
    """A statement under way, and how many wait for its answer."""

    def __init__(self, asking: asyncio.Task[Answer]) -> None:
        self.asking = asking
        self.waiting = 0

    async def answer(self) -> Answer:
        """Its answer, or what it raises. It is ended when the last who waits for it leaves."""
        self.waiting += 1
        try:
            return await asyncio.shield(self.asking)
        except asyncio.CancelledError:
            if self.waiting == 1:
                self.asking.cancel()
            raise
        finally:
            self.waiting -= 1


class Remembering:
    """A warehouse that keeps the answers asked for last, at most `max_bytes` of them, roughly.

    What is asked for a project passes the `guard`. Used within one event loop.
    """

    def __init__(self, warehouse: Warehouse, max_bytes: int = MAX_BYTES, guard: Guards | None = None) -> None:
        self._warehouse = warehouse
        self._guard = guard
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, tuple[Answer, int]] = OrderedDict()
        self._bytes = 0
        self._underway: dict[bytes, _Underway] = {}

    async def query(
        self, sql: str, parameters: dict[str, Any], project_id: uuid.UUID | None = None, *, small: bool = False
    ) -> Answer:
        """Ask the warehouse; raises as it and the guard do."""
        if self._guard is None or project_id is None:
            return await self._warehouse.query(sql, parameters)
        return await self._guard.query(sql, parameters, project_id, small=small)

    async def ping(self) -> None:
        await self._warehouse.ping()

    async def close(self) -> None:
        await self._warehouse.close()

    async def query_at(
        self,
        version: Version,
        sql: str,
        parameters: dict[str, Any],
        project_id: uuid.UUID | None = None,
        *,
        small: bool = False,
    ) -> tuple[Answer, bool]:
        """The answer to a statement at a version of what it reads, and whether it was known.

        Of several at once that are not known one is asked; the others wait for it, and raise what it raises.
        """
        key = msgspec.json.encode((version, sql, parameters))
        if key in self._kept:
            self._kept.move_to_end(key)
            metrics.QUERY_ANSWERS.labels("kept").inc()
            return self._kept[key][0], True
        if key in self._underway and not self._underway[key].asking.cancelling():
            metrics.QUERY_ANSWERS.labels("shared").inc()
            return await self._underway[key].answer(), True
        metrics.QUERY_ANSWERS.labels("asked").inc()
        asking = asyncio.create_task(self.query(sql, parameters, project_id, small=small))
        underway = self._underway[key] = _Underway(asking)
        asking.add_done_callback(lambda done: self._asked(key, underway, done))
        return await underway.answer(), False

    def _asked(self, key: bytes, underway: _Underway, done: "asyncio.Task[Answer]") -> None:
        if self._underway.get(key) is underway:
            del self._underway[key]
        if done.cancelled() or done.exception() is not None:
            return
        answer = done.result()
        size = len(key) + sum(
            _CELL_BYTES + (len(cell) if isinstance(cell, str) else 0) for row in answer.rows for cell in row
        )
        if size > self._max_bytes // _MOST_OF_ONE:
            return
        self._kept[key] = answer, size
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= self._kept.popitem(last=False)[1][1]
