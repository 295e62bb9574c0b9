"""The parts of the embedded runtime: which processes, in which order, with which environment.

Each engine is replaceable by URL: where `SLUICE_BUS_URL`, `SLUICE_WAREHOUSE_URL` or `SLUICE_CATALOG_URL` is set,
the embedded one is not started and the functions use that one.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from shared.config import BUS_URL, CACHE_URL, CATALOG_URL, OUTGOING_ALLOW, PUBLIC_URL, SMTP_URL, WAREHOUSE_URL, setting
from shared.local.engines import Engine, prepare_postgres, prepare_valkey
from shared.local.ports import LOOPBACK, LocalSettings
from shared.security.passwords import POLICY
from shared.security.sealing import MODE, SEALING

_HTTP_SECONDS = 2
# Of the embedded catalog. A process takes up to 8 of them, and gives them back when it asks nothing for a minute.
_CONNECTIONS = 60
_CONNECTIONS_SPLIT = 300
_ANY_OR_LOOPBACK = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings(LocalSettings):
    """What `task up` needs to know."""

    bus_memory: str = setting(
        "SLUICE_BUS_MEMORY", "Memory of the embedded Valkey; when full, ingest answers 503.", default="512mb"
    )
    bus_url: str = setting("SLUICE_BUS_URL", BUS_URL, default="", secret=True)
    cache_url: str = setting("SLUICE_CACHE_URL", CACHE_URL, default="", secret=True)
    warehouse_url: str = setting("SLUICE_WAREHOUSE_URL", WAREHOUSE_URL, default="", secret=True)
    catalog_url: str = setting("SLUICE_CATALOG_URL", CATALOG_URL, default="", secret=True)
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    smtp_url: str = setting("SLUICE_SMTP_URL", SMTP_URL, default="", secret=True)
    outgoing_allow: str = setting("SLUICE_OUTGOING_ALLOW", OUTGOING_ALLOW, default="")
    web: Literal["build", "off"] = setting(
        "SLUICE_WEB", "Whether `task up` builds the app where it is not built yet: build or off.", default="build"
    )
    secret_key: str = setting("JWT_SECRET_KEY", SEALING, default="", secret=True)
    mode: Literal["", "production", "development"] = setting("SLUICE_MODE", MODE, default="")
    password_policy: Literal["", "standard", "relaxed"] = setting("SLUICE_PASSWORD_POLICY", POLICY, default="")

    @property
    def cache(self) -> str:
        """The cache that was given: a bus that can be one is, unless another is named; '' for the embedded one."""
        return self.cache_url or ("" if self.bus_url.startswith("kafka") else self.bus_url)

    @property
    def outgoing(self) -> str:
        """What webhooks may reach: on a laptop that answers nobody else, a receiver on the laptop too."""
        return self.outgoing_allow or ("127.0.0.0/8,::1" if self.host in LOOPBACK else "")

    @property
    def url(self) -> str:
        """Where people find the API."""
        return f"http://{'localhost' if self.host in _ANY_OR_LOOPBACK else self.host}:{self.port}"


@dataclass(frozen=True)
class Part:
    """A process the supervisor owns."""

    name: str
    kind: Literal["engine", "function"]
    argv: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None


class Prepared:
    """The embedded engines, prepared (folders made, first-time set-up done), and the environment of all parts."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._engines: list[Engine] = []
        if not settings.catalog_url:
            connections = _CONNECTIONS_SPLIT if settings.profile == "split" else _CONNECTIONS
            self._engines.append(prepare_postgres(settings.data, connections))
        if not settings.bus_url or not settings.cache:
            self._engines.append(prepare_valkey(settings.data, settings.bus_memory))
        urls = {engine.name: engine.url for engine in self._engines}
        kept = _kept_secrets(settings.data)
        door = f"127.0.0.1:{settings.port_of('warehouse')}"
        self.env: dict[str, str] = {
            "SLUICE_DATA": str(settings.data.resolve()),
            "SLUICE_PORT": str(settings.port),
            "SLUICE_PUBLIC_URL": settings.public_url or settings.url,
            "SLUICE_SMTP_URL": settings.smtp_url or (settings.data.resolve() / "mails").as_uri(),
            "SLUICE_OUTGOING_ALLOW": settings.outgoing,
            "SLUICE_MODE": settings.mode or ("development" if settings.host in LOOPBACK else "production"),
            "SLUICE_PASSWORD_POLICY": settings.password_policy
            or ("relaxed" if settings.host in LOOPBACK else "standard"),
            "JWT_SECRET_KEY": settings.secret_key or kept["jwt_secret_key"],
            "SLUICE_LOG_LEVEL": settings.log_level,
            "SLUICE_PROFILE": settings.profile,
            "SLUICE_IDLE_SECONDS": str(settings.idle),
            "SLUICE_WORK_PORT": str(settings.port_of("work")),
            "SLUICE_WORK_URL": f"http://127.0.0.1:{settings.port_of('work')}",
            "SLUICE_INGEST_URL": settings.url,
            "SLUICE_SOURCES_PORT": str(settings.port_of("sources")),
            "SLUICE_WAREHOUSE_PORT": str(settings.port_of("warehouse")),
            "SLUICE_METRICS_PORT": str(settings.port_of("metrics")),
            "SLUICE_WAREHOUSE_PASSWORD": kept["warehouse_password"],
            "SLUICE_BUS_URL": settings.bus_url or urls["valkey"],
            "SLUICE_CACHE_URL": settings.cache or urls["valkey"],
            "SLUICE_CATALOG_URL": settings.catalog_url or urls["postgres"],
            "SLUICE_WAREHOUSE_URL": settings.warehouse_url
            or f"http://sluice:{kept['warehouse_password']}@{door}/sluice",
        }

    @property
    def _environ(self) -> dict[str, str]:
        """Our settings over the caller's; inner parts listen on the loopback only."""
        return {**os.environ, **self.env, "SLUICE_HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}

    def engines(self) -> list[Part]:
        parts = [
            Part(e.name, "engine", e.argv, {**self._environ, **e.env}, e.ready, e.stop_signal, e.user)
            for e in self._engines
        ]
        if not self._settings.warehouse_url:
            parts.append(self._module("warehouse", "shared.local.warehouse", kind="engine"))
        return parts

    def setup(self) -> list[tuple[str, Sequence[str], Mapping[str, str]]]:
        """What runs once, in order, between the engines and the functions."""
        python = [sys.executable, "-m"]
        return [
            ("migrate", [*python, "shared.migrate"], self._environ),
            ("demo", [*python, "shared.local.demo"], {**self._environ, "SLUICE_URL": self._settings.url}),
        ]

    def functions(self) -> list[Part]:
        return [
            *(self._edge(worker) for worker in range(1, self._settings.edge_workers + 1)),
            self._work(),
            self._module("sources", "shared.local.sources"),
        ]

    def _work(self) -> Part:
        """All functions behind the edge: in this one process, or in processes that this one starts and stops."""
        if self._settings.profile == "split":
            return self._module("work", "shared.local.activator")
        return self._module("work", "shared.local.host", "work")

    def _edge(self, worker: int) -> Part:
        """One of the processes that share the edge's port; it answers there once its clients are open."""
        name = "edge" if worker == 1 else f"edge-{worker}"
        environ = {**self._environ, "SLUICE_HOST": self._settings.host}
        argv = [sys.executable, "-m", "shared.local.host", "edge", str(worker)]
        return Part(name, "function", argv, environ, answers(f"{self._settings.url}/healthz"))

    def _module(self, name: str, *module: str, kind: Literal["engine", "function"] = "function") -> Part:
        path = "/ping" if name == "warehouse" else "/healthz"
        port = self._settings.port_of(name)
        ready = answers(f"http://127.0.0.1:{port}{path}")
        return Part(name, kind, [sys.executable, "-m", *module], self._environ, ready)


def answers(address: str) -> Callable[[], Awaitable[bool]]:
    """A check whether an HTTP server on this machine answers 200."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=_HTTP_SECONDS) as reply:  # noqa: S310 (our own addresses)
                return bool(reply.status == 200)  # noqa: PLR2004 (OK)
        except (urllib.error.URLError, OSError, HTTPException):  # a port of nobody may even answer with our own words
            return False

    async def ready() -> bool:
        return await asyncio.to_thread(ask)

    return ready


def _kept_secrets(data: Path) -> dict[str, str]:
    """The secrets made once for this data folder; only its owner may read them."""
    path = data / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    made = {"warehouse_password": secrets.token_urlsafe(24), "jwt_secret_key": secrets.token_hex(32)}
    if made.keys() - kept.keys():
        kept = {**made, **kept}
        data.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
        fresh.replace(path)
    return kept
