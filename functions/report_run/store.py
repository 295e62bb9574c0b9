"""Reports and their runs, in the catalog."""

import uuid
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from functions.report_run.asked import ReportRequest
from functions.report_run.making import Made
from functions.report_run.numbers import Numbers
from functions.report_run.results import ReportResult
from shared.catalog.client import Queries, Row
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.timers import Timers

Trigger = Literal["schedule", "request"]
_MOST_DETAIL = 2_000


class Report(msgspec.Struct, frozen=True):
    """A row of `reports`; `asked` is the JSON of a ReportRequest."""

    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    asked: str
    created_at: datetime
    updated_at: datetime

    @property
    def request(self) -> ReportRequest:
        return msgspec.json.decode(self.asked, type=ReportRequest)


class Run(msgspec.Struct, frozen=True):
    """A row of `report_runs`, with the report as it was then.

    `numbers` is the JSON of an overview's Numbers, `result` that of a ReportResult; a run that failed has neither, one
    from before there were results only numbers. `files` is how the keys of its objects begin. `announced`: it was
    mailed, or failed and there is nothing to mail.
    """

    id: uuid.UUID
    report_id: uuid.UUID
    project_id: uuid.UUID
    project: str
    due_at: datetime
    trigger: Trigger
    state: Literal["completed", "failed"]
    asked: str
    numbers: str | None
    result: str | None
    files: str | None
    error_code: str | None
    error_detail: str | None
    announced: bool
    created_at: datetime

    @property
    def request(self) -> ReportRequest:
        return msgspec.json.decode(self.asked, type=ReportRequest)

    @property
    def counted(self) -> Numbers | None:
        return msgspec.json.decode(self.numbers, type=Numbers) if self.numbers else None

    @property
    def found(self) -> ReportResult | None:
        return msgspec.json.decode(self.result, type=ReportResult) if self.result else None


class Due(NamedTuple):
    """A report that is due, when, and why."""

    report: Report
    at: datetime
    trigger: Trigger


class Reports:
    """Reads and writes reports, in a catalog or a transaction.

    Every call raises CatalogUnavailableError where the catalog is away.
    """

    def __init__(self, catalog: Queries, timers: Timers, most: int) -> None:
        self._catalog = catalog
        self._timers = timers
        self._most = most

    def within(self, transaction: Queries) -> "Reports":
        """The same, in a transaction."""
        return Reports(transaction, self._timers, self._most)

    async def create(self, project_id: uuid.UUID, asked: ReportRequest) -> Report:
        """A new report, which comes by its schedule from now on; refuses more than a project may have (`conflict`).

        In a transaction: it holds the project's row, so that two at once count each other.
        """
        values = {"project_id": project_id, **self._written(uuid7(), asked), "most": self._most}
        await self._catalog.rows("lock_project", {"project_id": project_id})
        found = await self._catalog.rows("create_report", values)
        if not found:
            raise Rejected(Refusal.CONFLICT, f"the project has {self._most} reports, as many as it may: delete one")
        return Report(**found[0])

    async def find(self, report_id: uuid.UUID, project_id: uuid.UUID | None = None) -> Report | None:
        """The report of that id, of any project or only of this one."""
        return await self._one("find_report", {"id": report_id, "project_id": project_id})

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Report]:
        """A project's reports, the newest first, at most so many of those made before that id."""
        rows = await self._catalog.rows("list_reports", {"project_id": project_id, "before": before, "most": most})
        return [Report(**row) for row in rows]

    async def replace(self, report_id: uuid.UUID, project_id: uuid.UUID, asked: ReportRequest) -> Report | None:
        """Write a report anew; another schedule counts from now on."""
        return await self._one("replace_report", {"project_id": project_id, **self._written(report_id, asked)})

    async def remove(self, report_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove a report with its runs; False where there is none."""
        values = {"id": report_id, "project_id": project_id, "timer": self._timers.name, "item": str(report_id)}
        return bool(await self._catalog.rows("remove_report", values))

    async def keep(self, run_id: uuid.UUID, due: "Due", outcome: Made | Rejected, files: str | None) -> bool:
        """Keep a run with its files; one that is kept already stays as it is, and False is returned."""
        report = due.report
        values: Row = {"id": run_id, "report_id": report.id, "project_id": report.project_id, "asked": report.asked}
        ended: Row = {"state": "completed", "error_code": None, "error_detail": None, "numbers": None, "result": None}
        if isinstance(outcome, Rejected):
            detail = outcome.detail[:_MOST_DETAIL].replace("\0", " ")
            ended |= {"state": "failed", "error_code": outcome.refusal, "error_detail": detail}
        else:
            counted = outcome.numbers
            ended |= {"result": _json(outcome.result), "numbers": None if counted is None else _json(counted)}
        values |= {"due_at": due.at, "trigger": due.trigger, "files": files}
        return bool(await self._catalog.rows("keep_report_run", {**values, **ended}))

    async def begin_files(self, files: str, seconds: int) -> None:
        """Note files that are about to be stored: without a run that keeps them they are removed after so long."""
        await self._catalog.rows("begin_report_files", {"files": files, "seconds": seconds})

    async def trash(self, most: int) -> list[str]:
        """Files that nobody needs any more."""
        return [row["files"] for row in await self._catalog.rows("due_report_trash", {"most": most})]

    async def forget_trash(self, files: str) -> None:
        """Files were removed."""
        await self._catalog.rows("forget_report_trash", {"files": files})

    async def expire(self, days: int) -> None:
        """Remove runs older than so many days, and keys that outlived their question."""
        await self._catalog.rows("expire_report_runs", {"days": days})
        await self._catalog.rows("remove_passing_keys", {"id": None})

    async def run(self, run_id: uuid.UUID) -> Run | None:
        """The run of that id."""
        rows = await self._catalog.rows("find_report_run", {"id": run_id})
        return Run(**rows[0]) if rows else None

    async def runs(self, report_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None, most: int) -> list[Run]:
        """A report's runs, the newest first, at most so many of those before that one."""
        due_at, run_id = before or (None, None)
        values = {"report_id": report_id, "due_at": due_at, "before": run_id, "most": most}
        return [Run(**row) for row in await self._catalog.rows("list_report_runs", values)]

    async def told(self, run_id: uuid.UUID) -> None:
        """A run was mailed."""
        await self._catalog.rows("told_report_run", {"id": run_id})

    def _written(self, report_id: uuid.UUID, asked: ReportRequest) -> Row:
        schedule = asked.timer()
        timer: Row = {"timer": self._timers.name, "item": str(report_id)}
        if schedule is None:
            timer |= dict.fromkeys(("cron", "timezone", "since", "due_at"))
        else:
            timer = self._timers.values(str(report_id), schedule)
        return {"id": report_id, "name": asked.name, "asked": _json(asked), **timer}

    async def _one(self, query: str, values: Row) -> Report | None:
        rows = await self._catalog.rows(query, values)
        return Report(**rows[0]) if rows else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
