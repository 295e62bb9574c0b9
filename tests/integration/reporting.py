"""Reports whose questions are answered by the query functions themselves, in this process, on real engines."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from shared.function import Service
from shared.http import Reply, Request
from shared.saved_queries import Asking
from shared.serve import find_main


class InProcess(Asking):
    """Asks functions that are opened when they are asked first; the environment says where their engines are."""

    def __init__(self) -> None:
        super().__init__("http://nobody.invalid")
        self.asked: list[str] = []
        self._services: dict[str, Service[Any]] = {}

    async def _exchange(self, method: str, service: str, path: str, headers: Mapping[str, str], **more: Any) -> Reply:
        self.asked.append(path)
        name = service.replace("-", "_")
        if name not in self._services:
            self._services[name] = find_main(name).service
            await self._services[name].open()
        query = "&".join(f"{key}={_escaped(value)}" for key, value in more.get("params", {}).items())
        messages = iter([{"type": "http.request", "body": more.get("data", b"")}])

        async def receive() -> dict[str, Any]:
            found = next(messages, None)
            if found is None:
                await asyncio.Event().wait()  # who asks stays
            return found or {}

        raw = [(key.encode(), value.encode()) for key, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw}
        return await self._services[name].answer(Request(scope, receive))

    async def close(self) -> None:
        for service in self._services.values():
            await service.close()


def _escaped(value: str) -> str:
    return value.replace("+", "%2B")


def part(kind: str, query: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A part with a query of its own."""
    made = {"id": more.pop("id", f"p-{uuid.uuid4().hex[:8]}"), "inline": {"kind": kind, "query": query or {}}}
    return {**made, **more}
