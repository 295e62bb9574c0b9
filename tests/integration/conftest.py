"""The engines integration tests share: each started once a session, real, on unix sockets in a temporary folder."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from shared.local.engines import Engine, prepare_postgres
from tests.valkey_server import ValkeyServer


class Server:
    """An engine as a running process; everything it forked counts as part of it."""

    def __init__(self, engine: Engine, log: Path) -> None:
        self.engine = engine
        self.log = log
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        options: dict[str, Any] = {"user": self.engine.user, "cwd": "/"} if self.engine.user else {}
        with self.log.open("ab") as output:
            argv, env = list(self.engine.argv), {**os.environ, **self.engine.env}
            process = subprocess.Popen(argv, env=env, stdout=output, stderr=output, **options)
        deadline = time.monotonic() + 30
        while not asyncio.run(self._ready()):
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return process

    async def _ready(self) -> bool:
        return await self.engine.ready()

    def signal_all(self, number: signal.Signals) -> None:
        """Stop or continue the server with all its processes."""
        parent = psutil.Process(self.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            process.send_signal(number)

    def kill(self) -> None:
        """End the main process as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def start_again(self, engine: Engine) -> None:
        self.engine = engine
        self.process = self._spawn()

    def stop(self) -> int:
        """Ask it to end as a supervisor does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(self.engine.stop_signal)
        return self.process.wait(timeout=30)


@contextmanager
def _running(engine: Engine, log: Path) -> Iterator[Server]:
    server = Server(engine, log)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.signal_all(signal.SIGCONT)
        server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """A short path, and not below pytest's own folder: each session closes that one again to PostgreSQL's user."""
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as folder:
        yield Path(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for the data of engines."""
    with _folder() as folder:
        yield folder


@pytest.fixture
def run_engine(folder: Path) -> Iterator[Callable[[Engine], Server]]:
    """Start engines of a test's own; they end with it."""
    servers: list[Server] = []

    def start(engine: Engine) -> Server:
        servers.append(Server(engine, folder / f"{engine.name}.log"))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def postgres_data() -> Iterator[Path]:
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(postgres_data: Path) -> Iterator[Server]:
    """The embedded PostgreSQL; a test that stops or kills it brings it back."""
    with _running(prepare_postgres(postgres_data), postgres_data / "server.log") as server:
        yield server


@pytest.fixture
def empty_catalog_url(postgres: Server) -> Iterator[str]:
    """A database of the test's own, with nothing in it."""
    name = f"test_{uuid.uuid4().hex}"
    admin = postgres.engine.url.replace("//sluice@", "//postgres@").replace("/sluice?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER sluice".encode())
    yield postgres.engine.url.replace("/sluice?", f"/{name}?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def _migrated_url(postgres: Server) -> str:
    from shared.catalog.migrate import migrate

    migrate(postgres.engine.url)
    return postgres.engine.url


@pytest.fixture
def catalog_url(_migrated_url: str) -> str:
    """The migrated catalog, without a row; a test that changes more than rows takes `empty_catalog_url`."""
    with psycopg.connect(_migrated_url) as connection:
        connection.execute("TRUNCATE organisations CASCADE")
    return _migrated_url


@pytest.fixture(scope="session")
def _login_cache() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture
def login_cache_url(_login_cache: ValkeyServer) -> str:
    """A cache in which nobody has tried to sign in yet."""
    _login_cache.command("FLUSHALL")
    return _login_cache.url
