"""What export answers on schedules: start one, show, list, change, end."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from functions.export.logic import KIND
from functions.export.ports import Ports
from functions.export.schedules import Kept, ScheduleRequest, Schedules
from shared.http import Reply, Request, json_reply
from shared.paths import match
from shared.query.patterns import check_patterns
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

SCHEDULES = "/api/v1/exports/schedules"
SCHEDULE = f"{SCHEDULES}/{{id}}"


class Window(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The next window, and when it is closed and exported; late events come in until then."""

    start: datetime
    end: datetime
    due_at: datetime


class ScheduleAnswer(msgspec.Struct, frozen=True):
    """A schedule: what was asked for, and its next window."""

    id: uuid.UUID
    request: ScheduleRequest
    next_window: Window
    created_at: datetime
    updated_at: datetime


class SchedulesAnswer(msgspec.Struct, frozen=True):
    """Schedules, the newest first; `next_cursor` is null on the last page."""

    items: list[ScheduleAnswer]
    next_cursor: str | None


class SchedulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which schedules."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: uuid.UUID | None = None


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer the addresses of schedules; each change is in the audit log."""
    schedules, project_id = ports.schedules, caller.project_id
    changes: Changes[Kept] = Changes(
        "export_schedule", _shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
    )
    if request.path == SCHEDULES and request.method == "POST":
        asked = await _asked(request, ports)
        made = await changes.made("created", lambda to: schedules.within(to).create(project_id, asked))
        reply = json_reply(_shown(made), 201)
        reply.headers["location"] = f"{SCHEDULES}/{made.id}"
        return reply
    if request.path == SCHEDULES and request.method == "GET":
        return json_reply(await _listed(request, schedules, project_id))
    if found := match(SCHEDULE, request.path):
        schedule = await schedules.find(found["id"], project_id)
        if request.method == "GET":
            return json_reply(_shown(schedule))
        if request.method == "PUT":
            asked = await _asked(request, ports)
            changed = await changes.made("changed", lambda to: schedules.within(to).change(schedule, asked), schedule)
            return json_reply(_shown(changed))
        if request.method == "DELETE":
            await changes.removed(lambda to: schedules.within(to).remove(schedule), schedule)
            return Reply(204)
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"schedules are at {SCHEDULES}, one of them at {SCHEDULE}")


async def _asked(request: Request, ports: Ports) -> ScheduleRequest:
    asked = from_json(await request.body(MAX_QUERY_BYTES), ScheduleRequest)
    await check_patterns(asked.filters, ports.pages, KIND)
    return asked


async def _listed(request: Request, schedules: Schedules, project_id: uuid.UUID) -> SchedulesAnswer:
    query = from_address(request.query.decode("latin-1"), SchedulesQuery)
    found = await schedules.page(project_id, query.cursor, query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    return SchedulesAnswer([_shown(one) for one in page], str(page[-1].id) if more else None)


def _shown(kept: Kept) -> ScheduleAnswer:
    end = kept.next_end
    window = Window(kept.next_start, end, end + timedelta(minutes=kept.delay_minutes))
    return ScheduleAnswer(kept.id, kept.asked, window, kept.created_at, kept.updated_at)
