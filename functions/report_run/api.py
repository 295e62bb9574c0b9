"""What report_run offers over HTTP, for the OpenAPI document."""

from functions.report_run.answers import (
    ONE,
    ONE_RUN,
    REPORTS,
    RUN,
    RUNS,
    ReportAnswer,
    ReportsAnswer,
    RunAnswer,
    RunsAnswer,
)
from functions.report_run.asked import ReportRequest
from shared.listing import Listed
from shared.openapi import Operation

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_RUN = {"name": "run", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}

OPERATIONS = [
    Operation(
        "POST", REPORTS, "Make a report that comes by schedule", answer=ReportAnswer, status=201, body=ReportRequest
    ),
    Operation("GET", REPORTS, "The reports and when they come next", answer=ReportsAnswer, query=Listed),
    Operation("GET", ONE, "One report and when it comes next", answer=ReportAnswer, parameters=[_ID]),
    Operation("PUT", ONE, "Write a report anew", answer=ReportAnswer, body=ReportRequest, parameters=[_ID]),
    Operation("DELETE", ONE, "Remove a report and its runs", status=204, parameters=[_ID]),
    Operation("POST", RUN, "Run a report now and mail it", answer=RunAnswer, status=201, parameters=[_ID, _KEY]),
    Operation(
        "GET", RUNS, "The runs of a report with their numbers", answer=RunsAnswer, query=Listed, parameters=[_ID]
    ),
    Operation("GET", ONE_RUN, "One run of a report", answer=RunAnswer, parameters=[_ID, _RUN]),
]
