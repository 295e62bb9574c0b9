"""Links to finished reports: each shows one run to whoever has it, until it expires or is revoked.

Of a link's token the catalog keeps the hash only. What it shows was made when the report ran: nothing is asked anew, so
a link can do no more than show that.
"""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from functions.report_run.files import CONTENT_TYPES
from functions.report_run.ports import Ports
from functions.report_run.results import Format
from functions.report_run.shapes import (
    REPORTS,
    NewReportShare,
    ReportShare,
    ReportShares,
    SharedQuery,
    ShareRequest,
)
from functions.report_run.store import Run
from functions.report_run.telling import file_name
from shared.catalog.client import Queries, Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, Request, json_reply
from shared.ids import uuid7
from shared.listing import read_id
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Done, record_done

SHARED = REPORTS + "/shared/{token}"
_PREFIX = "rep_"
_SHOWN = 8
_A_WEEK, _A_YEAR = timedelta(days=7), timedelta(days=366)
# Nothing runs in it, nothing is fetched; its charts are in it.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"


async def answer(request: Request, ports: Ports, caller: Caller, run: Run, share: str = "") -> Reply:
    """The links to a run: listed, made, revoked; each change is in the audit log."""
    if share and request.method == "DELETE":
        return await _revoke(request, ports, caller, run, read_id(share, "link"))
    if not share and request.method == "GET":
        rows = await ports.catalog.rows("list_report_shares", {"run_id": run.id})
        return json_reply(ReportShares([_shown(row) for row in rows]))
    if not share and request.method == "POST":
        return await _create(request, ports, caller, run)
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, "links are listed with GET, made with POST, one is revoked with DELETE")


async def look(request: Request, ports: Ports, token: str) -> Reply:
    """The run behind a token, as a page or in the format the address asks for; needs nothing else.

    Refuses a token that is unknown (`not_found`) or over (`gone`).
    """
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a shared report is only looked at")
    query = from_address(request.query.decode("latin-1"), SharedQuery)
    rows = await ports.catalog.rows("find_report_share", {"token_hash": _hash(token)})
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, "there is no such link")
    share = _shown(rows[0])
    if share.revoked_at is not None:
        raise Rejected(Refusal.GONE, "whoever shared this report has ended it")
    if share.expires_at <= _now():
        raise Rejected(Refusal.GONE, f"this link ended at {share.expires_at.isoformat()}")
    run = await ports.reports.run(share.run_id)
    if run is None:
        raise Rejected(Refusal.NOT_FOUND, "the report is not there any more")
    return await file_reply(ports, run, query.format)


async def file_reply(ports: Ports, run: Run, wanted: Format) -> Reply:
    """A run's file: a page is shown, everything else is downloaded under the report's name."""
    return file_answer(await ports.runner.file(run, wanted), wanted, run.request.name, run.request.last_day(run.due_at))


def file_answer(content: bytes, wanted: Format, name: str, day: object) -> Reply:
    """A file as an answer, with the headers that keep a browser from doing more with it."""
    reply = Reply(200, content, CONTENT_TYPES[wanted])
    if wanted == "html":
        reply.headers["content-security-policy"] = _PAGE_POLICY
    else:
        called = quote(f"{file_name(name, str(day))}.{wanted}", safe="")
        plain = f"report-{day}.{wanted}"
        reply.headers["content-disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{called}"
    reply.headers["cache-control"] = "private, no-store"
    return reply


async def _create(request: Request, ports: Ports, caller: Caller, run: Run) -> Reply:
    body = await request.body(MAX_QUERY_BYTES)
    wanted = from_json(body, ShareRequest) if body else ShareRequest()
    expires_at = _until(wanted.expires_at)
    if run.found is None:
        raise Rejected(Refusal.CONFLICT, "this run has nothing to show: it failed, or is from before reports had pages")
    token, made = _PREFIX + secrets.token_urlsafe(32), uuid7()
    by = caller.id if caller.kind == "user" else None
    values = {"id": made, "run_id": run.id, "project_id": run.project_id, "by": by, "expires_at": expires_at}
    async with ports.catalog.transaction() as transaction:
        named = {"token_hash": _hash(token), "prefix": token[:_SHOWN]}
        [row] = await transaction.rows("create_report_share", {**values, **named})
        after = {"run_id": str(run.id), "report_id": str(run.report_id), "expires_at": expires_at.isoformat()}
        await _record(transaction, Done(request, ports.proxies, caller), "created", made, after=after)
    link = f"{ports.public_url}{SHARED.replace('{token}', token)}"
    return json_reply(NewReportShare(**row, token=token, link=link), 201)


async def _revoke(request: Request, ports: Ports, caller: Caller, run: Run, share: uuid.UUID) -> Reply:
    async with ports.catalog.transaction() as transaction:
        rows = await transaction.rows("revoke_report_share", {"id": share, "run_id": run.id})
        if not rows:
            raise Rejected(Refusal.NOT_FOUND, f"the run has no link {share}")
        before = {"run_id": str(run.id), "prefix": rows[0]["prefix"]}
        await _record(transaction, Done(request, ports.proxies, caller), "revoked", share, before=before)
    return json_reply(_shown(rows[0]))


async def _record(queries: Queries, done: Done, verb: str, share: uuid.UUID, **what: Any) -> None:
    await record_done(queries, done, f"report_share.{verb}", f"report_share:{share}", **what)


def _until(wanted: datetime | None) -> datetime:
    now = _now()
    expires_at = wanted or now + _A_WEEK
    if not now < expires_at <= now + _A_YEAR:
        raise Rejected(Refusal.BAD_REQUEST, "`expires_at` is later than now, and within a year")
    return expires_at


def _shown(row: Row) -> ReportShare:
    return ReportShare(**{name: row[name] for name in ReportShare.__struct_fields__})


def _now() -> datetime:
    return to_datetime(SYSTEM_CLOCK.micros())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
