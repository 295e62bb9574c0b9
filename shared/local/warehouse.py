"""The embedded warehouse: `python -m shared.local.warehouse` serves ClickHouse's HTTP interface over chDB."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
import uvicorn

from shared.config import CATALOG_URL, ConfigError, load, setting
from shared.local.chdb_engine import Engine, EngineError
from shared.local.chdb_pool import Pool
from shared.local.door import Door
from shared.local.door_exchange import Login
from shared.local.door_guard import OperatorGuard
from shared.local.door_project import ProjectLogins
from shared.local.ports import LocalSettings
from shared.serve import KEEP_ALIVE_SECONDS
from shared.telemetry import configure_logging

log = structlog.get_logger()

DRAIN_SECONDS = 20
_KILLED_SECONDS = 3
# One connection in so many is not for reading.
_FOR_WRITING = 4
_OPERATOR_CONNECTIONS = 2
_OPERATOR_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class EmbeddedWarehouseSettings(LocalSettings):
    """What the embedded warehouse needs to know."""

    password: str = setting(
        "SLUICE_WAREHOUSE_PASSWORD", "Password of the embedded warehouse's login `sluice`.", secret=True
    )
    operator_password: str = setting(
        "SLUICE_WAREHOUSE_OPERATOR_PASSWORD",
        "Password of the embedded warehouse's read-only login `operator`; empty: nobody can use that login.",
        default="",
        secret=True,
    )
    catalog_url: str = setting("SLUICE_CATALOG_URL", CATALOG_URL, default="", secret=True)
    connections: int = setting(
        "SLUICE_WAREHOUSE_CONNECTIONS", "Statements the embedded warehouse runs at once.", default=8
    )
    memory: int = setting(
        "SLUICE_WAREHOUSE_MEMORY",
        "Bytes of memory the embedded warehouse may use, chDB's 300 MB of code and tables included.",
        default=2 * 1024**3,
    )


class _Server(uvicorn.Server):
    """uvicorn that ends by an event: on its own it dies by the signal and wakes up ten times a second."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self._stop.wait()


class Warehouse:
    """The engine, its pools and the door, opened together; without a catalog projects have no login."""

    def __init__(self, settings: EmbeddedWarehouseSettings) -> None:
        self.engine = Engine(settings.data.resolve() / "warehouse", settings.memory)
        self.pools = [Pool(self.engine, size=settings.connections, reserved=settings.connections // _FOR_WRITING)]
        whole = settings.memory // 4
        logins = [Login("sluice", settings.password.encode(), self.pools[0], whole)]
        if settings.operator_password:
            limits = (
                f"SET max_execution_time = {_OPERATOR_SECONDS}, max_memory_usage = {settings.memory // 2},"
                f" max_result_bytes = {whole}"
            )
            after = (limits.encode(), b"SET readonly = 1")
            pool = Pool(self.engine, size=_OPERATOR_CONNECTIONS, waiting=20, after=after)
            self.pools.append(pool)
            guard = OperatorGuard(self.engine)
            logins.append(Login("operator", settings.operator_password.encode(), pool, whole, guard))
        self.projects: ProjectLogins | None = None
        if settings.catalog_url:
            self.projects = ProjectLogins(self.engine, settings.catalog_url, settings.memory)
            self.pools.append(self.projects.pool)
        self.door = Door(self.engine, logins, projects=self.projects)

    def close(self) -> None:
        for pool in self.pools:
            pool.close()
        self.engine.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


async def _serve(warehouse: Warehouse, listener: socket.socket) -> bool:
    """Serve until SIGTERM or SIGINT, then let what runs end; False when something would not end."""
    config = uvicorn.Config(
        warehouse.door,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    stop = asyncio.Event()
    server = _Server(config, stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    warehouse.door.closing = True
    _, running = await asyncio.wait({serving}, timeout=DRAIN_SECONDS)
    if running:
        log.warning("statements_cancelled", after_seconds=DRAIN_SECONDS)
        await asyncio.to_thread(warehouse.engine.kill_all)
        _, running = await asyncio.wait({serving}, timeout=_KILLED_SECONDS)
    if warehouse.projects is not None:
        await warehouse.projects.close()
    return not running and not any(pool.busy for pool in warehouse.pools)


def main() -> None:
    """Open the engine and serve; ends with 0 after SIGTERM, with a sentence when it cannot start."""
    import uvloop

    try:
        settings = load(EmbeddedWarehouseSettings)
        configure_logging("warehouse", settings.log_level)
        port = settings.port_of("warehouse")
        listener = _listen(settings.host, port)
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The warehouse cannot listen on {settings.host}:{port}: {error.strerror}")
    try:
        warehouse = Warehouse(settings)
    except EngineError as error:
        sys.exit(f"The warehouse in {settings.data} cannot be opened: {error.message}")
    log.info("warehouse_listening", url=f"http://{settings.host}:{port}", version=warehouse.engine.version)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ended = runner.run(_serve(warehouse, listener))
    if not ended:
        # a thread that does not come back would hold the process; what was acknowledged is on the disk
        log.warning("warehouse_stopped_hard")
        os._exit(0)
    warehouse.close()
    log.info("warehouse_stopped")


if __name__ == "__main__":
    main()
