"""What export offers over HTTP, for the OpenAPI document."""

from functions.export.answers import JOBS, FileQuery
from functions.export.asked import ExportPageQuery, ExportRequest
from functions.export.page import ADDRESSES
from functions.export.schedule_answers import SCHEDULE, SCHEDULES, ScheduleAnswer, SchedulesAnswer, SchedulesQuery
from functions.export.schedules import ScheduleRequest
from shared.jobs import api
from shared.objects import FILES
from shared.openapi import Operation

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}

OPERATIONS = [
    *api.operations(JOBS, "export", ExportRequest),
    *(
        Operation("GET", path, f"One page of events as {wanted}, the oldest first", query=ExportPageQuery)
        for path, wanted in ADDRESSES.items()
    ),
    Operation("POST", SCHEDULES, "Export again and again", answer=ScheduleAnswer, status=201, body=ScheduleRequest),
    Operation("GET", SCHEDULES, "The schedules, the newest first", answer=SchedulesAnswer, query=SchedulesQuery),
    Operation("GET", SCHEDULE, "One schedule and its next window", answer=ScheduleAnswer, parameters=[_ID]),
    Operation(
        "PUT",
        SCHEDULE,
        "Change a schedule but its windows",
        answer=ScheduleAnswer,
        body=ScheduleRequest,
        parameters=[_ID],
    ),
    Operation("DELETE", SCHEDULE, "End a schedule; its exports stay", status=204, parameters=[_ID]),
    Operation("GET", FILES, "A file of an export behind its link; needs no key", query=FileQuery),
]
