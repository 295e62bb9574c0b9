"""Answers kept: the same statement over a range that has not changed since is not asked of the warehouse again.

What is kept is never stale: its key holds the ledger's version of the range, which every change of the range's rows
raises, and that version is read anew for every question. Losing an answer costs time only, so each process has its own.
"""

import asyncio
from collections import OrderedDict
from typing import Any

import msgspec

from shared import metrics
from shared.warehouse.client import Answer, Warehouse

MAX_BYTES = 16 * 1024 * 1024
# Of one answer: a few large ones shall not push out all the others.
_MOST_OF_ONE = 8
_CELL_BYTES = 64


class Remembering:
    """A warehouse that keeps the answers asked for last, at most `max_bytes` of them, roughly.

    Used within one event loop.
    """

    def __init__(self, warehouse: Warehouse, max_bytes: int = MAX_BYTES) -> None:
        self._warehouse = warehouse
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, tuple[Answer, int]] = OrderedDict()
        self._bytes = 0
        self._underway: dict[bytes, asyncio.Task[Answer]] = {}

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        """Ask the warehouse; raises as it does."""
        return await self._warehouse.query(sql, parameters)

    async def ping(self) -> None:
        await self._warehouse.ping()

    async def close(self) -> None:
        await self._warehouse.close()

    async def query_at(self, version: int, sql: str, parameters: dict[str, Any]) -> tuple[Answer, bool]:
        """The answer to a statement at a version of its range, and whether it was known.

        Of several at once that are not known one is asked; the others wait for it, and raise what it raises.
        """
        key = msgspec.json.encode((version, sql, parameters))
        if key in self._kept:
            self._kept.move_to_end(key)
            metrics.QUERY_ANSWERS.labels("kept").inc()
            return self._kept[key][0], True
        if key in self._underway:
            metrics.QUERY_ANSWERS.labels("shared").inc()
            return await asyncio.shield(self._underway[key]), True
        metrics.QUERY_ANSWERS.labels("asked").inc()
        asking = self._underway[key] = asyncio.create_task(self._warehouse.query(sql, parameters))
        asking.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(asking), False

    def _asked(self, key: bytes, done: "asyncio.Task[Answer]") -> None:
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
