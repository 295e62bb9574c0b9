"""What retention_enforce answers: its timer, and what a project keeps."""

import time
import uuid
from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from functions.retention_enforce.logic import MOST_DAYS, Due, Retention, Run, keep
from functions.retention_enforce.ports import Ports
from shared.bus import Bus, Message
from shared.catalog.client import Queries
from shared.cloudevent import decode
from shared.events import CONTROL_TOPIC
from shared.http import Reply, Request, json_reply
from shared.notifications import Notification, message_of
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

RETENTION = "/api/v1/retention"
PREVIEW = f"{RETENTION}/preview"
DUE = "dev.sluice.retention.due.v1"
ENFORCED = "dev.sluice.retention.enforced.v1"
_MOST_BYTES = 64 * 1024
_SECONDS = 40.0
_RUNS_SHOWN = 10

log = structlog.get_logger()

Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]


class RetentionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days events are kept; null for ever."""

    days: Days | None


class PreviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What would go if events were kept for so many days; without, as they are."""

    days: Days | None = None


class Keeps(msgspec.Struct, frozen=True):
    """For how many days a project, named by its id, keeps its events."""

    id: uuid.UUID
    days: int | None


class RetentionAnswer(msgspec.Struct, frozen=True):
    """What a project keeps: `days` null for ever, what is older than `cutoff` goes. `runs` are the last ones.

    `dry_run`: this instance only notes what would go.
    """

    days: int | None
    cutoff: datetime | None
    dry_run: bool
    runs: list[Run]


async def deliver(request: Request, ports: Ports) -> Reply:
    """The timer: drop what is due, project by project, those that waited longest first."""
    message = decode(request.headers, await request.body(_MOST_BYTES))
    if message.attributes["type"] == DUE:
        until = time.monotonic() + _SECONDS
        for row in await ports.catalog.rows("projects_with_retention"):
            try:
                run = await ports.retention.enforce(row["project_id"], row["days"], row["catalog_now"])
            except Rejected as rejected:  # of this project alone: the others have their turn
                log.warning("retention refused", project=str(row["project_id"]), detail=str(rejected))
                continue
            if run is not None:
                await _tell(ports.bus, row["project_id"], run)
            if time.monotonic() > until:
                break
    return Reply(204)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Show or set what a project keeps, or what would go; what is set is in the audit log."""
    retention, project_id = ports.retention, caller.project_id
    if request.path == PREVIEW and request.method == "POST":
        return json_reply(await _preview(request, retention, project_id))
    if request.path == RETENTION and request.method == "GET":
        return json_reply(await _shown(retention, project_id, await retention.days(project_id)))
    if request.path == RETENTION and request.method == "PUT":
        asked = from_json(await request.body(_MOST_BYTES), RetentionRequest)
        if asked.days is not None:
            retention.cutoff(asked.days)
        changes = Changes(
            "retention", _plain, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )
        before = Keeps(project_id, await retention.days(project_id))
        kept = await changes.made("changed", lambda to: _keep(to, project_id, asked.days), before)
        return json_reply(await _shown(retention, project_id, kept.days))
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{RETENTION} takes GET and PUT, {PREVIEW} POST")


async def _keep(transaction: Queries, project_id: uuid.UUID, days: int | None) -> Keeps:
    return Keeps(project_id, await keep(transaction, project_id, days))


def _plain(keeps: Keeps) -> dict[str, int | None]:
    return {"days": keeps.days}


async def _preview(request: Request, retention: Retention, project_id: uuid.UUID) -> Due:
    asked = from_json(await request.body(_MOST_BYTES) or b"{}", PreviewRequest)
    days = asked.days or await retention.days(project_id)
    if days is None:
        raise Rejected(Refusal.BAD_REQUEST, "the project keeps its events for ever: give `days` to see what would go")
    return await retention.due(project_id, days)


async def _shown(retention: Retention, project_id: uuid.UUID, days: int | None) -> RetentionAnswer:
    cutoff = None if days is None else retention.cutoff(days)
    return RetentionAnswer(days, cutoff, retention.limits.dry_run, await retention.runs(project_id, _RUNS_SHOWN))


async def _tell(bus: Bus, project_id: uuid.UUID, run: Run) -> None:
    attributes = {
        "specversion": "1.0",
        "id": str(run.id),
        "source": "/sluice/retention",
        "type": ENFORCED,
        "time": run.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(project_id),
    }
    told = Notification(
        key=f"retention:{run.id}",
        project_id=project_id,
        template="retention_enforced",
        values=msgspec.to_builtins(run),
        subscribers="retention.enforced",
    )
    await bus.publish(CONTROL_TOPIC, [Message(attributes, msgspec.json.encode(run)), message_of(told)])
