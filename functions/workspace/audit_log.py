"""The audit log for an organisation's owners: to read, to take away as a file, to verify."""

import csv
import io
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed
from shared.catalog.client import Row
from shared.http import Reply, json_reply
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.security.audit_chain import Fault, verify
from shared.security.policy import Action

_END = (1 << 63) - 1
_MOST_FILE_ROWS = 10_000
# A cell that a spreadsheet would take for a formula is quoted as text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AuditEntry(msgspec.Struct, frozen=True):
    """One thing somebody did. `before` and `after` are what was there, without secrets; null where nothing was."""

    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    target: str
    project_id: uuid.UUID | None
    before: Any
    after: Any
    request_id: str
    address: str
    hash: str


class AuditFilters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`actor` is an id or address, `action` whole or its noun, `target` whole or its kind; times have offsets."""

    organisation_id: uuid.UUID | None = None
    actor: str | None = None
    action: str | None = None
    target: str | None = None
    project: uuid.UUID | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    cursor: Annotated[int, msgspec.Meta(ge=1, le=_END)] | None = None


class AuditQuery(AuditFilters, frozen=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT


class AuditFileQuery(AuditFilters, frozen=True, kw_only=True):
    """A file has at most `limit` rows; the header X-Next-Cursor says where the next one begins."""

    format: Literal["ndjson", "csv"] = "ndjson"
    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST_FILE_ROWS)] = _MOST_FILE_ROWS


class OrganisationNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organisation_id: uuid.UUID | None = None


class Verification(msgspec.Struct, frozen=True):
    """Whether the log is what was recorded. Rows after `checked_to` bear no signed checkpoint yet."""

    sound: bool
    rows: int
    checkpoints: int
    checked_to: int
    faults: list[Fault]


async def list_all(call: Call) -> Reply:
    query = call.query(AuditQuery)
    caller = await call.in_organisation(Action.AUDIT_READ, query.organisation_id)
    rows = await _rows(call, caller, query, query.limit + 1)
    page = rows[: query.limit]
    more = str(page[-1]["seq"]) if len(rows) > query.limit else None
    return json_reply(Listed([_shown(row) for row in page], more))


async def export(call: Call) -> Reply:
    """The same rows as a file; that it was taken away is on record itself."""
    query = call.query(AuditFileQuery)
    caller = await call.in_organisation(Action.AUDIT_READ, query.organisation_id)
    rows = await _rows(call, caller, query, query.limit + 1)
    page = [_shown(row) for row in rows[: query.limit]]
    asked = {name: value for name, value in msgspec.structs.asdict(query).items() if value is not None}
    target = f"organisation:{caller.organisation_id}"
    await caller.record(call.ports.catalog, "audit_log.exported", target, after={**asked, "rows": len(page)})
    if query.format == "csv":
        reply = Reply(200, _csv(page), "text/csv; charset=utf-8")
    else:
        reply = Reply(200, msgspec.json.Encoder().encode_lines(page), "application/x-ndjson")
    reply.headers["content-disposition"] = f'attachment; filename="audit.{query.format}"'
    if len(rows) > query.limit:
        reply.headers["x-next-cursor"] = str(page[-1].seq)
    return reply


async def check(call: Call) -> Reply:
    """Read the whole log of the organisation and say what is not as it was recorded."""
    query = call.query(OrganisationNamed)
    caller = await call.in_organisation(Action.AUDIT_READ, query.organisation_id)
    if caller.organisation_id is None:
        return Reply(204)
    found = await verify(call.ports.catalog, caller.organisation_id, call.ports.signer)
    return json_reply(Verification(not found.faults, found.rows, found.checkpoints, found.checked_to, found.faults))


async def _rows(call: Call, caller: Caller, query: AuditFilters, most: int) -> list[Row]:
    values = {
        "organisation_id": caller.organisation_id,
        "before_seq": query.cursor or _END,
        "most": most,
        "actor": query.actor,
        "action": query.action,
        "target": query.target,
        "project_id": query.project,
        "since": query.since,
        "until": query.until,
    }
    return await call.ports.catalog.rows("audit/listed", values)


def _shown(row: Row) -> AuditEntry:
    kept: Row = {name: row[name] for name in AuditEntry.__struct_fields__ if name not in {"before", "after", "hash"}}
    texts: Row = {name: None if row[name] is None else msgspec.json.decode(row[name]) for name in ("before", "after")}
    return AuditEntry(**kept, **texts, hash=bytes(row["hash"]).hex())


def _csv(page: Iterable[AuditEntry]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(AuditEntry.__struct_fields__)
    for entry in page:
        cells = msgspec.to_builtins(entry)
        writer.writerow([_cell(cells[name]) for name in AuditEntry.__struct_fields__])
    return file.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "'" + text if text.startswith(_FORMULA) and not isinstance(value, int) else text
