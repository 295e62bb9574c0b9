"""The HTTP addresses of jobs, the same for every kind: start, show, list, cancel."""

import operator
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from shared.bus import BusUnavailableError
from shared.http import Reply, Request, json_reply
from shared.ids import uuid7
from shared.jobs import Job, Jobs, State
from shared.openapi import Operation
from shared.paths import match
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected

_MOST_KEY_CHARACTERS = 255


class Accepted(msgspec.Struct, frozen=True):
    """What is answered to accepted work."""

    id: uuid.UUID
    state: State


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed or, while it is unfinished, what its last try ran into; `code` as in every problem."""

    code: str
    detail: str


class JobAnswer(msgspec.Struct, frozen=True):
    """A job: `progress` goes from 0 to 1; `request` as it was understood; `result` once it is completed.

    `expired_at`: since when the files it made are gone; null while they are there.
    """

    id: uuid.UUID
    state: State
    progress: float
    attempts: int
    request: msgspec.Raw
    result: Any
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    expired_at: datetime | None


class JobsAnswer(msgspec.Struct, frozen=True):
    """Jobs, the newest first; `next_cursor` is null on the last page."""

    items: list[JobAnswer]
    next_cursor: str | None


class JobsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs."""

    state: State | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: uuid.UUID | None = None


Shown = Callable[[Job], Any]
"""A job's result as people see it, with links for one."""


def key_of(request: Request) -> str:
    """The key of the job a request starts: its `Idempotency-Key`, or one of our own."""
    key = request.headers.get("idempotency-key", "") or str(uuid7())
    if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        detail = f"1 to {_MOST_KEY_CHARACTERS} printable ASCII characters"
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, detail)
    return key


async def start(
    request: Request,
    jobs: Jobs,
    project_id: uuid.UUID,
    wanted: msgspec.Struct,
    path: str,
    *,
    key: str = "",
    same: Callable[[bytes, bytes], bool] = operator.eq,
    asked_by: str = "",
) -> Reply:
    """Accept work: 202 with id and state once the job is in the catalog.

    The same `Idempotency-Key` gives the same job; with another request it is refused (`idempotency_key_reused`).
    A bus that is away is no reason to refuse: the job is swept up later. `key` is what key_of said, where it was asked;
    `same` and `asked_by` as in Jobs.create.
    """
    job, made = await jobs.create(
        project_id, key or key_of(request), msgspec.json.encode(wanted), same, asked_by=asked_by
    )
    if made:
        await _ask_for(job, jobs, request.traceparent)
    reply = json_reply(Accepted(job.id, job.state), 202)
    reply.headers["location"] = f"{path}/{job.id}"
    return reply


async def answer(request: Request, jobs: Jobs, project_id: uuid.UUID, path: str, shown: Shown) -> Reply:
    """Answer GET `path`, GET and DELETE `path`/{id} and POST `path`/{id}/cancel."""
    if request.path == path and request.method == "GET":
        return json_reply(await _listed(request, jobs, project_id, shown))
    if found := match(path + "/{id}", request.path):
        job = await _found(found["id"], jobs, project_id)
        if request.method == "DELETE":
            job = await _cancelled(job, jobs)
        elif request.method != "GET":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a job is asked with GET and cancelled with DELETE")
        return json_reply(_answer(job, shown))
    if (found := match(path + "/{id}/cancel", request.path)) and request.method == "POST":
        job = await _found(found["id"], jobs, project_id)
        return json_reply(_answer(await _cancelled(job, jobs), shown))
    raise Rejected(Refusal.NOT_FOUND, f"jobs are at {path}, one of them at {path}/{{id}}")


def operations(path: str, what: str, body: type, parameters: Any = ()) -> list[Operation]:
    """What a kind of job offers over HTTP, for the OpenAPI document; `what` names it, such as "export"."""
    named = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]
    key = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
    one = path + "/{id}"
    return [
        Operation(
            "POST", path, f"Start an {what}", answer=Accepted, status=202, body=body, parameters=[key, *parameters]
        ),
        Operation("GET", path, f"The {what}s, the newest first", answer=JobsAnswer, query=JobsQuery),
        Operation("GET", one, f"One {what}: state, progress, result", answer=JobAnswer, parameters=named),
        Operation("DELETE", one, f"Cancel an {what}", answer=JobAnswer, parameters=named),
        Operation("POST", one + "/cancel", f"Cancel an {what}", answer=JobAnswer, parameters=named),
    ]


async def _listed(request: Request, jobs: Jobs, project_id: uuid.UUID, shown: Shown) -> JobsAnswer:
    query = from_address(request.address.partition("?")[2], JobsQuery)
    found = await jobs.page(project_id, query.state or "", query.cursor, query.limit + 1)
    page = found[: query.limit]
    more = len(found) > query.limit
    return JobsAnswer([_answer(job, shown) for job in page], str(page[-1].id) if more else None)


async def _found(text: str, jobs: Jobs, project_id: uuid.UUID) -> Job:
    """The project's job; another project's is as unknown as one that never was."""
    try:
        job = await jobs.find(uuid.UUID(text), project_id)
    except ValueError:
        job = None
    if job is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no {jobs.kind} {text[:80]!r}")
    return job


async def _cancelled(job: Job, jobs: Jobs) -> Job:
    """The job after it was cancelled; one that had finished before stays what it is.

    Refuses one that cannot be stopped any more (`conflict`).
    """
    cancelled = await jobs.cancel(job.id, job.project_id)
    if cancelled is None:
        now = await jobs.find(job.id) or job
        if not now.finished:
            raise Rejected(Refusal.CONFLICT, f"it is {now.state}: it can only be cancelled before it starts")
        return now
    await _ask_for(cancelled, jobs, "")  # a worker removes what was written
    return cancelled


async def _ask_for(job: Job, jobs: Jobs, traceparent: str) -> None:
    try:
        await jobs.request(job, traceparent=traceparent)
    except BusUnavailableError:
        return  # the sweep asks again


def _answer(job: Job, shown: Shown) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        state=job.state,
        progress=job.progress,
        attempts=job.attempts,
        request=msgspec.Raw(job.request.encode()),
        result=shown(job) if job.result else None,
        error=JobError(job.error_code, job.error_detail or "") if job.error_code else None,
        created_at=job.created_at,
        started_at=job.started_at,
        updated_at=job.updated_at,
        finished_at=job.finished_at,
        expired_at=job.expired_at,
    )
