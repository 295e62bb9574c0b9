"""Serve functions on plain ASGI with uvicorn: one for a container, several for the embedded runtime."""

import contextlib
import gc
import importlib
import importlib.util
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.config import ConfigError, ServerSettings, load, setting
from shared.http import ASGIApp
from shared.telemetry import configure_logging
from shared.tracing import TracingSettings, configure_tracing, end_tracing

if TYPE_CHECKING:
    import asyncio

    from shared.function import Main

# The platform's proxy keeps idle connections 90 s: a server that closes earlier gives sporadic 502s.
KEEP_ALIVE_SECONDS = 125
DRAIN_SECONDS = 30
_GC_THRESHOLDS = (20_000, 20, 20)


@dataclass(frozen=True, kw_only=True)
class ContainerSettings(ServerSettings, TracingSettings):
    port: int = setting("PORT", "Port of a function in a container; the platform sets it.", default=8080)


def find_main(name: str) -> "Main":
    """The `main` of functions/<name>/main.py, by folder or service name."""
    module = importlib.import_module(f"functions.{name.replace('-', '_')}.main")
    return cast("Main", module.main)


def _ended(_number: int, _frame: object) -> None:
    """Being asked to stop is no failure: the exit code is 0."""
    sys.exit(0)


def serve(app: ASGIApp, *, host: str, port: int, log_level: str, process: str, shares_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, then drain: requests in flight finish, clients are closed.

    With `shares_port` other processes may listen there too: the system hands each connection to one of them.
    """
    import uvicorn

    from shared.serve_protocol import GatheringProtocol, websocket

    configure_logging(process, log_level)
    configure_tracing(process)
    signal.signal(signal.SIGTERM, _ended)  # uvicorn, once drained, raises the signal again
    # What is loaded by now stays: the collector need not look at it again, nor after every few requests.
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=GatheringProtocol,
        # WebSockets where the library is installed: for what streams, and for what stands before it.
        ws=cast("type[asyncio.Protocol]", websocket) if importlib.util.find_spec("wsproto") else "none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[_shared_listener(host, port)] if shares_port else None)
    end_tracing()
    if not server.started:
        sys.exit("the server could not be started")


def _shared_listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener


def main(arguments: list[str]) -> None:
    """`python -m shared.function NAME`."""
    if len(arguments) != 1:
        sys.exit("usage: python -m shared.function NAME   (a folder of functions/)")
    try:
        settings = load(ContainerSettings)
        service = find_main(arguments[0]).service
    except ConfigError as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        sys.exit(f"there is no function {arguments[0]!r}: {error}")
    serve(service, host=settings.host, port=settings.port, log_level=settings.log_level, process=service.name)
