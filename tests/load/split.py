"""`bench split`: functions in processes of their own: what a cold start takes, and what is left when all are idle."""

import time
from collections.abc import Iterator

import httpx
import psutil

from shared.wiring import Function, load_wiring
from tests.infra.test_imports import BUDGET_MS, DEFAULT_MS
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.memory import MIB

IDLE_MIB_BAR = 700.0
_STOPPED_SECONDS = 60.0
_POLL_SECONDS = 0.05


def bench_split(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Each function's start by its first request, and the memory of everything once no function runs."""
    data, port = instance.data, instance.environment["SLUICE_WORK_PORT"]
    if data is None:
        raise InstanceError("the processes of the instance are not known: give --data")
    asleep = [row for row in load_wiring().hosted_by("work") if not row.scale.min]
    for row in asleep:
        yield _start(row, instance, port, options)
    _wait_asleep(instance, {row.service for row in asleep})
    load, members = load_average(), _members(instance)
    taken = {f"{name}_mib": member.memory_info().rss / MIB for name, member in members}
    yield Measurement(
        "split_idle_memory",
        sum(taken.values()),
        "MiB",
        bar=IDLE_MIB_BAR,
        at_most=True,
        load_average=load,
        details=taken,
    )


def _start(row: Function, instance: Instance, port: str, options: Options) -> Measurement:
    """Milliseconds from a request to a function that does not run until its answer; processor time is the budget's."""
    load, waited, spent, memory = load_average(), [], [], []
    for _ in range(options.rounds):
        _wait_asleep(instance, {row.service})
        began = time.perf_counter()
        answer = httpx.get(f"http://127.0.0.1:{port}/{row.service}/nothing", timeout=60, trust_env=False)
        waited.append((time.perf_counter() - began) * 1_000)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise InstanceError(f"{row.name} does not start: {answer.text[:300]}")
        process = psutil.Process(_pid(instance, row.service))
        spent.append(sum(process.cpu_times()[:2]) * 1_000)
        memory.append(process.memory_info().rss / MIB)
    return Measurement(
        f"split_start_{row.name}",
        percentile(waited, 0.5),
        "ms",
        load_average=load,
        details={
            "cpu_ms": percentile(spent, 0.5),
            "budget_cpu_ms": float(BUDGET_MS.get(row.name, DEFAULT_MS)),
            "rss_mib": percentile(memory, 0.5),
        },
    )


def _pid(instance: Instance, service: str) -> int:
    process = next(member for name, member in _members(instance) if name == service)
    return process.pid


def _members(instance: Instance) -> list[tuple[str, psutil.Process]]:
    """Every process by the name of its part or function; the children of a part are numbered."""
    found: list[tuple[str, psutil.Process]] = []
    for name, pid in instance.parts().items():
        process = psutil.Process(pid)
        found.append((name, process))
        if name != "supervisor":
            found += [(_name_of(child, name, at), child) for at, child in enumerate(process.children(recursive=True))]
    return found


def _name_of(child: psutil.Process, part: str, at: int) -> str:
    command = child.cmdline()
    return command[-1].replace("_", "-") if "shared.function" in command else f"{part}_{at}"


def _wait_asleep(instance: Instance, services: set[str]) -> None:
    deadline = time.monotonic() + _STOPPED_SECONDS
    while awake := [name for name, _ in _members(instance) if name in services]:
        if time.monotonic() > deadline:
            raise InstanceError(f"{', '.join(awake)} still run without a request")
        time.sleep(_POLL_SECONDS)
