"""How much a project may send and ask; the operator sets it (`sluice limits`)."""

from datetime import datetime, timedelta

import msgspec

from functions.workspace.call import Call
from shared.catalog.client import Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, json_reply
from shared.security.limits import Rate, rate_text
from shared.security.policy import Action
from shared.security.project_limits import instance_limits, limits_with

_NONE: Row = dict.fromkeys(
    ("ingest_rate", "read_rate", "events_per_day", "query_rows", "query_at_once", "query_budget")
)


class LimitsAnswer(msgspec.Struct, frozen=True):
    """What holds for a project; null is no limit, a rate is `100/second`.

    `own` names what is the project's and not the instance's. `events_today` is what was let through since the UTC day
    began, null where there is no quota or the cache does not say; `resets_at` is when the next day begins.
    """

    events_per_day: int | None
    events_today: int | None
    resets_at: datetime
    ingest_rate: str | None
    read_key_rate: str | None
    read_user_rate: str | None
    query_rows: int | None
    query_at_once: int
    query_budget: str | None
    own: list[str]


async def show(call: Call) -> Reply:
    """The limits of a project, and how much of the day's events is used."""
    caller = await call.in_project(Action.PROJECT_READ)
    rows = await call.ports.catalog.rows("limits_of_project", {"project_id": caller.project_id})
    own, settings = (rows[0] if rows else _NONE), call.ports.settings
    holds = limits_with(instance_limits(settings), own)
    quota = holds.events_per_day
    today = None if quota is None else await call.ports.meter.used(f"quota:{caller.project_id}", quota)
    answer = LimitsAnswer(
        events_per_day=None if quota is None else quota.amount,
        events_today=today,
        resets_at=_next_day(),
        ingest_rate=_text(holds.ingest),
        read_key_rate=_text(holds.read_key),
        read_user_rate=_text(holds.read_user),
        query_rows=(settings.query_rows if own["query_rows"] is None else own["query_rows"]) or None,
        query_at_once=settings.query_at_once if own["query_at_once"] is None else own["query_at_once"],
        query_budget=settings.query_budget if own["query_budget"] is None else own["query_budget"],
        own=[name for name, value in own.items() if value is not None],
    )
    return json_reply(answer)


def _text(rate: Rate | None) -> str | None:
    return None if rate is None else rate_text(rate)


def _next_day() -> datetime:
    now = to_datetime(SYSTEM_CLOCK.micros())
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
