"""Annotations: dated notes of a project, which charts show where they happened, such as a release or a campaign."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed, PageQuery, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.query.period import EARLIEST, LATEST, parse_period
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]
At = Annotated[datetime, msgspec.Meta(tz=True)]


class AnnotationWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`at` needs an offset."""

    at: At
    text: Text


class AnnotationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays."""

    at: At | None = None
    text: Text | None = None


class Annotation(msgspec.Struct, frozen=True):
    id: uuid.UUID
    project_id: uuid.UUID
    at: datetime
    text: str
    created_by: uuid.UUID | None
    created_at: datetime
    updated_at: datetime


class AnnotationsQuery(PageQuery, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`from` and `to` go together, as in every question; without them all notes are listed."""

    start: str | None = None
    end: str | None = None
    timezone: str | None = None


async def list_all(call: Call) -> Reply:
    caller = await call.in_project(Action.ANNOTATIONS_READ)
    query = call.query(AnnotationsQuery)
    if (query.start is None) != (query.end is None):
        raise Rejected(Refusal.BAD_RANGE, "`from` and `to` go together; leave both out for all notes")
    between = None
    if query.start is not None and query.end is not None:
        period = parse_period(query.start, query.end, query.timezone or "UTC")
        between = (period.start, period.end)
    rows = await _rows(call.ports.catalog, caller, between=between, after=query.cursor, most=query.limit + 1)
    page: Listed[Annotation] = listed(rows, query.limit, _shown)
    return json_reply(page)


async def create(call: Call) -> Reply:
    """Keep a note; the same Idempotency-Key keeps it once."""
    caller = await call.in_project(Action.ANNOTATIONS_WRITE)
    wanted = await call.body(AnnotationWanted)
    _check(wanted.at)
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(_shown(await _found(transaction, caller, known)), 201)
        values = {"id": made, "project_id": caller.project_id, "by": caller.user_id}
        [row] = await transaction.rows(
            "workspace/create_annotation", {**values, "at": wanted.at, "text": wanted.text.strip()}
        )
        await caller.record(transaction, "annotation.created", f"annotation:{made}", after=wanted)
    return json_reply(_shown(row), 201)


async def change(call: Call) -> Reply:
    caller = await call.in_project(Action.ANNOTATIONS_WRITE)
    wanted = await call.body(AnnotationChange)
    annotation = call.id("annotation_id")
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, caller, annotation)
        at, text = wanted.at or before["at"], wanted.text or before["text"]
        _check(at)
        values = {"id": annotation, "project_id": caller.project_id, "at": at, "text": text.strip()}
        rows = await transaction.rows("workspace/change_annotation", values)
        if not rows:
            raise _unknown(annotation)
        recorded = {name: before[name] for name in ("at", "text")}
        await caller.record(transaction, "annotation.changed", f"annotation:{annotation}", recorded, wanted)
    return json_reply(_shown(rows[0]))


async def remove(call: Call) -> Reply:
    caller = await call.in_project(Action.ANNOTATIONS_WRITE)
    annotation = call.id("annotation_id")
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, caller, annotation)
        values = {"id": annotation, "project_id": caller.project_id}
        if not await transaction.rows("workspace/remove_annotation", values):
            raise _unknown(annotation)
        recorded = {name: before[name] for name in ("at", "text")}
        await caller.record(transaction, "annotation.deleted", f"annotation:{annotation}", recorded)
    return Reply(204)


def _check(at: datetime) -> None:
    if not EARLIEST <= at < LATEST:
        raise Rejected(Refusal.BAD_RANGE, f"`at` is from {EARLIEST:%Y} to {LATEST:%Y}, as times of events are")


async def _rows(
    queries: Queries,
    caller: Caller,
    *,
    annotation: uuid.UUID | None = None,
    between: tuple[datetime, datetime] | None = None,
    after: uuid.UUID | None = None,
    most: int = 1,
) -> list[Row]:
    start, end = between or (None, None)
    values = {"project_id": caller.project_id, "id": annotation, "after": after, "most": most}
    return await queries.rows("workspace/annotations", {**values, "from": start, "to": end})


async def _found(queries: Queries, caller: Caller, annotation: uuid.UUID) -> Row:
    rows = await _rows(queries, caller, annotation=annotation)
    if not rows:
        raise _unknown(annotation)
    return rows[0]


def _unknown(annotation: uuid.UUID) -> Rejected:
    return Rejected(Refusal.NOT_FOUND, f"there is no annotation {annotation} in this project")


def _shown(row: Row) -> Annotation:
    return Annotation(**row)
