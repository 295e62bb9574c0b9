"""The emulated PingSource: cron ticks as CloudEvents; best effort, no catch-up."""

import random
from datetime import datetime

import msgspec
import structlog

from shared.bus import Message
from shared.clock import Clock, to_datetime, to_micros
from shared.ids import uuid7
from shared.local import source_metrics
from shared.local.delivery import Deliverer
from shared.local.patience import Pauses
from shared.wiring import Cron

log = structlog.get_logger()

_QUICK_RETRIES = 5
_RETRY_SECONDS = 0.2
_JITTER_SECONDS = 0.5
_LONGEST_SLEEP_SECONDS = 300.0  # a clock that was set, or a laptop that slept, is noticed within this


async def run(cron: Cron, function: str, deliverer: Deliverer, pauses: Pauses, clock: Clock) -> None:
    """Post one CloudEvent at each due time (UTC), up to 500 ms late, until cancelled.

    Due times that passed while the process was down, asleep or busy with a tick are not made up for.
    """
    last = clock.micros()
    while True:
        due = next_due(cron.schedule, max(last, clock.micros()))
        while (left := (due - clock.micros()) / 1e6) > 0:
            await pauses.sleep(min(left, _LONGEST_SLEEP_SECONDS))
        last = due
        await pauses.sleep(random.uniform(0, _JITTER_SECONDS))  # noqa: S311 (only spreads load)
        delivered = await tick(cron, function, deliverer, pauses, clock)
        source_metrics.TICKS.labels(function, "delivered" if delivered else "lost").inc()


def next_due(schedule: str, after: int) -> int:
    """The first due time of a cron line (UTC) later than `after`; both in microseconds since 1970."""
    from croniter import croniter

    due: datetime = croniter(schedule, to_datetime(after)).get_next(datetime)
    return to_micros(due)


async def tick(cron: Cron, function: str, deliverer: Deliverer, pauses: Pauses, clock: Clock) -> bool:
    """One tick with a fresh id and JSON data, six tries close together; whether the function took it."""
    message = Message(
        {
            "specversion": "1.0",
            "id": str(uuid7()),
            "source": f"/sluice/timers/{function}",
            "type": cron.type,
            "time": to_datetime(clock.micros()).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
        },
        msgspec.json.encode(cron.data),
    )
    answer = await deliverer.post(message)
    for _ in range(_QUICK_RETRIES):
        if not answer.retried:
            break
        await pauses.sleep(_RETRY_SECONDS)
        answer = await deliverer.post(message)
    if not answer.delivered:
        log.warning("tick lost", function=function, schedule=cron.schedule, status=answer.status)
    return answer.delivered
