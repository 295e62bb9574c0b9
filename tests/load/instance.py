"""The Sluice a benchmark runs against: a private one, started and stopped here, or one that runs already."""

import asyncio
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from shared.bus import open_bus
from shared.cli.client import Connection, ask, read_demo
from shared.cli.querying import COUNT_PATH
from shared.events import EVENTS_TOPIC
from shared.local.control import read_state
from shared.local.ports import PARTS

ROOT = Path(__file__).resolve().parents[2]
WRITER = "batch-write"
UP_SECONDS = 180
STORED_SECONDS = 300
_POLL_SECONDS = 0.1
# Each further process of the edge has a port for its metrics.
_MORE_EDGES = 3


class InstanceError(Exception):
    """The instance does not start, or does not store what it acknowledged."""


@dataclass(frozen=True)
class Cpu:
    """CPU seconds used so far by the edge, and by all processes of the instance."""

    edge: float
    all: float


class Instance:
    """A running server; `data` is its folder where it is on this machine, and tells process ids and the bus."""

    def __init__(self, write: Connection, read: Connection, data: Path | None) -> None:
        self.write = write
        self.read = read
        self.data = data
        self._state: dict[str, Any] = read_state(data) if data is not None else {}
        self._from = datetime.now(tz=UTC) - timedelta(hours=2)

    def count(self) -> int:
        """Events of the project around now, as a query answers it."""
        span = {"from": self._from.isoformat(), "to": (datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()}
        return int(ask(self.read, COUNT_PATH, {**span, "measure": "count"})["value"])

    def wait_until_counted(self, least: int) -> int:
        """The count once the bus is drained and at least `least` events count; raises InstanceError in the end."""
        deadline = time.monotonic() + STORED_SECONDS
        while self._lag():
            self._keep_waiting(deadline, "the bus is not drained")
            time.sleep(_POLL_SECONDS)
        while (counted := self.count()) < least:
            self._keep_waiting(deadline, f"{counted} of {least} acknowledged events count")
            time.sleep(_POLL_SECONDS)
        return counted

    @property
    def warehouse_url(self) -> str:
        """Where the warehouse itself answers SQL; empty where the data folder is not known."""
        return str(self._state.get("env", {}).get("SLUICE_WAREHOUSE_URL", ""))

    @property
    def environment(self) -> dict[str, str]:
        """The settings of its processes; raises InstanceError where the data folder is not known."""
        environ: dict[str, str] = self._state.get("env", {})
        if not environ:
            raise InstanceError("the settings of the instance are not known: give --data")
        return environ

    def part(self, name: str) -> int:
        """The process id of a part; raises InstanceError where the data folder is not known."""
        pid: int | None = self._state.get("parts", {}).get(name)
        if pid is None:
            raise InstanceError(f"the process of {name} is not known: give --data")
        return pid

    def parts(self) -> dict[str, int]:
        """The process id of each part and of the supervisor; raises InstanceError where they are not known."""
        found: dict[str, int] = self._state.get("parts", {})
        if not found:
            raise InstanceError("the processes of the instance are not known: give --data")
        return {**found, "supervisor": self._state["pid"]}

    @property
    def edges(self) -> int:
        """How many processes share the edge's port."""
        return max(1, sum(map(_is_edge, self._state.get("parts", {}))))

    def cpu(self) -> Cpu | None:
        """CPU used so far; None where the processes are not known."""
        parts: dict[str, int] = self._state.get("parts", {})
        if not parts:
            return None
        used = {name: _cpu_seconds(pid) for name, pid in {**parts, "supervisor": self._state["pid"]}.items()}
        return Cpu(sum(seconds for name, seconds in used.items() if _is_edge(name)), sum(used.values()))

    def _lag(self) -> int:
        url = self._state.get("env", {}).get("SLUICE_BUS_URL")
        return asyncio.run(_bus_lag(url)) if url else 0

    @staticmethod
    def _keep_waiting(deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise InstanceError(f"{what} after {STORED_SECONDS} s")


def _is_edge(part: str) -> bool:
    return part.partition("-")[0] == "edge"


async def _bus_lag(url: str) -> int:
    bus = open_bus(url)
    try:
        return await bus.lag(EVENTS_TOPIC, WRITER)
    finally:
        await bus.close()


def _cpu_seconds(pid: int) -> float:
    """A process and its children; the supervisor's children are parts of their own and end up in `parts`."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


@contextlib.contextmanager
def private_instance(**added: str) -> Iterator[Instance]:
    """A fresh instance in a temporary folder on ports of its own, stopped and removed at the end.

    `added` is added to its environment.
    """
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    data = folder / "data"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    own = {"SLUICE_WEB": "off", "SLUICE_DATA": str(data), "SLUICE_PORT": str(free_ports()), "PYTHONPATH": str(ROOT)}
    environ = {**inherited, **own, **added}
    command = [sys.executable, "-m", "shared.cli.main"]
    try:
        started = subprocess.run(
            [*command, "up"], cwd=folder, env=environ, timeout=UP_SECONDS, check=False, capture_output=True, text=True
        )
        demo = read_demo(data)
        if started.returncode or demo is None:
            raise InstanceError(f"`sluice up` failed:\n{started.stdout}{started.stderr}{_log_ends(data)}")
        yield Instance(Connection(demo.url, demo.write_key), Connection(demo.url, demo.secret_key), data)
    finally:
        subprocess.run([*command, "down"], cwd=folder, env=environ, timeout=UP_SECONDS, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _log_ends(data: Path) -> str:
    """The last lines of every log: the folder is gone when somebody reads the message."""
    ends = []
    for path in sorted((data / "logs").glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-15:]
        ends.append("\n".join([f"--- {path.name}", *lines]))
    return "\n".join(ends)


def free_ports() -> int:
    """The first of as many free ports in a row as an instance needs."""
    for _ in range(100):
        first = random.randrange(20_000, 60_000)
        if all(_is_free(first + place) for place in range(len(PARTS) + _MORE_EDGES)):
            return first
    raise InstanceError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
