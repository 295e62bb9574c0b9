"""`bench segments`: how many people are in a segment, of ten million events of 200,000 people.

Every definition is asked many times, each time with another figure in it, so that no answer is a cached one.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.rows import Rows

BAR_MS = 300.0
ASKED = 10


def definitions() -> dict[str, Callable[[int], dict[str, Any]]]:
    """Definitions by name, each with a number in it that changes from one time to the next."""
    buy = {"event": "purchase"}
    return {
        "did": lambda n: {"kind": "did", "act": buy, "op": "gte", "value": 2 + n, "days": 30},
        "not": lambda n: {"kind": "did", "act": buy, "op": "lt", "value": 1 + n, "days": 30},
        "sum": lambda n: {"kind": "did", "act": buy, "measure": "sum:properties.price", "value": 900 + n, "days": 30},
        "sequence": lambda n: {
            "kind": "sequence",
            "first": {"event": "add_to_cart"},
            "then": buy,
            "within": f"{24 + n}h",
            "happens": False,
            "days": 14,
        },
        "nested": lambda n: {
            "kind": "and",
            "of": [
                {"kind": "did", "act": {"event": "search"}, "value": 1 + n % 3, "days": 7},
                {"kind": "not", "of": {"kind": "did", "act": buy, "days": 14 + n}},
            ],
        },
    }


def bench_segments(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 of the size of each definition, with everybody counted beside it as the answer does."""
    with Rows(instance) as rows, httpx.Client(base_url=instance.read.url, trust_env=False, timeout=120) as client:
        yield Measurement("segments_filled", rows.fill(options.rows), "rows/s", details={"rows": options.rows})
        rows.merge()
        for name, made in definitions().items():
            load = load_average()
            took = [_ask(client, instance.read.key, made(number)) for number in range(options.rounds * ASKED + 1)]
            yield Measurement(
                f"segment_size_{name}",
                percentile(took[1:], 0.95),
                "ms p95",
                bar=BAR_MS,
                at_most=True,
                loop="closed",
                load_average=load,
                details={"p50_ms": percentile(took[1:], 0.5), "first_ms": took[0]},
            )


def _ask(client: httpx.Client, key: str, definition: dict[str, Any]) -> float:
    started = time.perf_counter()
    body = {"definition": definition}
    answer = client.post("/api/v1/segments/preview", json=body, headers={"X-API-Key": key})
    if answer.status_code != httpx.codes.OK:
        raise InstanceError(f"{definition}: {answer.status_code} {answer.text[:300]}")
    return (time.perf_counter() - started) * 1_000
