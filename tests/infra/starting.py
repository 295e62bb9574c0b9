"""Starts what was built: a process in the environment of its image, and what its start took."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import httpx
import psutil

from shared.config import settings_of
from shared.wiring import Function
from tests.infra.image import Image
from tests.integration.door_process import free_port

NOWHERE = {
    "JWT_SECRET_KEY": "8f2c17d09be34a65" * 4,
    "SLUICE_BUS_URL": "kafka://127.0.0.1:9",
    "SLUICE_CACHE_URL": "redis://127.0.0.1:9/0",
    "SLUICE_CATALOG_URL": "postgresql://sluice:secretword@127.0.0.1:9/sluice",
    "SLUICE_WAREHOUSE_URL": "http://sluice:secretword@127.0.0.1:9/analytics",
}
STARTS_WITHIN = 30.0
STOPS_WITHIN = 40.0


@dataclass
class Start:
    """One start of a function, to its first answer and its end."""

    cpu_ms: float
    rss_mib: float
    metrics: int
    exit_code: int
    log: str


def start(image: Image, row: Function, folder: Path) -> Start:
    """Start a function, note what that took, end it by SIGTERM."""
    with started(image, settings_needed(row), folder) as (process, address):
        running = psutil.Process(process.pid)
        spent, memory = running.cpu_times(), running.memory_info().rss
        metrics = httpx.get(f"{address}/metrics").status_code
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOPS_WITHIN)
    return Start(
        (spent.user + spent.system) * 1000,
        memory / 1024**2,
        metrics,
        code,
        (folder / "log").read_text(encoding="utf-8"),
    )


def settings_needed(row: Function) -> dict[str, str]:
    """A value for each setting that the function refuses to start without."""
    declared = settings_of(import_module(f"functions.{row.name}.ports").Settings)
    return {setting.name: NOWHERE[setting.name] for setting in declared if setting.required}


@contextmanager
def started(
    image: Image, env: Mapping[str, str], folder: Path, argv: list[str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The image's command in its environment, once it answers /healthz, and its address."""
    port = free_port()
    given = {"SLUICE_HOST": "127.0.0.1", "PORT": str(port), **env}
    given = {name: value.replace("{port}", str(port)) for name, value in given.items()}
    with (folder / "log").open("wb") as log:
        process = image.run(argv or image.command, env=given, stdout=log, stderr=log, start_new_session=True)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_alive(process, address, folder / "log")
            yield process, address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_alive(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            assert httpx.get(f"{address}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"it did not start (exit code {process.poll()}):\n{log.read_text()}")
