"""Running reports: each window once, from a result that is kept, mailed under a key of its own.

A run is kept before it is mailed. Whoever comes to its window again, after a crash or as the second of two, finds it,
and mails the same result under the same key, which the second time nobody gets. Its files are stored before the run is
kept, each attempt's under a prefix of its own that is noted for removal until a run holds it.
"""

import uuid
from datetime import datetime

import msgspec
import structlog

from functions.report_run.files import Drawer, Files, file_of
from functions.report_run.making import Made, Maker
from functions.report_run.results import Format, ReportResult
from functions.report_run.store import Due, Report, Reports, Run
from functions.report_run.telling import files_of, told
from shared.bus import Bus
from shared.clock import Clock, to_datetime
from shared.failpoints import reach
from shared.freshness import Freshness
from shared.ids import named
from shared.notifications import Notification, notify
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.timers import Timers, Window

log = structlog.get_logger()

TIMER = "report_run"
# Of reports that were missed as many are sent late; older ones would only puzzle.
CATCH_UP = 3
AT_ONCE = 2
_ATTEMPT_SECONDS = 3_600
_MOST_TRASH = 50


class Runner:
    """Makes runs and mails them."""

    def __init__(
        self,
        *,
        reports: Reports,
        timers: Timers,
        maker: Maker,
        drawer: Drawer,
        files: Files,
        freshness: Freshness,
        bus: Bus,
        clock: Clock,
        public_url: str = "",
        keep_days: int = 0,
    ) -> None:
        self._reports = reports
        self._timers = timers
        self._maker = maker
        self._drawer = drawer
        self._files = files
        self._freshness = freshness
        self._bus = bus
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._keep_days = keep_days

    async def tick(self) -> int:
        """Run what is due and remove what is old; returns how many windows were run.

        Raises UnavailableError where something is away.
        """
        try:
            return await self._timers.run(self._window)
        finally:
            await self._tidy()

    async def run(self, report: Report, run_id: uuid.UUID) -> Run:
        """Run a report for the last whole days, now; the same id again gives the same run.

        A run that fails says why; raises UnavailableError where the warehouse is away or lags.
        """
        return await self._run(run_id, Due(report, to_datetime(self._clock.micros()), "request"))

    async def file(self, run: Run, wanted: Format) -> bytes:
        """A run's file; made now, and kept, where it was not wanted before. Refuses a run without a result."""
        found = run.found
        if wanted == "json" and found is not None:
            return msgspec.json.encode(found)
        if found is None or run.files is None:
            raise Rejected(Refusal.NOT_FOUND, "this run has no files: it failed, or is from before reports had any")
        kept = await self._files.get(run.files, file_of(wanted))
        if kept is None:
            made = await self._drawer.draw(found, [wanted])
            await self._files.put(run.files, made)
            kept = made[file_of(wanted)]
        return kept

    async def _window(self, window: Window) -> None:
        report = await self._reports.find(uuid.UUID(window.item))
        if report is None:
            await self._timers.remove(window.item)
            return
        await self._run(named(report.id, "run", window.end.isoformat()), Due(report, window.end, "schedule"))

    async def _run(self, run_id: uuid.UUID, due: Due) -> Run:
        run = await self._reports.run(run_id)
        if run is None:
            outcome = await self._outcome(due)
            files = None if isinstance(outcome, Rejected) else await self._store(run_id, due, outcome.result)
            reach("report_run.after_files")
            await self._reports.keep(run_id, due, outcome, files)
            run = await self._reports.run(run_id)
        if run is None:
            raise Rejected(Refusal.NOT_FOUND, "the report was removed meanwhile")
        reach("report_run.after_kept")
        if run.state == "completed" and not run.announced:
            await self._tell(run)
            return msgspec.structs.replace(run, announced=True)
        return run

    async def _outcome(self, due: Due) -> Made | Rejected:
        report = due.report
        asked = report.request
        await self._freshness.wait(asked.period(due.at).end)
        try:
            return await self._maker.make(asked, report.project_id, due.at)
        except Rejected as rejected:
            log.warning("report failed", report=str(report.id), code=rejected.refusal)
            return rejected

    async def _store(self, run_id: uuid.UUID, due: Due, result: ReportResult) -> str:
        """Make and store the page, the charts of the mail and what is attached; where that is kept.

        A report that cannot be drawn goes out with its numbers: what they are matters more.
        """
        report = due.report
        formats = sorted({"html", *report.request.attach})
        files = self._files.new_prefix(report.project_id, report.id, run_id)
        await self._reports.begin_files(files, _ATTEMPT_SECONDS)
        try:
            made = await self._drawer.draw(result, msgspec.convert(formats, list[Format]), charts=True)
        except UnavailableError as error:
            log.warning("report without pictures", report=str(report.id), detail=str(error))
            return files
        await self._files.put(files, made)
        return files

    async def _tell(self, run: Run) -> None:
        asked = run.request
        notification = Notification(
            key=f"report:{run.id}",
            project_id=run.project_id,
            template="report_daily",
            values=told(run, self._public_url),
            language=asked.language,
            emails=asked.emails,
            webhooks=asked.channels,
            subscribers="report.ready",
            files=files_of(run),
        )
        await notify(self._bus, notification)
        reach("report_run.after_asked")
        await self._reports.told(run.id)
        log.info("report sent", report=str(run.report_id), run=str(run.id), recipients=len(asked.emails))

    async def _tidy(self) -> None:
        """Remove runs that are older than they are kept, and the files of what is gone."""
        if self._keep_days:
            await self._reports.expire(self._keep_days)
        for files in await self._reports.trash(_MOST_TRASH):
            await self._files.remove(files)
            await self._reports.forget_trash(files)


def due_now(clock: Clock) -> datetime:
    """The moment that what is asked for now is due."""
    return to_datetime(clock.micros())
