"""The emulated PingSource: cron ticks as CloudEvents; best effort, no catch-up (KNATIVE.md)."""

import asyncio
import random
from datetime import UTC, datetime

import msgspec
import structlog

from shared.bus import Message
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.local import source_metrics
from shared.local.delivery import Deliverer
from shared.wiring import Cron

log = structlog.get_logger()

_QUICK_RETRIES = 5
_RETRY_SECONDS = 0.2
_JITTER_SECONDS = 0.5


async def run(cron: Cron, function: str, deliverer: Deliverer, clock: Clock) -> None:
    """Post one CloudEvent at each due time, up to 500 ms late; a tick that fails six times is lost."""
    from croniter import croniter

    while True:
        now = to_datetime(clock.micros())
        due = croniter(cron.schedule, now).get_next(datetime)
        await asyncio.sleep((due - now).total_seconds() + random.uniform(0, _JITTER_SECONDS))  # noqa: S311 (only spreads load)
        delivered = await tick(cron, function, deliverer)
        source_metrics.TICKS.labels(function, "delivered" if delivered else "lost").inc()


async def tick(cron: Cron, function: str, deliverer: Deliverer) -> bool:
    """One tick with a fresh id; whether the function took it."""
    message = Message(
        {
            "specversion": "1.0",
            "id": str(uuid7()),
            "source": f"/sluice/timers/{function}",
            "type": cron.type,
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
        },
        msgspec.json.encode(cron.data),
    )
    for _ in range(1 + _QUICK_RETRIES):
        answer = await deliverer.post(message)
        if answer.delivered:
            return True
        await asyncio.sleep(_RETRY_SECONDS)
    log.warning("tick lost", function=function, schedule=cron.schedule, status=answer.status)
    return False
