"""The workspace as it is served, with people who are really signed in."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from shared.catalog.client import Catalog
from shared.function import Service
from shared.http import Reply, Request
from shared.security.sealing import Sealer
from shared.security.signing_keys import SigningKeys
from shared.serve import find_main

SECRET = "9f1c64d0a7b2e835c1d4f6079b8e2a53"


def environment(catalog_url: str, work_url: str = "http://127.0.0.1:9") -> dict[str, str]:
    return {
        "SLUICE_CATALOG_URL": catalog_url,
        "SLUICE_BUS_URL": "memory://",
        "SLUICE_PUBLIC_URL": "https://analytics.example",
        "SLUICE_WORK_URL": work_url,
        "SLUICE_WAREHOUSE_URL": "http://sluice:x@127.0.0.1:9/default",
        "JWT_SECRET_KEY": SECRET,
    }


class Person:
    """Somebody with a token, or with a key, who asks the workspace."""

    def __init__(self, service: Service[Any], headers: Mapping[str, str], user: uuid.UUID | None = None) -> None:
        self.service = service
        self.headers = dict(headers)
        self.id = user

    async def ask(self, method: str, address: str, body: object = None, **headers: str) -> Reply:
        path, _, query = address.partition("?")
        data = b"" if body is None else json.dumps(body).encode()
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if data:
            given["content-type"] = "application/json"
        raw = [(name.encode(), value.encode()) for name, value in given.items()]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data}

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": raw,
            "client": ("192.0.2.7", 1),
        }
        return await self.service.answer(Request(scope, receive))

    async def json(self, method: str, address: str, body: object = None, *, status: int = 200, **headers: str) -> Any:
        reply = await self.ask(method, address, body, **headers)
        assert reply.status == status, (reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    async def refused(self, method: str, address: str, body: object = None, **headers: str) -> str:
        """The code of a refusal; never a 5xx."""
        reply = await self.ask(method, address, body, **headers)
        assert 400 <= reply.status < 500, (reply.status, reply.body)
        return str(json.loads(reply.body)["code"])


class Workspace:
    """The function and its catalog."""

    def __init__(self, service: Service[Any], catalog: Catalog, url: str) -> None:
        self.service = service
        self.catalog = catalog
        self.url = url
        self._keys = SigningKeys(catalog, Sealer(SECRET))

    async def person(self, email: str = "") -> Person:
        """Somebody new, signed in."""
        user, session = uuid.uuid4(), uuid.uuid4()
        email = email or f"{user.hex[:12]}@example.org"
        with psycopg.connect(self.url) as connection:
            connection.execute("INSERT INTO users (id, email, name) VALUES (%s, %s, 'N')", (user, email))
            connection.execute(
                "INSERT INTO sessions (id, user_id, kind, method, expires_at)"
                " VALUES (%s, %s, 'api', 'password', now() + interval '1 hour')",
                (session, user),
            )
        token = await self._keys.issue(user, session)
        person = Person(self.service, {"authorization": f"Bearer {token}"}, user)
        person.headers["x-test-email"] = email
        return person

    async def joined(self, organisation: str, role: str) -> Person:
        """Somebody new who is a member."""
        person = await self.person()
        self.sql(
            "INSERT INTO memberships (organisation_id, user_id, role) VALUES (%s, %s, %s)",
            organisation,
            person.id,
            role,
        )
        return person

    def holder(self, key: str) -> Person:
        """Whoever has an API key."""
        return Person(self.service, {"x-api-key": key})

    def anybody(self) -> Person:
        return Person(self.service, {})

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Workspace]:
    """The workspace, opened; its environment is set."""
    service = find_main("workspace").service
    await service.open()
    catalog = Catalog(url)
    yield Workspace(service, catalog, url)
    await catalog.close()
    await service.close()
