"""auth as it is served, with a client that asks it and reads its mails."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from functions.auth.main import main
from functions.auth.ports import Ports
from shared.bus import Message
from shared.cloudevent import encode_binary
from shared.http import Reply, Request

SECRET = "c1d94f6079b8e2a53f9f1c64d0a7b2e8"
PASSWORD = "correct horse battery"


class Auth:
    """The function; requests come from `address` with this browser's `cookies`."""

    def __init__(self, catalog_url: str) -> None:
        self.url = catalog_url
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []
        self.address = "192.0.2.7"
        self._read = 0

    @property
    def ports(self) -> Ports:
        ports: Ports = main.service._ports._ports  # type: ignore[union-attr]  # opened by running()
        return ports

    async def ask(
        self,
        method: str,
        address: str,
        body: object = None,
        *,
        token: str = "",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        path, _, query = address.partition("?")
        path = path if path.startswith("/.") or path == "/" else f"/api/v1/auth{path}"
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", "user-agent": "pytest", **(headers or {})}
        if token:
            given["authorization"] = f"Bearer {token}"
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data}

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": (self.address, 1),
        }
        reply = await main.service.answer(Request(scope, receive))
        self._keep(reply)
        return reply

    async def json(self, method: str, address: str, body: object = None, *, status: int = 200, **more: Any) -> Any:
        reply = await self.ask(method, address, body, **more)
        assert reply.status == status, (reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    async def refused(self, method: str, address: str, body: object = None, **more: Any) -> tuple[int, str]:
        """Status and code of a refusal; never a 5xx."""
        reply = await self.ask(method, address, body, **more)
        assert 400 <= reply.status < 500, (reply.status, reply.body)
        assert reply.content_type == "application/problem+json"
        return reply.status, json.loads(reply.body)["code"]

    async def account(self, password: str = PASSWORD, **more: Any) -> str:
        """The address of a new account."""
        email = f"{uuid.uuid4().hex[:12]}@example.org"
        await self.json("POST", "/register", {"email": email, "password": password, **more}, status=201)
        return email

    async def login(self, email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        said: dict[str, Any] = await self.json("POST", "/login", {"email": email, "password": password, **more})
        return said

    async def mails(self) -> list[dict[str, Any]]:
        """What notify was asked to send since the last look, after auth handled the events it was sent."""
        found: list[dict[str, Any]] = []
        while True:
            fresh = self._messages()[self._read :]
            self._read += len(fresh)
            if not fresh:
                return found
            for message in fresh:
                if message.attributes["type"] == "dev.sluice.notification.requested.v1":
                    found.append(json.loads(message.data))
                else:
                    await self.deliver(message)

    async def deliver(self, message: Message) -> None:
        reply = await self.ask("POST", "/", raw=message.data, headers=encode_binary(message))
        assert reply.status == 204, reply.body

    async def mailed_token(self) -> str:
        """The token in the newest mail's link."""
        link: str = (await self.mails())[-1]["values"]["link"]
        return link.partition("#token=")[2]

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def _messages(self) -> list[Message]:
        return list(self.ports.bus._log("control").messages)  # type: ignore[attr-defined]  # the one in memory

    def _keep(self, reply: Reply) -> None:
        self.set_cookies = list(getattr(reply, "cookies", []))
        for text in self.set_cookies:
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]


def environment(catalog_url: str, cache_url: str, **more: str) -> dict[str, str]:
    return {
        "SLUICE_CATALOG_URL": catalog_url,
        "SLUICE_BUS_URL": "memory://",
        "SLUICE_CACHE_URL": cache_url,
        "SLUICE_PUBLIC_URL": "http://localhost:8080",
        "JWT_SECRET_KEY": SECRET,
        **more,
    }


@asynccontextmanager
async def running(catalog_url: str, cache_url: str, **more: str) -> AsyncIterator[Auth]:
    """The function, open, in an environment of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(catalog_url, cache_url, **more).items():
            patch.setenv(name, value)
        await main.service.open()
    try:
        yield Auth(catalog_url)
    finally:
        await main.service.close()
