"""Serve functions on plain ASGI with uvicorn: one for a container, several for the embedded runtime."""

import gc
import importlib
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.config import ConfigError, ServerSettings, load, setting
from shared.http import ASGIApp
from shared.telemetry import configure_logging

if TYPE_CHECKING:
    from shared.function import Main

# The platform's proxy keeps idle connections 90 s: a server that closes earlier gives sporadic 502s.
KEEP_ALIVE_SECONDS = 125
DRAIN_SECONDS = 30
_GC_THRESHOLDS = (20_000, 20, 20)


@dataclass(frozen=True, kw_only=True)
class ContainerSettings(ServerSettings):
    port: int = setting("PORT", "Port of a function in a container; the platform sets it.", default=8080)


def find_main(name: str) -> "Main":
    """The `main` of functions/<name>/main.py, by folder or service name."""
    module = importlib.import_module(f"functions.{name.replace('-', '_')}.main")
    return cast("Main", module.main)


def _ended(_number: int, _frame: object) -> None:
    """Being asked to stop is no failure: the exit code is 0."""
    sys.exit(0)


def serve(app: ASGIApp, *, host: str, port: int, log_level: str, process: str) -> None:
    """Serve until SIGTERM or SIGINT, then drain: requests in flight finish, clients are closed."""
    import uvicorn

    from shared.serve_protocol import GatheringProtocol

    configure_logging(process, log_level)
    signal.signal(signal.SIGTERM, _ended)  # uvicorn, once drained, raises the signal again
    # What is loaded by now stays: the collector need not look at it again, nor after every few requests.
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=GatheringProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


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
