"""`bench gateway`: what the gateway adds to a request, beside the same request without it.

A gateway process of its own stands before the functions of the instance. The same question goes to the function
directly and, right after, through the gateway, over one kept connection each.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

from tests.load.instance import ROOT, Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average

BAR_MS = 2.0
ADDRESS = "/api/v1/live/counts"
_STARTED_SECONDS = 20.0
_WARM = 200
_SHARE = 0.95


def bench_gateway(instance: Instance, options: Options) -> Iterator[Measurement]:
    """The added p95 in ms (bar: at most BAR_MS), the median of the rounds; each round lasts half its seconds."""
    environ: dict[str, str] = instance.environment
    functions = environ.get("SLUICE_WORK_URL") or f"http://127.0.0.1:{int(environ['SLUICE_PORT']) + 1}"
    with gateway(environ, functions) as address, httpx.Client(trust_env=False) as client:
        headers = {"x-api-key": instance.read.key}
        for _ in range(_WARM):
            _timed(client, functions, headers)
            _timed(client, address, headers)
        rounds = [_round(client, functions, address, headers, options.seconds / 2) for _ in range(options.rounds)]
    added = statistics.median(through - direct for direct, through in rounds)
    yield Measurement(
        "gateway_added_p95",
        added,
        "ms",
        bar=BAR_MS,
        at_most=True,
        baseline=statistics.median(direct for direct, _ in rounds),
        beside="the function itself",
        loop="closed",
        load_average=load_average(),
    )


@contextlib.contextmanager
def gateway(environ: dict[str, str], functions_url: str) -> Iterator[str]:
    """A gateway before these functions, ended at the end; yields its address."""
    port = _free_port()
    own = {**os.environ, **environ, "SLUICE_WORK_URL": functions_url, "PORT": str(port), "PYTHONPATH": str(ROOT)}
    own |= {"SLUICE_LIMIT_READ_KEY": "1000000/second", "SLUICE_LIMIT_READ_ADDRESS": "1000000/second"}
    process = subprocess.Popen(
        [sys.executable, "-m", "shared.function", "gateway"], cwd=ROOT, env=own, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _round(
    client: httpx.Client, direct: str, through: str, headers: dict[str, str], seconds: float
) -> tuple[float, float]:
    """p95 in ms of both ways, in turn."""
    until = time.monotonic() + seconds
    found: dict[str, list[float]] = {direct: [], through: []}
    while time.monotonic() < until:
        for address, times in found.items():
            times.append(_timed(client, address, headers))
    return _p95(found[direct]), _p95(found[through])


def _timed(client: httpx.Client, address: str, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    answer = client.get(address + ADDRESS, headers=headers)
    took = time.perf_counter() - started
    if answer.status_code != httpx.codes.OK:
        raise InstanceError(f"{address}: {answer.status_code} {answer.text[:300]}")
    return took * 1_000


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * _SHARE)]


def _wait(address: str) -> None:
    until = time.monotonic() + _STARTED_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/healthz", trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    raise InstanceError("the gateway does not start")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
