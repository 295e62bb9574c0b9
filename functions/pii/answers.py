"""What pii answers: rules of a project, scans, and the events of their jobs."""

import uuid

import msgspec

from functions.pii.logic import Report, ScanRequest
from functions.pii.ports import Ports
from functions.pii.rules import KeptRule, RuleRequest, TryRequest, kept, listed, removed, tried
from shared.cloudevent import decode
from shared.http import Reply, Request, json_reply
from shared.jobs import Job, api, requested_type
from shared.jobs.recorded import start
from shared.jobs.worker import handle
from shared.paths import match
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

RULES = "/api/v1/pii/rules"
RULE = f"{RULES}/{{id}}"
PREVIEW = "/api/v1/pii/preview"
SCANS = "/api/v1/pii/scans"
DUE = "dev.sluice.pii_scan.due.v1"
_MOST_BYTES = 64 * 1024


class RulesAnswer(msgspec.Struct, frozen=True):
    """The PII rules of a project, in the order they are tried."""

    items: list[KeptRule]


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or of the timer that asks again for what stalled."""
    message = decode(request.headers, await request.body(_MOST_BYTES))
    if message.attributes["type"] == DUE:
        await ports.jobs.sweep()
    elif message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "a scan is under way in this process")
        async with ports.busy:
            await handle(message, ports.jobs, ports.scanner)
    return Reply(204)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Rules and scans of the caller's project; each change of a rule is in the audit log."""
    if request.path.startswith(SCANS):
        if request.path == SCANS and request.method == "POST":
            asked = from_json(await request.body(_MOST_BYTES) or b"{}", ScanRequest)
            return await start(request, ports.jobs, caller, asked, SCANS, catalog=ports.catalog, proxies=ports.proxies)
        return await api.answer(request, ports.jobs, caller.project_id, SCANS, _shown)
    if request.path == PREVIEW and request.method == "POST":
        wanted = from_json(await request.body(_MOST_BYTES), TryRequest)
        return json_reply(await tried(ports.catalog, caller.project_id, wanted))
    return await _rules(request, ports, caller)


def _shown(job: Job) -> Report:
    return msgspec.json.decode(job.result or "", type=Report)


async def _rules(request: Request, ports: Ports, caller: Caller) -> Reply:
    project_id = caller.project_id
    changes: Changes[KeptRule] = Changes(
        "pii_rule", lambda rule: rule, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
    )
    if request.path == RULES and request.method == "GET":
        return json_reply(RulesAnswer(await listed(ports.catalog, project_id)))
    if request.path == RULES and request.method == "POST":
        asked = await _asked(request)
        made = await changes.made("created", lambda to: kept(to, project_id, asked))
        reply = json_reply(made, 201)
        reply.headers["location"] = f"{RULES}/{made.id}"
        return reply
    if found := match(RULE, request.path):
        rule = await _found(found["id"], ports, project_id)
        if request.method == "GET":
            return json_reply(rule)
        if request.method == "PUT":
            asked = await _asked(request)
            return json_reply(await changes.made("changed", lambda to: kept(to, project_id, asked, rule.id), rule))
        if request.method == "DELETE":
            await changes.removed(lambda to: removed(to, project_id, rule.id), rule)
            return Reply(204)
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"rules are at {RULES}, one of them at {RULE}")


async def _asked(request: Request) -> RuleRequest:
    asked = from_json(await request.body(_MOST_BYTES), RuleRequest)
    asked.check()
    return asked


async def _found(text: str, ports: Ports, project_id: uuid.UUID) -> KeptRule:
    """The project's rule; another project's is as unknown as one that never was."""
    try:
        found = await listed(ports.catalog, project_id, uuid.UUID(text))
    except ValueError:
        found = []
    if not found:
        raise Rejected(Refusal.NOT_FOUND, f"there is no PII rule {text[:80]!r}")
    return found[0]
