"""`bench dashboard`: many people with a dashboard open; each asks for all of its panels at once, again and again."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.rows import Rows

VIEWERS = 10
_MOST_ROWS = 1_000_000
PANELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("count", {}),
    ("count", {"measure": "users"}),
    ("count", {"measure": "sessions"}),
    ("timeseries", {"interval": "day"}),
    ("timeseries", {"interval": "day", "group_by": "event"}),
    ("breakdown", {"by": "event"}),
    ("breakdown", {"by": "country"}),
    ("breakdown", {"by": "path"}),
)


def bench_dashboard(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 ms of a whole page, closed loop, beside one viewer alone; up to a million rows, of the last seven days."""
    seconds = options.rounds * options.seconds / 2
    with Rows(instance) as rows:
        rows.fill(min(options.rows, _MOST_ROWS))
        load = load_average()
        alone = asyncio.run(_viewed(instance, rows, 1, seconds))
        pages = asyncio.run(_viewed(instance, rows, VIEWERS, seconds))
    value, baseline = percentile(pages, 0.95), percentile(alone, 0.95)
    yield Measurement(
        "dashboard_page",
        value,
        "ms p95",
        ratio=value / baseline,
        baseline=baseline,
        beside="one viewer",
        loop="closed",
        load_average=load,
        details={
            "viewers": VIEWERS,
            "panels": len(PANELS),
            "p50_ms": percentile(pages, 0.5),
            "pages_per_second": len(pages) / seconds,
        },
    )


async def _viewed(instance: Instance, rows: Rows, viewers: int, seconds: float) -> list[float]:
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=viewers * len(PANELS))
    async with httpx.AsyncClient(base_url=instance.read.url, trust_env=False, timeout=120, limits=limits) as client:
        lists = await asyncio.gather(*(_viewer(client, instance, rows, until) for _ in range(viewers)))
    return [took for pages in lists for took in pages]


async def _viewer(client: httpx.AsyncClient, instance: Instance, rows: Rows, until: float) -> list[float]:
    found = []
    span = {"from": (rows.end - timedelta(days=7)).isoformat(), "to": rows.end.isoformat()}
    while time.monotonic() < until:
        started = time.perf_counter()
        answers = await asyncio.gather(
            *(
                client.post(f"/api/v1/query/{path}", json={**span, **body}, headers={"X-API-Key": instance.read.key})
                for path, body in PANELS
            )
        )
        if refused := [answer for answer in answers if answer.status_code != httpx.codes.OK]:
            raise InstanceError(f"{refused[0].url}: {refused[0].status_code} {refused[0].text[:300]}")
        found.append((time.perf_counter() - started) * 1_000)
    return found
