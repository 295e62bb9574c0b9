"""The addresses of reports: make, list, show, write anew, remove, run now, and the runs there were."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from functions.report_run.asked import ReportRequest
from functions.report_run.logic import told
from functions.report_run.numbers import Numbers
from functions.report_run.ports import Ports
from functions.report_run.store import Report, Run
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, Request, json_reply
from shared.ids import named, uuid7
from shared.listing import Listed, id_cursor, made_time_cursor, read_id, time_cursor
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

REPORTS = "/api/v1/reports"
ONE = REPORTS + "/{id}"
RUN = ONE + "/run"
RUNS = ONE + "/runs"
ONE_RUN = RUNS + "/{run}"
_MOST_KEY_CHARACTERS = 255


class RunProblem(msgspec.Struct, frozen=True):
    """Why a run failed; `code` as in every refusal."""

    code: str
    detail: str


class ReportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A report and when it comes next."""

    id: uuid.UUID
    report: ReportRequest
    next_at: datetime
    created_at: datetime
    updated_at: datetime


class ReportsAnswer(msgspec.Struct, frozen=True):
    """Reports, the newest first; `next_cursor` is null on the last page."""

    items: list[ReportAnswer]
    next_cursor: str | None


class RunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A run: the report as it was then, its numbers, and what the mail showed (`values` of the template report_daily).

    `sent`: its mails were handed over. One that failed has a problem instead of numbers.
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
    problem: RunProblem | None
    created_at: datetime


class RunsAnswer(msgspec.Struct, frozen=True):
    """Runs, the newest first; `next_cursor` is null on the last page."""

    items: list[RunAnswer]
    next_cursor: str | None


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer an address of reports; each change is in the audit log."""
    project_id = caller.project_id
    if request.path == REPORTS:
        return await _all(request, ports, caller)
    if found := match(ONE, request.path):
        report = await _found(found["id"], ports, project_id)
        return await _one(request, ports, report, _changes(request, ports, caller))
    if (found := match(RUN, request.path)) and request.method == "POST":
        return await _run(request, ports, await _found(found["id"], ports, project_id))
    if (found := match(RUNS, request.path)) and request.method == "GET":
        return json_reply(await _runs(request, ports, await _found(found["id"], ports, project_id)))
    if (found := match(ONE_RUN, request.path)) and request.method == "GET":
        report = await _found(found["id"], ports, project_id)
        run = await ports.reports.run(read_id(found["run"], "run"))
        if run is None or run.report_id != report.id:
            raise Rejected(Refusal.NOT_FOUND, f"the report has no run {found['run'][:80]!r}")
        return json_reply(_shown_run(run, ports))
    raise Rejected(Refusal.NOT_FOUND, f"reports are at {REPORTS}, one of them at {ONE}, its runs at {RUNS}")


def _changes(request: Request, ports: Ports, caller: Caller) -> Changes[Report]:
    return Changes("report", _shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller)


async def _all(request: Request, ports: Ports, caller: Caller) -> Reply:
    if request.method == "POST":
        asked = from_json(await request.body(MAX_QUERY_BYTES), ReportRequest).checked()
        reports, changes = ports.reports, _changes(request, ports, caller)
        report = await changes.made("created", lambda to: reports.within(to).create(caller.project_id, asked))
        reply = json_reply(_shown(report), 201)
        reply.headers["location"] = f"{REPORTS}/{report.id}"
        return reply
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "reports are listed with GET and made with POST")
    query = from_address(request.query.decode("latin-1"), Listed)
    found = await ports.reports.page(caller.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return json_reply(ReportsAnswer([_shown(report) for report in page], more))


async def _one(request: Request, ports: Ports, report: Report, changes: Changes[Report]) -> Reply:
    reports, which = ports.reports, (report.id, report.project_id)
    match request.method:
        case "GET":
            return json_reply(_shown(report))
        case "PUT":
            asked = from_json(await request.body(MAX_QUERY_BYTES), ReportRequest).checked()
            changed = await changes.made("changed", lambda to: reports.within(to).replace(*which, asked), report)
            return json_reply(_shown(changed))
        case "DELETE":
            await changes.removed(lambda to: reports.within(to).remove(*which), report)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a report takes GET, PUT and DELETE")


async def _run(request: Request, ports: Ports, report: Report) -> Reply:
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, f"1 to {_MOST_KEY_CHARACTERS} printable ASCII characters")
    run_id = named(report.id, "asked", key) if key else uuid7()
    run = await ports.runner.run(report, run_id)
    reply = json_reply(_shown_run(run, ports), 201)
    reply.headers["location"] = f"{REPORTS}/{report.id}/runs/{run.id}"
    return reply


async def _runs(request: Request, ports: Ports, report: Report) -> RunsAnswer:
    query = from_address(request.query.decode("latin-1"), Listed)
    found = await ports.reports.runs(report.id, time_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = made_time_cursor(page[-1].due_at, page[-1].id) if len(found) > query.limit else None
    return RunsAnswer([_shown_run(run, ports) for run in page], more)


async def _found(text: str, ports: Ports, project_id: uuid.UUID) -> Report:
    """The project's report; another project's is as unknown as one that never was."""
    report = await ports.reports.find(read_id(text, "report"), project_id)
    if report is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no report {text[:80]!r}")
    return report


def _shown(report: Report) -> ReportAnswer:
    asked = report.request
    return ReportAnswer(
        id=report.id,
        report=asked,
        next_at=asked.timer().next(to_datetime(SYSTEM_CLOCK.micros())),
        created_at=report.created_at,
        updated_at=report.updated_at,
    )


def _shown_run(run: Run, ports: Ports) -> RunAnswer:
    return RunAnswer(
        id=run.id,
        report_id=run.report_id,
        due_at=run.due_at,
        trigger=run.trigger,
        state=run.state,
        sent=run.announced and run.state == "completed",
        report=run.request,
        numbers=run.counted,
        values=told(run, ports.public_url.rstrip("/")),
        problem=RunProblem(run.error_code, run.error_detail or "") if run.error_code else None,
        created_at=run.created_at,
    )
