"""The addresses of quality and the dictionary, and which address is whose."""

from collections import Counter
from datetime import timedelta
from statistics import fmean
from typing import Any

import msgspec

from functions.quality_check import schema_answers
from functions.quality_check.asked import (
    Acknowledgement,
    DayScore,
    EventScore,
    FindingsAnswer,
    FindingsQuery,
    HistoryQuery,
    LookAnswer,
    QualityAnswer,
    ScoresAnswer,
)
from functions.quality_check.call import Call, Routes
from functions.quality_check.dictionary import Dictionary, DictionaryQuery, EntryChange
from functions.quality_check.findings import QualityFinding, finding_of
from functions.quality_check.logic import MOST_FINDINGS
from functions.quality_check.ports import Ports
from functions.quality_check.registry import MOST_SCHEMAS
from shared.catalog.client import Queries
from shared.clock import to_datetime
from shared.http import Reply, Request, json_reply
from shared.listing import id_cursor, read_id
from shared.paths import match
from shared.query.ask import Asker
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

QUALITY = "/api/v1/quality"
HISTORY = QUALITY + "/history"
FINDINGS = QUALITY + "/findings"
FINDING = FINDINGS + "/{id}"
ACKNOWLEDGE = FINDING + "/acknowledge"
LOOK = QUALITY + "/check"
DICTIONARY = "/api/v1/dictionary"
_DIGITS = 2


async def answer(request: Request, ports: Ports) -> Reply:
    """Answer an address of schemas, quality or the dictionary; each change is in the audit log."""
    for path, methods in _ROUTES.items():
        found = match(path, request.path)
        if found is None:
            continue
        if request.method not in methods:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{path} takes {', '.join(methods)}")
        action, route = methods[request.method]
        caller = await ports.access.authorize(request, action)
        return await route(Call(request, ports, caller), dict(found))
    raise Rejected(Refusal.NOT_FOUND, f"here are {schema_answers.SCHEMAS}, {QUALITY} and {DICTIONARY}")


async def _quality(call: Call, _: dict[str, str]) -> Reply:
    since = to_datetime(call.ports.clock.micros()).date() - timedelta(days=1)
    rows = await _scores(call, since)
    opened = await _findings(call, MOST_FINDINGS, state="open")
    counts = Counter(one.event for one in opened)
    # An event's last day, today or yesterday: the rows are in the order of the days.
    last = {row["event"]: row for row in rows}
    items = [
        EventScore(
            event=event,
            day=row["day"],
            score=round(row["score"], _DIGITS),
            volume=row["volume"],
            penalties=msgspec.json.decode(row["penalties"]),
            findings=counts[event],
        )
        for event, row in last.items()
    ]
    found = QualityAnswer(
        score=round(fmean(one.score for one in items), _DIGITS) if items else None,
        checked=max((one.day for one in items), default=None),
        items=sorted(items, key=lambda one: (one.score, -one.volume, one.event)),
        open=len(opened),
        unacknowledged=sum(one.acknowledged_at is None for one in opened),
        mode=(await call.registry.settings()).mode,
    )
    return json_reply(found)


async def _history(call: Call, _: dict[str, str]) -> Reply:
    query = call.query(HistoryQuery)
    since = to_datetime(call.ports.clock.micros()).date() - timedelta(days=query.days - 1)
    days: dict[Any, list[dict[str, Any]]] = {}
    for row in await _scores(call, since, query.event or None):
        days.setdefault(row["day"], []).append(row)
    return json_reply(ScoresAnswer(query.event, [_day(day, rows) for day, rows in days.items()]))


def _day(day: Any, rows: list[dict[str, Any]]) -> DayScore:
    penalties: Counter[str] = Counter()
    for row in rows:
        penalties.update(msgspec.json.decode(row["penalties"], type=dict[str, float]))
    return DayScore(
        day,
        round(fmean(row["score"] for row in rows), _DIGITS),
        sum(row["volume"] for row in rows),
        {kind: round(taken / len(rows), _DIGITS) for kind, taken in penalties.items()},
    )


async def _scores(call: Call, since: Any, event: str | None = None) -> list[dict[str, Any]]:
    values = {"project_id": call.project_id, "since": since, "event": event}
    return await call.ports.catalog.rows("quality/scores", values)


async def _list(call: Call, _: dict[str, str]) -> Reply:
    query = call.query(FindingsQuery)
    state = None if query.state == "all" else query.state
    found = await _findings(call, query.limit + 1, state=state, event=query.event, cursor=query.cursor)
    page = found[: query.limit]
    return json_reply(FindingsAnswer(page, str(page[-1].id) if len(found) > query.limit else None))


async def _findings(
    call: Call, most: int, *, state: str | None = None, event: str = "", cursor: str = "", finding: str = ""
) -> list[QualityFinding]:
    values = {
        "project_id": call.project_id,
        "id": read_id(finding, "finding") if finding else None,
        "event": event or None,
        "state": state,
        "before": id_cursor(cursor),
        "most": most,
    }
    return [finding_of(row) for row in await call.ports.catalog.rows("quality/list_findings", values)]


async def _finding(call: Call, path: dict[str, str]) -> QualityFinding:
    found = await _findings(call, 1, finding=path["id"])
    if not found:
        raise Rejected(Refusal.NOT_FOUND, f"there is no finding {path['id'][:80]!r}")
    return found[0]


async def _show(call: Call, path: dict[str, str]) -> Reply:
    return json_reply(await _finding(call, path))


async def _acknowledge(call: Call, path: dict[str, str]) -> Reply:
    before, wanted = await _finding(call, path), await call.body(Acknowledgement)

    async def work(queries: Queries) -> QualityFinding:
        values = {"id": before.id, "project_id": call.project_id, "by": call.name, "note": wanted.note}
        rows = await queries.rows("quality/acknowledge", values)
        if not rows:
            raise Rejected(Refusal.NOT_FOUND, "the finding is not there any more")
        return finding_of(rows[0])

    after = await call.change(
        "finding.acknowledged",
        work,
        target=lambda one: f"finding:{one.id}",
        before=before,
        shown=lambda one: one,
    )
    return json_reply(after)


async def _look(call: Call, _: dict[str, str]) -> Reply:
    async with call.ports.one:
        return json_reply(LookAnswer(await call.ports.check.project(call.project_id)))


async def _dictionary(call: Call, _: dict[str, str]) -> Reply:
    query = call.query(DictionaryQuery)
    versions = {one.event: one.version for one in await call.registry.page(None, MOST_SCHEMAS)}
    asker = Asker(call.ports.questions, function="quality_check", project_id=call.project_id)
    now = to_datetime(call.ports.clock.micros())
    listed = Dictionary(call.ports.catalog, call.project_id).listed(query, asker, versions, now)
    return json_reply(await call.request.while_connected(listed))


async def _describe(call: Call, _: dict[str, str]) -> Reply:
    wanted = await call.body(EntryChange)
    before = await Dictionary(call.ports.catalog, call.project_id).find(wanted.event, wanted.property)
    after = await call.change(
        "dictionary.changed",
        lambda queries: Dictionary(queries, call.project_id).change(wanted),
        target=lambda one: f"dictionary_entry:{one.id}",
        before=before,
        shown=lambda one: one,
    )
    return json_reply(after)


_READ, _WRITE = Action.DEFINITIONS_READ, Action.DEFINITIONS_WRITE
_ROUTES: Routes = {
    **schema_answers.ROUTES,
    QUALITY: {"GET": (_READ, _quality)},
    HISTORY: {"GET": (_READ, _history)},
    FINDINGS: {"GET": (_READ, _list)},
    FINDING: {"GET": (_READ, _show)},
    ACKNOWLEDGE: {"POST": (_WRITE, _acknowledge)},
    LOOK: {"POST": (_WRITE, _look)},
    DICTIONARY: {"GET": (Action.EVENTS_READ, _dictionary), "PATCH": (_WRITE, _describe)},
}
