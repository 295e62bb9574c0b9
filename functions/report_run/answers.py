"""The addresses of reports: make, list, show, write anew, remove, preview, and built-in ones at once."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType

from functions.report_run import runs
from functions.report_run.asked import BUILT_INS, BuiltIn, ReportRequest
from functions.report_run.builtins import listing
from functions.report_run.making import Made
from functions.report_run.ports import Ports
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
    BuiltInQuery,
    ReportAnswer,
    ReportsAnswer,
    ReportsQuery,
)
from functions.report_run.sharing import answer as answer_share
from functions.report_run.sharing import file_answer
from functions.report_run.store import Report
from functions.report_run.words import say
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, Request, json_reply
from shared.listing import id_cursor, read_id
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

_SLUGS: Mapping[str, BuiltIn] = MappingProxyType({slug: slug for slug in BUILT_INS})


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer an address of reports; each change is in the audit log."""
    if request.path in {REPORTS, ALIAS}:
        return await _all(request, ports, caller)
    if request.path == PREVIEW:
        return await _preview(request, ports, caller)
    if found := match(ONE, request.path):
        if slug := _SLUGS.get(found["id"]):
            return await _built_in(request, ports, caller, slug)
        report = await _found(found["id"], ports, caller.project_id)
        return await _one(request, ports, caller, report, _changes(request, ports, caller))
    for address in (RUN, RUNS, ONE_RUN, FILE, SHARES, ONE_SHARE):
        if found := match(address, request.path):
            report = await _found(found["id"], ports, caller.project_id)
            return await _of_runs(request, ports, caller, report, found)
    raise Rejected(Refusal.NOT_FOUND, f"reports are at {REPORTS}, one of them at {ONE}, its runs at {RUNS}")


async def _of_runs(request: Request, ports: Ports, caller: Caller, report: Report, found: dict[str, str]) -> Reply:
    """Run a report now, or answer for its runs, their files and the links to them."""
    if "run" not in found:
        if request.path.endswith("/run"):
            return await runs.run_now(request, ports, report)
        return await runs.listed(request, ports, report)
    run = await runs.found(ports, report, found["run"])
    if "format" in found:
        return await runs.file(request, ports, run, found["format"])
    if match(SHARES, request.path) or "share" in found:
        return await answer_share(request, ports, caller, run, found.get("share", ""))
    return runs.one(request, ports, run)


def _changes(request: Request, ports: Ports, caller: Caller) -> Changes[Report]:
    return Changes("report", _shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller)


async def _all(request: Request, ports: Ports, caller: Caller) -> Reply:
    if request.method == "POST" and request.path == REPORTS:
        asked = await _asked(request, ports, caller)
        reports, changes = ports.reports, _changes(request, ports, caller)
        report = await changes.made("created", lambda to: reports.within(to).create(caller.project_id, asked))
        reply = json_reply(_shown(report), 201)
        reply.headers["location"] = f"{REPORTS}/{report.id}"
        return reply
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"reports are listed with GET and made with POST {REPORTS}")
    query = from_address(request.query.decode("latin-1"), ReportsQuery)
    found = await ports.reports.page(caller.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return json_reply(ReportsAnswer([_shown(report) for report in page], listing(query.language), more))


async def _asked(request: Request, ports: Ports, caller: Caller) -> ReportRequest:
    """The report in the body, which could be run now; refuses it otherwise, in the words of whoever refuses it."""
    asked = from_json(await request.body(MAX_QUERY_BYTES), ReportRequest).checked()
    await ports.maker.check(asked, caller.project_id, to_datetime(SYSTEM_CLOCK.micros()))
    return asked


async def _preview(request: Request, ports: Ports, caller: Caller) -> Reply:
    """What a report would say now; nothing of it is kept. Parts that are refused say so in their place."""
    if request.method != "POST":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a preview is asked for with POST, as a report is made")
    asked = from_json(await request.body(MAX_QUERY_BYTES), ReportRequest).checked()
    made = await ports.maker.make(asked, caller.project_id, to_datetime(SYSTEM_CLOCK.micros()))
    return json_reply(made.result)


async def _built_in(request: Request, ports: Ports, caller: Caller, slug: BuiltIn) -> Reply:
    """A built-in report at once, in the format that is asked for."""
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a built-in report is looked at; make one of your own to change it")
    query = from_address(request.query.decode("latin-1"), BuiltInQuery)
    wanted = ReportRequest(
        name=say(query.language, f"title.{slug}"),
        report=slug,
        schedule="none",
        last=query.last,
        timezone=query.timezone,
        language=query.language,
        options=query.options,
    ).checked()
    now = to_datetime(SYSTEM_CLOCK.micros())
    made: Made = await ports.maker.make(wanted, caller.project_id, now)
    if query.format == "json":
        return json_reply(made.result)
    [content] = (await ports.drawer.draw(made.result, [query.format])).values()
    return file_answer(content, query.format, slug, wanted.last_day(now))


async def _one(request: Request, ports: Ports, caller: Caller, report: Report, changes: Changes[Report]) -> Reply:
    reports, which = ports.reports, (report.id, report.project_id)
    match request.method:
        case "GET":
            return json_reply(_shown(report))
        case "PUT":
            asked = await _asked(request, ports, caller)
            changed = await changes.made("changed", lambda to: reports.within(to).replace(*which, asked), report)
            return json_reply(_shown(changed))
        case "DELETE":
            await changes.removed(lambda to: reports.within(to).remove(*which), report)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a report takes GET, PUT and DELETE")


async def _found(text: str, ports: Ports, project_id: uuid.UUID) -> Report:
    """The project's report; another project's is as unknown as one that never was."""
    report = await ports.reports.find(read_id(text, "report"), project_id)
    if report is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no report {text[:80]!r}")
    return report


def _shown(report: Report) -> ReportAnswer:
    asked = report.request
    timer = asked.timer()
    return ReportAnswer(
        id=report.id,
        report=asked,
        next_at=None if timer is None else timer.next(to_datetime(SYSTEM_CLOCK.micros())),
        created_at=report.created_at,
        updated_at=report.updated_at,
    )
