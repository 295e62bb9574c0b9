"""`bench freshness`: from the 202 to the answer of a query that has the event, under a little load beside."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from tests.load.generator import Plan, finish_load, start_load
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile

BAR_SECONDS = 3.0
BESIDE = 100.0
_CLIENTS = 4
_GIVE_UP_SECONDS = 60.0
_LOOK_SECONDS = 0.02


def bench_freshness(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p99 of the seconds; closed loop: each of a few clients sends its next event when the one before was seen."""
    seconds = options.rounds * options.seconds
    plan = Plan(
        url=instance.write.url, key=instance.write.key, connections=8, rate=BESIDE, seconds=seconds + 5, pool=2_000
    )
    load, beside = load_average(), start_load(plan)
    until = time.monotonic() + seconds
    try:
        with ThreadPoolExecutor(_CLIENTS) as threads:
            lists = list(threads.map(lambda _: _client(instance, until), range(_CLIENTS)))
    finally:
        finish_load(beside, 120)
    found = [one for seen in lists for one in seen]
    yield Measurement(
        "freshness",
        percentile(found, 0.99),
        "s p99",
        bar=BAR_SECONDS,
        at_most=True,
        loop="closed",
        load_average=load,
        details={
            "p50_s": percentile(found, 0.5),
            "highest_s": max(found),
            "events": len(found),
            "events_per_second_beside": BESIDE,
        },
    )


def _client(instance: Instance, until: float) -> list[float]:
    found = []
    with httpx.Client(base_url=instance.write.url, trust_env=False, timeout=60) as client:
        while time.monotonic() < until:
            found.append(_seen(client, instance))
    return found


def _seen(client: httpx.Client, instance: Instance) -> float:
    """Seconds from the 202 until the count of a name that only this event has is 1."""
    now = datetime.now(tz=UTC)
    name = f"fresh_{uuid.uuid4().hex[:12]}_{threading.get_ident()}"
    event = {"event": name, "id": str(uuid.uuid4()), "timestamp": now.isoformat()}
    sent = client.post("/api/v1/events", json=event, headers={"X-API-Key": instance.write.key})
    if sent.status_code != httpx.codes.ACCEPTED:
        raise InstanceError(f"{sent.status_code} {sent.text[:300]}")
    acked = time.monotonic()
    span = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    while time.monotonic() - acked < _GIVE_UP_SECONDS:
        answer = client.post(
            "/api/v1/query/count", json={**span, "events": [name]}, headers={"X-API-Key": instance.read.key}
        )
        if answer.status_code == httpx.codes.OK and answer.json()["value"] == 1:
            return time.monotonic() - acked
        time.sleep(_LOOK_SECONDS)
    raise InstanceError(f"an acknowledged event is in no answer after {_GIVE_UP_SECONDS:.0f} s")
