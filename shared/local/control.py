"""Start, look at and stop the embedded runtime from outside its supervisor."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shared.bus import open_bus
from shared.local.parts import RuntimeSettings
from shared.local.ports import FUNCTIONS, MOST_EDGES, PARTS

START_SECONDS = 180
STOP_SECONDS = 60
_POLL_SECONDS = 0.1


class ControlError(Exception):
    """The runtime cannot be started or stopped; the message says what to do."""


class FunctionStatus(NamedTuple):
    """A function of the profile `split`: no processes and no memory while nobody asks it.

    Memory in bytes; `starts` since the runtime was started, and how many milliseconds the last one took.
    """

    name: str
    processes: int
    memory: int
    starts: int
    start_ms: float


class PartStatus(NamedTuple):
    """One part as `status` shows it; memory in bytes, 0 where it is not running."""

    name: str
    pid: int
    running: bool
    memory: int
    restarts: int
    uptime: float


def read_state(data: Path) -> dict[str, Any]:
    """What the supervisor last wrote; {} where nothing was ever started here."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        state: dict[str, Any] = json.loads((data / "runtime.json").read_text())
        return state
    return {}


def is_running(state: Mapping[str, Any]) -> bool:
    """Whether the supervisor that wrote the state still lives (a reused process id does not count)."""
    import psutil

    try:
        process = psutil.Process(state["pid"])
        return process.create_time() <= state["started_at"] and process.status() != psutil.STATUS_ZOMBIE
    except (KeyError, psutil.NoSuchProcess):
        return False


def start(settings: RuntimeSettings, environ: Mapping[str, str]) -> Iterator[str]:
    """Start the supervisor in the background; yields each step as it begins, ends when all is ready.

    Raises ControlError where a port is taken or a part does not start.
    """
    if not 1 <= settings.edge_workers <= MOST_EDGES:
        raise ControlError(f"SLUICE_EDGE_WORKERS={settings.edge_workers} is not usable: give 1 to {MOST_EDGES}")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.bus_url:
        open_bus(settings.bus_url)  # nothing is connected yet: it only refuses a URL it cannot use
    _refuse_taken_ports(settings)
    (settings.data / "runtime.json").unlink(missing_ok=True)
    (settings.data / "logs").mkdir(exist_ok=True)
    log = settings.data / "logs" / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.local.supervisor"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    shown = ""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(settings.data)
        if state.get("state") == "ready":
            return
        if state.get("state") == "failed" or process.poll() is not None:
            failed = state.get("log")
            raise ControlError(f"{state.get('step') or 'the supervisor ended'}\n{_tail(Path(failed or log))}")
        if state.get("step", "") != shown:
            shown = state["step"]
            yield shown
        time.sleep(_POLL_SECONDS)
    raise ControlError(f"not ready after {START_SECONDS} s, at {shown!r}; see {log.parent}")


def _refuse_taken_ports(settings: RuntimeSettings) -> None:
    names = [name for name in PARTS if name != "warehouse" or not settings.warehouse_url]
    ports = [(name, settings.port_of(name)) for name in names]
    ports += [("metrics", settings.port_of("metrics") + more) for more in range(1, settings.edge_workers)]
    for name, port in ports:
        host = settings.host if name == "edge" else "127.0.0.1"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ControlError(
                    f"port {port} ({name}) cannot be used: {error.strerror}. Stop what listens there, or choose "
                    f"another: SLUICE_PORT={settings.port + 10} ./task up"
                ) from error


def stop(data: Path) -> bool:
    """Stop everything and wait for it; False where nothing was running. Raises ControlError if it hangs."""
    state = read_state(data)
    if not is_running(state):
        return False
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_running(state):
        if time.monotonic() > deadline:
            raise ControlError(f"the supervisor (pid {state['pid']}) does not end; see {data / 'logs'}")
        time.sleep(_POLL_SECONDS)
    return True


def remove(data: Path) -> None:
    """Delete the data folder; refuses one that does not look like ours."""
    if not data.exists():
        return
    if not (data / "logs").is_dir():
        raise ControlError(f"{data} does not look like a data folder of Sluice; nothing was deleted")
    shutil.rmtree(data)


def parts_of(state: Mapping[str, Any]) -> list[PartStatus]:
    """Each part with what the operating system knows of it; a part's children count as its own."""
    import psutil

    found = []
    alone = {"supervisor", "work"} if is_split(state) else {"supervisor"}
    for name, pid in {"supervisor": state.get("pid", 0), **state.get("parts", {})}.items():
        restarts = state.get("restarts", {}).get(name, 0)
        try:
            process = psutil.Process(pid)
            family = [process, *(process.children(recursive=True) if name not in alone else [])]
            memory = sum(_memory(member) for member in family)
            found.append(PartStatus(name, pid, True, memory, restarts, time.time() - process.create_time()))
        except psutil.NoSuchProcess:
            found.append(PartStatus(name, pid, False, 0, restarts, 0))
    return found


def is_split(state: Mapping[str, Any]) -> bool:
    """Whether each function has a process of its own, while it has one."""
    return bool(state.get("env", {}).get("SLUICE_PROFILE") == "split")


def functions_of(state: Mapping[str, Any], data: Path) -> list[FunctionStatus]:
    """Each function behind the edge, running or not; [] where they all share the process `work`."""
    import psutil

    path = data / FUNCTIONS
    known = json.loads(path.read_text()) if is_split(state) and path.is_file() else {}
    found = []
    for name, facts in known.items():
        memory = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            memory = _memory(psutil.Process(facts["pid"])) if facts["pid"] else 0
        found.append(FunctionStatus(name, int(memory > 0), memory, facts["starts"], facts["start_ms"]))
    return found


async def lags_of(bus_url: str) -> dict[str, int]:
    """How many records each function behind the bus has not answered yet; raises BusUnavailableError."""
    from shared.wiring import load_wiring

    bus = open_bus(bus_url)
    try:
        behind: dict[str, int] = {}
        for row in load_wiring().functions:
            for topic in row.topics:
                behind[row.service] = behind.get(row.service, 0) + await bus.lag(topic.topic, row.service)
        return behind
    finally:
        await bus.close()


def _memory(process: Any) -> int:
    """A process's own memory: unique pages where the system tells, so that shared ones count once."""
    import psutil

    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def _tail(path: Path, lines: int = 15) -> str:
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""
