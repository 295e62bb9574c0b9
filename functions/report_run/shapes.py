"""What the addresses of reports take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from functions.report_run.asked import ReportOptions, ReportRequest
from functions.report_run.builtins import BuiltInReport
from functions.report_run.numbers import Numbers
from functions.report_run.results import Format
from shared.notifications import Language
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.saved_queries import Last

REPORTS = "/api/v1/reports"
ALIAS = "/reports/"
PREVIEW = REPORTS + "/preview"
ONE = REPORTS + "/{id}"
RUN = ONE + "/run"
RUNS = ONE + "/runs"
ONE_RUN = RUNS + "/{run}"
FILE = ONE_RUN + "/files/{format}"
SHARES = ONE_RUN + "/shares"
ONE_SHARE = SHARES + "/{share}"


class RunProblem(msgspec.Struct, frozen=True):
    """Why a run failed; `code` as in every refusal."""

    code: str
    detail: str


class ReportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A report and when it comes next, null where never by itself."""

    id: uuid.UUID
    report: ReportRequest
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ReportsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of the reports, the newest first; `language` is that of the built-in ones' titles."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""
    language: Language = "en"


class ReportsAnswer(msgspec.Struct, frozen=True):
    """The project's own reports, the newest first, and the built-in ones; `next_cursor` is null on the last page."""

    items: list[ReportAnswer]
    built_ins: list[BuiltInReport]
    next_cursor: str | None


class BuiltInQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A built-in report of the whole days before now, at once: nothing of it is kept."""

    last: Last = ""
    timezone: str | None = None
    language: Language = "en"
    format: Format = "json"
    events: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    measure: Annotated[str, msgspec.Meta(max_length=200)] = "sum:revenue"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10

    @property
    def options(self) -> ReportOptions:
        return ReportOptions(events=self.events, measure=self.measure, limit=self.limit)


class RunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A run: the report as it was then, what it found, and what its mail showed (`values` of report_daily).

    `numbers` are the counts of an overview, `files` the formats that can be had. `sent`: its mails were handed over.
    One that failed has a problem instead.
    """

    id: uuid.UUID
    report_id: uuid.UUID
    due_at: datetime
    trigger: str
    state: str
    sent: bool
    report: ReportRequest
    numbers: Numbers | None
    values: dict[str, Any]
    files: list[Format]
    problem: RunProblem | None
    created_at: datetime


class RunsAnswer(msgspec.Struct, frozen=True):
    """Runs, the newest first; `next_cursor` is null on the last page."""

    items: list[RunAnswer]
    next_cursor: str | None


class ShareRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Until when a link shows the run, with an offset: a week from now where nothing is said, at most a year."""

    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ReportShare(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a run; `prefix` is how its token begins."""

    id: uuid.UUID
    run_id: uuid.UUID
    prefix: str
    created_by: uuid.UUID | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class NewReportShare(ReportShare, frozen=True, kw_only=True):
    """A link just made: `token` and `link` are shown this once."""

    token: str
    link: str


class ReportShares(msgspec.Struct, frozen=True):
    """The links to a run, the newest first."""

    items: list[ReportShare]


class SharedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In which format whoever has a link gets the run."""

    format: Format = "html"
