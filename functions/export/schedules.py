"""Exports that are made again and again: each window of a schedule becomes one export, once.

A schedule's watermark is the end of the last window that has its job. A window's job has a key made of the schedule and
the window's begin: whoever else makes it finds it made, so that two schedulers, or one that dies between the job and
the watermark, do no harm and no lease is needed. What arrives after a window was closed is in none.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import structlog

from functions.export.asked import ExportJob, ExportRequest, Notify, Told, told
from functions.export.formats import Compression, Format
from shared.catalog.client import Queries, Row
from shared.catalog.webhooks import Webhooks
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.jobs import Jobs
from shared.query.filters import Filter
from shared.query.period import parse_period, zone_of
from shared.query.zone import timezone_or_own
from shared.recipients import Name
from shared.refusals import Refusal, Rejected
from shared.timers.schedule import Schedule, parse_schedule

log = structlog.get_logger()

Every = Literal["hourly", "daily"]
_CRONS: dict[Every, str] = {"hourly": "0 * * * *", "daily": "0 0 * * *"}
_SHORTEST = timedelta(minutes=15)
_MOST_BACK = timedelta(days=400)
MOST_SCHEDULES = 100
# Of one schedule and of all in one tick: the rest has the next one.
_MOST_WINDOWS = 24
_MOST_SCHEDULES = 200


class ScheduleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from"}):
    """A schedule: how often, and what each export is asked for, as in ExportRequest.

    Either `every` or `cron`, in `timezone`, else in the project's. A window is closed `delay_minutes` after its end.
    The first begins at `from`, without it with the window that is under way. `keep_days`: the files are removed after
    so many days, without it never.
    """

    name: Name
    every: Every | None = None
    cron: str = ""
    timezone: str | None = None
    start: str = ""
    delay_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 15
    enabled: bool = True
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None
    format: Format = "parquet"
    compression: Compression | None = None
    formulas: Literal["escape", "keep"] = "escape"
    events: list[str] = []
    filters: list[Filter] = []
    columns: list[str] = []
    destination: str = ""
    notify: Told = []

    def schedule(self) -> Schedule:
        """When its windows begin and end; refuses both ways of saying so, none, and lines that are none."""
        if bool(self.every) == bool(self.cron):
            raise Rejected(Refusal.BAD_REQUEST, "give `every` (hourly, daily) or `cron`, one of them")
        line = _CRONS[self.every] if self.every else self.cron
        return parse_schedule(line, self.zone, shortest=_SHORTEST)

    @property
    def zone(self) -> str:
        """The zone its days and cron line are in."""
        return timezone_or_own(self.timezone)

    def first_start(self, now: datetime) -> datetime:
        """Where its first window begins; refuses all that can be refused."""
        schedule = self.schedule()
        self.export(now - timedelta(days=1), now).settled(now)
        if not self.start:
            return schedule.previous(now + timedelta(microseconds=1))
        start = parse_period(self.start, (now + timedelta(days=1)).isoformat(), self.zone).start
        if now - start > _MOST_BACK:
            raise Rejected(Refusal.BAD_RANGE, f"`from` is more than {_MOST_BACK.days} days ago")
        return schedule.next(start - timedelta(microseconds=1))

    @property
    def told(self) -> Notify:
        """Who is told of each export, however it was written."""
        return told(self.notify)

    def export(self, start: datetime, end: datetime) -> ExportRequest:
        """What one window is asked for."""
        return ExportRequest(
            format=self.format,
            compression=self.compression,
            formulas=self.formulas,
            start=start.isoformat(),
            end=end.isoformat(),
            timezone=self.zone,
            events=self.events,
            filters=self.filters,
            columns=self.columns,
            destination=self.destination,
            notify=self.notify,
        )


class Kept(msgspec.Struct, frozen=True):
    """A row of the catalog's `export_schedules`; `next_start` is where the next window begins."""

    id: uuid.UUID
    project_id: uuid.UUID
    cron: str
    timezone: str
    delay_minutes: int
    enabled: bool
    request: str
    next_start: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def asked(self) -> ScheduleRequest:
        return msgspec.json.decode(self.request, type=ScheduleRequest)

    @property
    def next_end(self) -> datetime:
        return Schedule(self.cron, self.timezone).next(self.next_start)

    def job(self, start: datetime, end: datetime) -> ExportJob:
        """The export of one window."""
        wanted = self.asked.export(start, end).settled(end)
        given: dict[str, Any] = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
        folder = f"projects/{self.project_id}/schedules/{self.id}/{partition(self.asked, start)}"
        return ExportJob(**given, schedule_id=self.id, folder=folder, keep_days=self.asked.keep_days)


def partition(asked: ScheduleRequest, start: datetime) -> str:
    """The folder of a window as Hive names partitions: days in the schedule's timezone, hours and minutes in UTC."""
    if asked.every == "daily":
        return f"dt={start.astimezone(zone_of(asked.zone)):%Y-%m-%d}/"
    at = start.astimezone(UTC)
    return f"dt={at:%Y-%m-%d}/hour={at:%H}/" + ("" if asked.every else f"minute={at:%M}/")


class Schedules:
    """The schedules of all projects, in a catalog or a transaction."""

    def __init__(self, catalog: Queries, jobs: Jobs, clock: Clock) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._clock = clock

    def within(self, transaction: Queries) -> "Schedules":
        """The same, in a transaction."""
        return Schedules(transaction, self._jobs, self._clock)

    async def create(self, project_id: uuid.UUID, asked: ScheduleRequest) -> Kept:
        """A new schedule; refuses what ScheduleRequest and an export refuse, and more than a project may have.

        In a transaction: it holds the project's row, so that two at once count each other.
        """
        asked = msgspec.structs.replace(asked, timezone=asked.zone)
        start, schedule = asked.first_start(self.now()), asked.schedule()
        await Webhooks(self._catalog).require(asked.told.webhooks, project_id)
        values = {"id": uuid7(), "project_id": project_id, "cron": schedule.cron, "timezone": schedule.timezone}
        await self._catalog.rows("lock_project", {"project_id": project_id})
        more = {"next_start": start, "most": MOST_SCHEDULES}
        rows = await self._catalog.rows("create_export_schedule", {**values, **more, **_row(asked)})
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"a project has at most {MOST_SCHEDULES} schedules of exports: end one")
        return _kept(rows)

    async def change(self, found: Kept, asked: ScheduleRequest) -> Kept:
        """The schedule as asked from its next window on; its windows cannot be others (`conflict`)."""
        was = found.asked
        asked = msgspec.structs.replace(asked, timezone=asked.timezone or found.timezone)
        for name in ("every", "cron", "timezone", "destination"):
            if getattr(asked, name) != getattr(was, name):
                raise Rejected(Refusal.CONFLICT, f"`{name}` of a schedule stays: end it and start another")
        msgspec.structs.replace(asked, start="").first_start(self.now())
        wanted = msgspec.structs.replace(asked, start=was.start)
        await Webhooks(self._catalog).require(wanted.told.webhooks, found.project_id)
        values = {"id": found.id, "project_id": found.project_id, **_row(wanted)}
        return _kept(await self._catalog.rows("update_export_schedule", values))

    async def find(self, text: str, project_id: uuid.UUID) -> Kept:
        """The project's schedule of that id; refuses others (`not_found`)."""
        try:
            values = {"id": uuid.UUID(text), "project_id": project_id}
        except ValueError:
            raise Rejected(Refusal.NOT_FOUND, f"there is no schedule {text[:80]!r}") from None
        rows = await self._catalog.rows("find_export_schedule", values)
        if not rows:
            raise Rejected(Refusal.NOT_FOUND, f"there is no schedule {text!r}")
        return _kept(rows)

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Kept]:
        """A project's schedules, the newest first, at most so many of those made before that id."""
        values = {"project_id": project_id, "before": before, "most": most}
        return [Kept(**row) for row in await self._catalog.rows("list_export_schedules", values)]

    async def remove(self, found: Kept) -> None:
        await self._catalog.rows("remove_export_schedule", {"id": found.id, "project_id": found.project_id})

    async def run(self) -> int:
        """Start the exports of all windows that are closed, those longest behind first; how many those were."""
        now, started = self.now(), 0
        rows = await self._catalog.rows("due_export_schedules", {"now": now, "most": _MOST_SCHEDULES})
        for row in rows:
            started += await self._catch_up(Kept(**row), now)
        return started

    def now(self) -> datetime:
        return to_datetime(self._clock.micros())

    async def _catch_up(self, kept: Kept, now: datetime) -> int:
        schedule, start = Schedule(kept.cron, kept.timezone), kept.next_start
        for number in range(_MOST_WINDOWS):
            end = schedule.next(start)
            if end + timedelta(minutes=kept.delay_minutes) > now or not await self._window(kept, start, end):
                return number
            start = end
        return _MOST_WINDOWS

    async def _window(self, kept: Kept, start: datetime, end: datetime) -> bool:
        """Give a window its job; False where somebody else has, and goes on with the next."""
        key = f"schedule\t{kept.id}\t{start.astimezone(UTC).isoformat()}"  # a tab: no client's Idempotency-Key has one
        try:
            asked = msgspec.json.encode(kept.job(start, end))
            job, _ = await self._jobs.create(kept.project_id, key, asked, asked_by=f"schedule:{kept.id}")
        except Rejected as rejected:
            if rejected.refusal is not Refusal.IDEMPOTENCY_KEY_REUSED:
                log.warning("a scheduled export cannot be started", schedule=str(kept.id), detail=str(rejected))
                return False
            job = None  # made before the schedule was changed
        values = {"id": kept.id, "start": start, "done": end}
        if not await self._catalog.rows("advance_export_schedule", values):
            return False
        if job is not None:
            await self._jobs.request(job)  # where the bus is away, the sweep asks again
        return True


def _row(asked: ScheduleRequest) -> Row:
    request = msgspec.json.encode(asked).decode()
    return {
        "name": asked.name,
        "delay_minutes": asked.delay_minutes,
        "enabled": asked.enabled,
        "request": request,
    }


def _kept(rows: list[Row]) -> Kept:
    """The only row; a schedule that was ended meanwhile is refused as unknown."""
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, "the schedule is not there any more")
    return Kept(**rows[0])
