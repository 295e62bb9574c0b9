"""The jobs of a project of every kind in one list: what runs, what ran, and who asked for it.

Each kind is shown to whoever may read it at its own address; what a job was asked for and made stands there.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed, PageQuery
from shared.catalog.client import Row
from shared.http import Reply, json_reply
from shared.jobs import State
from shared.jobs.api import JobError
from shared.security.policy import Action, allowed

JobKind = Literal["export", "erasure", "access_request", "retention", "pii_scan", "replay"]
READS: Mapping[JobKind, Action] = {
    "export": Action.EXPORTS_READ,
    "erasure": Action.PERSONS_ERASE,
    "access_request": Action.PERSONS_EXPORT,
    "retention": Action.RETENTION_WRITE,
    "pii_scan": Action.PII_WRITE,
    "replay": Action.REPLAY,
}
"""What somebody must be allowed to do to see jobs of a kind."""


class AllJobsQuery(PageQuery, frozen=True, kw_only=True):
    """Which jobs: of one kind, in one state."""

    kind: JobKind | None = None
    state: State | None = None


class Asker(msgspec.Struct, frozen=True):
    """Who asked: a user, an API key or a schedule of exports; `name` is null where it is not known any more."""

    kind: Literal["user", "key", "schedule"]
    id: uuid.UUID
    name: str | None


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job: `progress` goes from 0 to 1; `asked_by` is null where nobody is known, as of what Sluice began itself.

    `error`: why it failed or, while it is unfinished, what its last try ran into. `expired_at`: since when the files it
    made are gone.
    """

    id: uuid.UUID
    kind: JobKind
    state: State
    progress: float
    asked_by: Asker | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    expired_at: datetime | None


async def list_all(call: Call) -> Reply:
    """The newest first, of the kinds the caller may read; of another kind there are none."""
    caller = await call.in_project(Action.JOBS_READ)
    query = call.query(AllJobsQuery)
    kinds = [kind for kind, action in READS.items() if allowed(caller, action) and query.kind in {None, kind}]
    values = {"project_id": caller.project_id, "kinds": kinds, "state": query.state or "", "before": query.cursor}
    rows = await call.ports.catalog.rows("workspace/jobs", {**values, "most": query.limit + 1})
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return json_reply(Listed([_shown(row, caller) for row in page], str(page[-1]["id"]) if more else None))


def _shown(row: Row, caller: Caller) -> JobRow:
    code, detail = row.pop("error_code"), row.pop("error_detail")
    asker = _asker(row.pop("asked_by"), row.pop("asker"), caller)
    return JobRow(**row, asked_by=asker, error=JobError(code, detail or "") if code else None)


def _asker(text: str, name: str | None, caller: Caller) -> Asker | None:
    kind, _, given = text.partition(":")
    if kind not in {"user", "key", "schedule"}:
        return None
    # Keys are not told who people are, here as elsewhere.
    shown = name if caller.kind == "user" or kind != "user" else None
    return msgspec.convert({"kind": kind, "id": given, "name": shown}, Asker)
