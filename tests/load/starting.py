"""`bench cold-start` and `bench idle`: what it costs to start a function, and to have everything running unused."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import httpx
import psutil

from shared.wiring import load_wiring
from tests.load.generator import ROOT
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
    """Milliseconds from the start of each function's process until it says that it is ready."""
    environ = {**os.environ, **instance.environment, "PYTHONPATH": str(ROOT)}
    bare = percentile([_bare(environ) for _ in range(options.rounds)], 0.5)
    for row in load_wiring().functions:
        load = load_average()
        took = percentile([_started(row.name, environ) for _ in range(options.rounds)], 0.5)
        bar = INGEST_BAR_MS if row.name == "ingest" else QUERY_BAR_MS if row.name.startswith("query_") else None
        yield Measurement(
            f"cold_start_{row.name}",
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


def _bare(environ: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], env=dict(environ), check=True)
    return (time.perf_counter() - started) * 1_000


def _started(name: str, environ: Mapping[str, str]) -> float:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    own = {**environ, "PORT": str(port), "SLUICE_HOST": "127.0.0.1"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "shared.function", name], cwd=ROOT, env=own, stdout=subprocess.DEVNULL
    )
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
    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=_STARTED_SECONDS, trust_env=False)
    if answer.status_code != httpx.codes.OK:
        raise InstanceError(f"{name} is not ready: {answer.status_code} {answer.text[:300]}")


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
