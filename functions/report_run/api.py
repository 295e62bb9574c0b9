"""What report_run offers over HTTP, for the OpenAPI document."""

from functions.report_run.asked import ReportRequest
from functions.report_run.results import FORMATS, ReportResult
from functions.report_run.shapes import (
    ALIAS,
    FILE,
    ONE,
    ONE_RUN,
    ONE_SHARE,
    PREVIEW,
    REPORTS,
    RUN,
    RUNS,
    SHARES,
    NewReportShare,
    ReportAnswer,
    ReportsAnswer,
    ReportShare,
    ReportShares,
    ReportsQuery,
    RunAnswer,
    RunsAnswer,
    SharedQuery,
    ShareRequest,
)
from functions.report_run.sharing import SHARED
from shared.listing import Listed
from shared.openapi import Operation

_UUID = {"type": "string", "format": "uuid"}
_ID, _RUN, _SHARE = ({"name": name, "in": "path", "required": True, "schema": _UUID} for name in ("id", "run", "share"))
_FORMAT = {"name": "format", "in": "path", "required": True, "schema": {"type": "string", "enum": list(FORMATS)}}
_TOKEN = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
_ONE_OR_BUILT_IN = {
    **_ID,
    "schema": {"type": "string"},
    "description": "A report's id; or the slug of a built-in one, which is made at once: it takes `last`, `timezone`, "
    "`language`, `format`, `events`, `measure` and `limit`, and answers a result or a file.",
}
_FILE = {"type": "string", "format": "binary"}

OPERATIONS = [
    Operation("POST", REPORTS, "Make a report", answer=ReportAnswer, status=201, body=ReportRequest),
    Operation("GET", REPORTS, "The reports, and the built-in ones", answer=ReportsAnswer, query=ReportsQuery),
    Operation("GET", ALIAS, "The reports, for old clients", answer=ReportsAnswer, query=ReportsQuery, alias_of=REPORTS),
    Operation("POST", PREVIEW, "What a report would say now", answer=ReportResult, body=ReportRequest),
    Operation("GET", ONE, "One report and when it comes next", answer=ReportAnswer, parameters=[_ONE_OR_BUILT_IN]),
    Operation("PUT", ONE, "Write a report anew", answer=ReportAnswer, body=ReportRequest, parameters=[_ID]),
    Operation("DELETE", ONE, "Remove a report, its runs and their files", status=204, parameters=[_ID]),
    Operation("POST", RUN, "Run a report now and send it", answer=RunAnswer, status=201, parameters=[_ID, _KEY]),
    Operation("GET", RUNS, "The runs of a report", answer=RunsAnswer, query=Listed, parameters=[_ID]),
    Operation("GET", ONE_RUN, "One run of a report", answer=RunAnswer, parameters=[_ID, _RUN]),
    Operation("GET", FILE, "A run as a file", answer=_FILE, parameters=[_ID, _RUN, _FORMAT]),
    Operation("GET", SHARES, "The links to a run", answer=ReportShares, parameters=[_ID, _RUN]),
    Operation(
        "POST",
        SHARES,
        "Make a link that shows a run to whoever has it",
        answer=NewReportShare,
        status=201,
        body=ShareRequest,
        parameters=[_ID, _RUN],
    ),
    Operation("DELETE", ONE_SHARE, "End a link to a run", answer=ReportShare, parameters=[_ID, _RUN, _SHARE]),
    Operation("GET", SHARED, "The run behind a link", answer=_FILE, query=SharedQuery, parameters=[_TOKEN]),
]
