"""Asking the query functions for what a report says, with the credentials of whoever it is for."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.http import Reply
from shared.saved_queries import Asking, Question, refusal_in

_AT_ONCE = 3
_REFUSED = 400


class Reader:
    """Asks with these headers, some questions at once.

    Every call refuses what the function refuses, in its words, and raises UnavailableError where it is away.
    """

    def __init__(self, asking: Asking, headers: Mapping[str, str]) -> None:
        self._asking = asking
        self._headers = headers
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, kind: Question, query: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a query."""
        async with self._slots:
            return _answered(kind, await self._asking.ask(kind, query, self._headers))

    async def rejected(self, query: Mapping[str, str]) -> dict[str, Any]:
        """How many events were refused, by reason, and in each interval where the query has one."""
        async with self._slots:
            reply = await self._asking.get("rejected", "/api/v1/rejected/reasons", query, self._headers)
            return _answered("rejected", reply)


def _answered(kind: str, reply: Reply) -> dict[str, Any]:
    if reply.status >= _REFUSED:
        raise refusal_in(kind, reply)
    found: dict[str, Any] = msgspec.json.decode(reply.body)
    return found


def headers_of(key: str, project_id: uuid.UUID) -> dict[str, str]:
    """What a run asks with: the key it was given for as long as it lasts."""
    return {"x-api-key": key, "x-project-id": str(project_id)}
