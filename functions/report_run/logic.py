"""Running reports: each window once, from numbers that are kept, mailed under a key of their own.

A run is kept before it is mailed. Whoever comes to its window again, after a crash or as the second of two, finds it,
and mails the same numbers under the same key, which the second time nobody gets.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from functions.report_run.numbers import Numbers, numbers
from functions.report_run.store import Report, Reports, Run, Trigger
from shared.bus import Bus
from shared.clock import Clock, to_datetime
from shared.freshness import Freshness
from shared.ids import named
from shared.notifications import Notification, notify
from shared.query.ask import Asker, Warehouse
from shared.refusals import Refusal, Rejected
from shared.timers import Timers, Window

log = structlog.get_logger()

TIMER = "report_run"
# Of reports that were missed as many are sent late; older ones would only puzzle.
CATCH_UP = 3
AT_ONCE = 2


class Runner:
    """Makes runs and mails them."""

    def __init__(
        self,
        *,
        reports: Reports,
        timers: Timers,
        warehouse: Warehouse,
        freshness: Freshness,
        bus: Bus,
        clock: Clock,
        public_url: str = "",
    ) -> None:
        self._reports = reports
        self._timers = timers
        self._warehouse = warehouse
        self._freshness = freshness
        self._bus = bus
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def tick(self) -> int:
        """Run what is due; returns how many windows that were. Raises UnavailableError where something is away."""
        return await self._timers.run(self._window)

    async def run(self, report: Report, run_id: uuid.UUID) -> Run:
        """Run a report for the last whole days, now; the same id again gives the same run.

        A run that fails says why; raises UnavailableError where the warehouse is away or lags.
        """
        return await self._run(report, run_id, to_datetime(self._clock.micros()), "request")

    async def _window(self, window: Window) -> None:
        report = await self._reports.find(uuid.UUID(window.item))
        if report is None:
            await self._timers.remove(window.item)
            return
        await self._run(report, named(report.id, "run", window.end.isoformat()), window.end, "schedule")

    async def _run(self, report: Report, run_id: uuid.UUID, due: datetime, trigger: Trigger) -> Run:
        run = await self._reports.run(run_id)
        if run is None:
            await self._reports.keep(run_id, report, due, trigger, await self._numbers(report, due))
            run = await self._reports.run(run_id)
        if run is None:
            raise Rejected(Refusal.NOT_FOUND, "the report was removed meanwhile")
        if run.state == "completed" and not run.announced:
            await self._tell(run)
            return msgspec.structs.replace(run, announced=True)
        return run

    async def _numbers(self, report: Report, due: datetime) -> Numbers | Rejected:
        asked = report.request
        await self._freshness.wait(asked.period(due).end)
        try:
            return await numbers(asked, report.project_id, due, Asker(self._warehouse, function=TIMER))
        except Rejected as rejected:
            log.warning("report failed", report=str(report.id), code=rejected.refusal)
            return rejected

    async def _tell(self, run: Run) -> None:
        asked = run.request
        notification = Notification(
            key=f"report:{run.id}",
            project_id=run.project_id,
            template="report_daily",
            values=told(run, self._public_url),
            language=asked.language,
            emails=asked.emails,
            subscribers="report.ready",
        )
        await notify(self._bus, notification)
        await self._reports.told(run.id)
        log.info("report sent", report=str(run.report_id), run=str(run.id), recipients=len(asked.emails))


def told(run: Run, public_url: str) -> dict[str, Any]:
    """What the mail shows and webhooks get of a run; {} of one that failed."""
    counted = run.counted
    if counted is None:
        return {}
    asked = run.request
    last = asked.last_day(run.due_at)
    first = last - timedelta(days=asked.days - 1)
    week = counted.week_before
    return {
        "report_id": str(run.report_id),
        "run_id": str(run.id),
        "name": asked.name,
        "project": run.project,
        "date": f"{last}" if first == last else f"{first} … {last}",
        "range": counted.range,
        "days": asked.days,
        "total": counted.totals.events,
        "users": counted.totals.users,
        "sessions": counted.totals.sessions,
        "change": counted.before.events,
        "users_change": counted.before.users,
        "week_change": week.events if week else None,
        "rows": [{"name": row.name, "count": row.count, "change": row.change} for row in counted.rows],
        "other": counted.other,
        "link": f"{public_url}/app/reports/{run.report_id}" if public_url else "",
    }
