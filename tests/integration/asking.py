"""Functions as they are served, asked with a project's key; `deliver` stands for the source."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from shared.bus import Message
from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.cloudevent import encode_binary
from shared.events import CONTROL_TOPIC
from shared.function import Service
from shared.http import Reply, Request
from shared.notifications import REQUESTED
from shared.serve import find_main
from shared.streams import Streamed
from tests.integration.exporting import make_project
from tests.integration.reading import Stored


class Client:
    """A function with a project's key."""

    def __init__(self, service: Service[Any], key: str) -> None:
        self.service = service
        self.key = key
        self.told: list[Any] = []
        self.notified: list[Any] = []

    async def ask(self, method: str, address: str, body: object = None, **headers: str) -> Reply:
        path, _, query = address.partition("?")
        data = b"" if body is None else json.dumps(body).encode()

        asked = iter([{"type": "http.request", "body": data}])

        async def receive() -> dict[str, Any]:
            found = next(asked, None)
            if found is None:
                await asyncio.Event().wait()  # the client stays
            return found or {}

        given = {"x-api-key": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw}
        reply = await self.service.answer(Request(scope, receive))
        if isinstance(reply, Streamed):
            reply.body = b"".join([part async for part in reply.parts()])
        return reply

    async def json(self, method: str, address: str, body: object = None, *, status: int = 200, **headers: str) -> Any:
        reply = await self.ask(method, address, body, **headers)
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    async def refused(self, method: str, address: str, body: object = None, **headers: str) -> tuple[int, str]:
        """The status and the code of a refusal."""
        reply = await self.ask(method, address, body, **headers)
        return reply.status, json.loads(reply.body)["code"]

    async def deliver(self) -> None:
        subscription = await self.service._ports.jobs._bus.subscribe(CONTROL_TOPIC, "test")  # type: ignore[union-attr]
        while found := await subscription.take(1, 0.01):
            message: Message = found[0].message
            if "completed" in message.attributes["type"]:
                self.told.append(json.loads(message.data))
            if message.attributes["type"] == REQUESTED:
                self.notified.append(json.loads(message.data))
            reply = await self.post(message)
            assert reply.status == 204, reply.body
            await subscription.ack([found[0].position])
        await subscription.close()

    async def post(self, message: Message) -> Reply:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": message.data}

        raw = [(name.encode(), value.encode()) for name, value in encode_binary(message).items()]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw}
        return await self.service.answer(Request(scope, receive))


def serve_with(monkeypatch: pytest.MonkeyPatch, engine: Stored, catalog_url: str, **more: str) -> str:
    """Let functions find these engines, and a bus of their own; the catalog's URL."""
    engines = {"SLUICE_WAREHOUSE_URL": engine.warehouse._url.geturl(), "SLUICE_CATALOG_URL": catalog_url}
    for name, value in {**engines, "SLUICE_BUS_URL": "memory://", **more}.items():
        monkeypatch.setenv(name, value)
    return catalog_url


def audited(catalog_url: str, project: uuid.UUID, noun: str) -> list[tuple[str, str, Any, Any]]:
    """What the audit log has of a project's things of that kind: action, target, before and after."""
    with psycopg.connect(catalog_url) as connection:
        of = "project_id = %s AND target LIKE %s"
        sql = f"SELECT action, target, before, after FROM audit_log WHERE {of} ORDER BY seq"
        found = connection.execute(sql, [project, f"{noun}:%"]).fetchall()
    return [(action, target, *map(_json, (before, after))) for action, target, before, after in found]


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


@asynccontextmanager
async def client(name: str, catalog_url: str, project: uuid.UUID, scope: Any = "export") -> AsyncIterator[Client]:
    """The function of that name with a key of the project."""
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    clear, _ = await create_key(catalog, project, "secret", "k", scopes=[scope])
    await catalog.close()
    service = find_main(name).service
    await service.open()
    yield Client(service, clear)
    await service.close()
