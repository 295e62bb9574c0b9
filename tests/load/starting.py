"""`bench cold-start` and `bench idle`: what it costs to start a function, and to have everything running unused."""

import http
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from shared.wiring import load_wiring
from tests.infra.image import Builder, Image
from tests.integration.door_process import free_port
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.memory import MIB

INGEST_BAR_MS = 200.0
QUERY_BAR_MS = 350.0
IDLE_MIB_BAR = 1_228.8
IDLE_CPU_BAR = 2.0
_STARTED_SECONDS = 60.0
_IDLE_AFTER_SECONDS = 15.0


def bench_cold_start(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Milliseconds from the start of each function's process until it says that it is ready.

    Each in what its image holds: its own locked packages and no others, compiled.
    """
    bare = percentile([_bare() for _ in range(options.rounds)], 0.5)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        builder = Builder(Path(folder).resolve())
        for row in load_wiring().functions:
            image = builder.build("last", row.name)
            load = load_average()
            took = percentile([_started(row.name, image, instance) for _ in range(options.rounds)], 0.5)
            yield _cold_start(row.name, took, bare, load)


def _cold_start(name: str, took: float, bare: float, load: float) -> Measurement:
    bar = INGEST_BAR_MS if name == "ingest" else QUERY_BAR_MS if name.startswith("query_") else None
    return Measurement(
        f"cold_start_{name}",
        took,
        "ms",
        bar=bar,
        at_most=True,
        ratio=took / bare,
        baseline=bare,
        beside="bare interpreter",
        load_average=load,
    )


def bench_idle(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Memory and CPU of every process without any traffic, over `rounds` times `seconds`."""
    time.sleep(_IDLE_AFTER_SECONDS)
    load, parts, started = load_average(), instance.parts(), time.monotonic()
    before = {name: _cpu(name, pid) for name, pid in parts.items()}
    time.sleep(options.rounds * options.seconds)
    seconds = time.monotonic() - started
    used = {name: (_cpu(name, pid) - before[name]) / seconds * 100 for name, pid in parts.items()}
    taken = {name: _memory(name, pid) / MIB for name, pid in parts.items()}
    yield Measurement(
        "idle_memory",
        sum(taken.values()),
        "MiB",
        bar=IDLE_MIB_BAR,
        at_most=True,
        load_average=load,
        details={f"{name}_mib": mib for name, mib in taken.items()},
    )
    yield Measurement(
        "idle_cpu",
        sum(used.values()),
        "% of a core",
        bar=IDLE_CPU_BAR,
        at_most=True,
        load_average=load,
        details={f"{name}_percent": percent for name, percent in used.items()},
    )


def _bare() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - started) * 1_000


def _started(name: str, image: Image, instance: Instance) -> float:
    own = {**instance.environment, "PORT": str(free_port()), "SLUICE_HOST": "127.0.0.1"}
    port = int(own["PORT"])
    started = time.perf_counter()
    process = image.run(image.command, env=own, stdout=subprocess.DEVNULL)
    try:
        _wait_ready(name, port, process)
        return (time.perf_counter() - started) * 1_000
    finally:
        process.terminate()
        process.wait(60)


def _wait_ready(name: str, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _STARTED_SECONDS
    while not _listens(port):
        if time.monotonic() > deadline or process.poll() is not None:
            raise InstanceError(f"{name} does not start")
        time.sleep(0.002)
    # Not httpx, whose first request reads the certificates of all authorities: that is not the function's time.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_STARTED_SECONDS)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise InstanceError(f"{name} is not ready: {answer.status} {answer.read(300)!r}")
    connection.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _cpu(name: str, pid: int) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in _family(name, pid))


def _memory(name: str, pid: int) -> int:
    return sum(member.memory_info().rss for member in _family(name, pid))


def _family(name: str, pid: int) -> list[psutil.Process]:
    """A process and its children; those of the supervisor are parts of their own."""
    process = psutil.Process(pid)
    return [process, *([] if name == "supervisor" else process.children(recursive=True))]
