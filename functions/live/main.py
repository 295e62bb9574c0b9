"""live: counts events the minute they arrive, says how many there were in the last minutes, and streams it."""

from functions.live.logic import LiveQuery, live_counts, watch
from functions.live.opening import PATHS, open_stream
from functions.live.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.events import ACCEPTED
from shared.function import SINK, function
from shared.http import Reply, Request, json_reply, problem
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

PATH = "/api/v1/live/counts"
MAX_BODY_BYTES = 2 * 1024 * 1024


@function("live", opens)
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK:
        return await _watch(request, ports)
    if request.path not in {PATH, *PATHS}:
        raise Rejected(Refusal.NOT_FOUND, f"live counts are at {PATH}")
    if request.method != "GET":
        return problem(Refusal.METHOD_NOT_ALLOWED, request_id=request.request_id, allow=["GET"])
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if request.path in PATHS:
        return await open_stream(request, caller.project_id, ports)
    query = from_address(request.address.partition("?")[2], LiveQuery)
    return json_reply(await live_counts(query, caller.project_id, ports.cache, ports.warehouse, SYSTEM_CLOCK))


async def _watch(request: Request, ports: Ports) -> Reply:
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    if message.attributes["type"] != ACCEPTED:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    await watch(message, ports.cache, SYSTEM_CLOCK)
    await ports.herald.arrived(message.attributes.get("project", ""))
    return Reply(204)
