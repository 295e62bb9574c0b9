"""What retention_enforce answers: its timer, its jobs, what a project keeps, and what would go."""

import time
import uuid
from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from functions.retention_enforce import hold_answers
from functions.retention_enforce.holding import forget_stale
from functions.retention_enforce.jobs import RUNS, RunRequest
from functions.retention_enforce.logic import Due, Retention, Run
from functions.retention_enforce.plan import MOST_DAYS, Plan, Rule, keep, plan_of
from functions.retention_enforce.ports import Ports
from functions.retention_enforce.telling import tell
from shared.catalog.client import Queries
from shared.cloudevent import decode
from shared.http import Reply, Request, json_reply
from shared.jobs import api, requested_type
from shared.jobs.recorded import start
from shared.jobs.worker import handle
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

RETENTION = "/api/v1/retention"
PREVIEW = f"{RETENTION}/preview"
DUE = "dev.sluice.retention.due.v1"
_MOST_BYTES = 256 * 1024
_SECONDS = 40.0
_RUNS_SHOWN = 10

log = structlog.get_logger()

Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class RuleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of one name are kept for so many days of their own; null for ever."""

    event: Name
    days: Days | None


class RetentionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days events are kept, null for ever; what is left out of the rest stays as it is.

    `rules` takes the place of all there were. `rejected_days` are those of refused payloads, null as long as events.
    """

    days: Days | None
    rejected_days: Days | msgspec.UnsetType | None = msgspec.UNSET
    rules: list[RuleRequest] | msgspec.UnsetType = msgspec.UNSET

    def over(self, plan: Plan) -> Plan:
        """What a project with this plan keeps then."""
        rejected = plan.rejected_days if self.rejected_days is msgspec.UNSET else self.rejected_days
        if self.rules is msgspec.UNSET:
            return Plan(self.days, rejected, plan.rules)
        return Plan(self.days, rejected, [Rule(rule.event, rule.days) for rule in self.rules])


class PreviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What would go if the project kept this; what is left out is as it is set."""

    days: Days | msgspec.UnsetType | None = msgspec.UNSET
    rejected_days: Days | msgspec.UnsetType | None = msgspec.UNSET
    rules: list[RuleRequest] | msgspec.UnsetType = msgspec.UNSET

    def over(self, plan: Plan) -> Plan:
        days = plan.days if self.days is msgspec.UNSET else self.days
        return RetentionRequest(days, self.rejected_days, self.rules).over(plan)


class Keeps(msgspec.Struct, frozen=True):
    """What a project, named by its id, keeps."""

    id: uuid.UUID
    plan: Plan


class RetentionAnswer(msgspec.Struct, frozen=True):
    """What a project keeps: `days` null for ever, what is older than `cutoff` goes unless a rule names it.

    `runs` are the last ones; `dry_run`: this instance only notes what would go; `holds` is how many legal holds hold.
    """

    days: int | None
    rejected_days: int | None
    rules: list[Rule]
    cutoff: datetime | None
    dry_run: bool
    holds: int
    runs: list[Run]


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or the timer, which drops what is due, the projects that waited longest first."""
    message = decode(request.headers, await request.body(_MOST_BYTES))
    if message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "a run of retention is under way in this process")
        async with ports.busy:
            await handle(message, ports.jobs, ports.enforcing)
    elif message.attributes["type"] == DUE:
        await ports.jobs.sweep()
        await forget_stale(ports.warehouse)
        await _enforce_all(ports)
    return Reply(204)


async def _enforce_all(ports: Ports) -> None:
    until = time.monotonic() + _SECONDS
    for row in await ports.catalog.rows("projects_with_retention"):
        project_id = row["project_id"]
        try:
            plan = await plan_of(ports.catalog, project_id)
            run = await ports.retention.enforce(project_id, plan, row["catalog_now"])
        except Rejected as rejected:  # of this project alone: the others have their turn
            log.warning("retention refused", project=str(project_id), detail=str(rejected))
            continue
        if run is not None:
            await tell(ports.bus, project_id, run)
        if time.monotonic() > until:
            break


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Show or set what a project keeps, what would go, holds and runs; what is changed is in the audit log."""
    project_id = caller.project_id
    if request.path.startswith(hold_answers.HOLDS):
        return await hold_answers.answer(request, ports, caller)
    if request.path.startswith(RUNS):
        return await _runs(request, ports, caller)
    if request.path == PREVIEW and request.method == "POST":
        return json_reply(await _preview(request, ports, project_id))
    if request.path == RETENTION and request.method == "GET":
        return json_reply(await _shown(ports, project_id, await plan_of(ports.catalog, project_id)))
    if request.path == RETENTION and request.method == "PUT":
        return await _set(request, ports, caller)
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{RETENTION} takes GET and PUT, {PREVIEW} POST")


async def _runs(request: Request, ports: Ports, caller: Caller) -> Reply:
    project_id = caller.project_id
    if request.path == RUNS and request.method == "POST":
        asked = from_json(await request.body(_MOST_BYTES) or b"{}", RunRequest)
        return await start(request, ports.jobs, caller, asked, RUNS, catalog=ports.catalog, proxies=ports.proxies)
    return await api.answer(request, ports.jobs, project_id, RUNS, lambda job: msgspec.json.decode(job.result or "{}"))


async def _set(request: Request, ports: Ports, caller: Caller) -> Reply:
    asked = from_json(await request.body(_MOST_BYTES), RetentionRequest)
    project_id = caller.project_id
    before = await plan_of(ports.catalog, project_id)
    wanted = asked.over(before)
    wanted.check(ports.retention.now())
    changes: Changes[Keeps] = Changes(
        "retention", _plain, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
    )

    async def change(to: Queries) -> Keeps:
        return Keeps(project_id, await keep(to, project_id, wanted))

    kept = await changes.made("changed", change, Keeps(project_id, before))
    return json_reply(await _shown(ports, project_id, kept.plan))


def _plain(keeps: Keeps) -> Plan:
    return keeps.plan


async def _preview(request: Request, ports: Ports, project_id: uuid.UUID) -> Due:
    asked = from_json(await request.body(_MOST_BYTES) or b"{}", PreviewRequest)
    plan = asked.over(await plan_of(ports.catalog, project_id))
    if plan.for_ever:
        raise Rejected(Refusal.BAD_REQUEST, "the project keeps its events for ever: give `days` to see what would go")
    return await ports.retention.due(project_id, plan)


async def _shown(ports: Ports, project_id: uuid.UUID, plan: Plan) -> RetentionAnswer:
    retention: Retention = ports.retention
    return RetentionAnswer(
        plan.days,
        plan.rejected_days,
        list(plan.rules),
        retention.cutoff(plan),
        retention.limits.dry_run,
        await hold_answers.count(ports, project_id),
        await retention.runs(project_id, _RUNS_SHOWN),
    )
