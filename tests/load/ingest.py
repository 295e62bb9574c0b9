"""`bench ingest-single`, `ingest-workers` and `ingest-batch`: durable events beside a bare 202, all closed loops.

Single events at 64 and 512 connections, with one process of the edge and with two; batches of 100.
"""

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

from tests.load.generator import ROOT, Plan, Result, run_load
from tests.load.instance import Cpu, Instance, InstanceError, free_ports
from tests.load.measurement import Measurement, Options, load_average

SINGLE_BARS = {64: 12_000.0, 512: 21_000.0}
P99_BAR_MS = 20.0
RATIO_BAR = 0.5
BATCH_BAR = 100_000.0
BATCH = 100
BATCH_CONNECTIONS = 64
_START_SECONDS = 10.0


class _Ledger:
    """What was acknowledged and what may have been stored, against what counts."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._before = instance.count()
        self.acked = self.possible = 0

    def settle(self, result: Result, batch: int) -> None:
        """Note a run and wait until all it acknowledged is counted; raises InstanceError if it never is."""
        self.acked += result.accepted
        self.possible += result.accepted + result.unanswered * batch
        counted = self._instance.wait_until_counted(self._before + self.acked) - self._before
        if not self.acked <= counted <= self.possible:
            raise InstanceError(f"{self.acked} events were acknowledged, {counted} count (at most {self.possible})")

    def counted(self) -> Measurement:
        details = {"acknowledged": self.acked, "possible": self.possible}
        return Measurement("ingest_counted", float(self.acked), "events", details=details)


def bench_single(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Single events at 64 and at 512 connections; raises InstanceError if acknowledged ≠ counted."""
    ledger = _Ledger(instance)
    with bare_server() as bare:
        for connections in SINGLE_BARS:
            yield _single(instance, ledger, bare, options, connections=connections)
    yield ledger.counted()


def bench_batch(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Batches of 100, acknowledged and stored; raises InstanceError if acknowledged ≠ counted."""
    ledger = _Ledger(instance)
    yield from _batches(instance, ledger, options)
    yield ledger.counted()


def _single(instance: Instance, ledger: _Ledger, bare: str, options: Options, *, connections: int) -> Measurement:
    load, ours, bares, edge, everything = load_average(), [], [], [], []
    for round_number in range(options.rounds):
        plan = Plan(url=bare, connections=connections, seconds=options.seconds, seed=round_number)
        bares.append(run_load(plan))
        before = instance.cpu()
        result = run_load(_against(instance, connections, options, round_number))
        after_answers = instance.cpu()
        ledger.settle(result, 1)
        ours.append(result)
        edge.append(_per_event(before, after_answers, result, "edge"))
        everything.append(_per_event(before, instance.cpu(), result, "all"))
    value, baseline = _median(ours, "rate"), _median(bares, "rate")
    return Measurement(
        f"ingest_single_{connections}_workers_{instance.edges}",
        value,
        "requests/s",
        bar=SINGLE_BARS[connections],
        ratio=value / baseline,
        baseline=baseline,
        beside="bare 202",
        loop="closed",
        load_average=load,
        details={
            "ratio_bar": RATIO_BAR,
            "p50_ms": _median(ours, "p50"),
            "p99_ms": _median(ours, "p99"),
            "p99_bar_ms": P99_BAR_MS,
            "bare_p50_ms": _median(bares, "p50"),
            "bare_p99_ms": _median(bares, "p99"),
            "edge_cpu_us_per_event": _median_known(edge),
            "all_cpu_us_per_event": _median_known(everything),
            "runs": ours,
            "bare_runs": bares,
        },
    )


def _batches(instance: Instance, ledger: _Ledger, options: Options) -> Iterator[Measurement]:
    load, runs, acked, stored, cpu = load_average(), [], [], [], []
    for round_number in range(options.rounds):
        before = instance.cpu()
        result = run_load(_against(instance, BATCH_CONNECTIONS, options, round_number, batch=BATCH))
        ledger.settle(result, BATCH)
        until_stored = time.time() - result.started
        runs.append(result)
        acked.append(result.accepted / result.seconds)
        stored.append(result.accepted / until_stored)
        cpu.append(_per_event(before, instance.cpu(), result, "all"))
    details: dict[str, Any] = {"all_cpu_us_per_event": _median_known(cpu), "p99_ms": _median(runs, "p99"), "runs": runs}
    for name, rates in (("acked", acked), ("stored", stored)):
        yield Measurement(
            f"ingest_batch_{BATCH}_{name}",
            statistics.median(rates),
            "events/s",
            bar=BATCH_BAR,
            loop="closed",
            load_average=load,
            details={**details, "rounds": rates},
        )


def _against(instance: Instance, connections: int, options: Options, seed: int, batch: int = 1) -> Plan:
    return Plan(
        url=instance.write.url,
        key=instance.write.key,
        connections=connections,
        seconds=options.seconds,
        seed=seed,
        batch=batch,
    )


def _per_event(before: Cpu | None, after: Cpu | None, result: Result, what: str) -> float | None:
    """CPU microseconds an accepted event took; None where the processes are not known."""
    if before is None or after is None or not result.accepted:
        return None
    return float(getattr(after, what) - getattr(before, what)) / result.accepted * 1e6


def _median(results: list[Result], field: str) -> float:
    return statistics.median(float(getattr(result, field)) for result in results)


def _median_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


@contextlib.contextmanager
def bare_server() -> Iterator[str]:
    """The baseline server in a process of its own; yields its URL."""
    port = free_ports()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "tests.load.bare", "--port", str(port)], cwd=ROOT)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(url):
            if time.monotonic() > deadline:
                raise InstanceError("the bare server does not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.post(url, content=b"{}", trust_env=False).status_code == 202
    except httpx.TransportError:
        return False
