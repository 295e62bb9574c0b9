"""query_count: one exact number over a project's events, asked by HTTP or by an event."""

import msgspec

from functions.query_count.logic import ANSWERED, REQUESTED, AskedByEvent, CountQuery, count
from functions.query_count.ports import Ports, opens
from shared.cloudevent import decode, looks_like_cloudevent
from shared.function import event_reply, function
from shared.http import Reply, Request, json_reply
from shared.query.aliases import Counted, asked_before
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

SINK = "/"  # where a Trigger posts; its events carry no key, so the public addresses do not take them


@function("query_count", opens)
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await _asked_by_event(request, ports)
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if older := asked_before(request):
        answer = count(from_json(older.body(), CountQuery), caller.project_id, ports.warehouse)
        counted = await request.while_connected(answer)
        return json_reply(Counted(int(counted.value or 0)))
    if request.method == "POST":
        query = from_json(await request.body(MAX_QUERY_BYTES), CountQuery)
    else:
        query = from_address(request.address.partition("?")[2], CountQuery)
    return json_reply(await request.while_connected(count(query, caller.project_id, ports.warehouse)))


async def _asked_by_event(request: Request, ports: Ports) -> Reply:
    asked = decode(request.headers, await request.body(MAX_QUERY_BYTES))
    if asked.attributes["type"] != REQUESTED:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, asked.attributes["type"])
    wanted = from_json(asked.data, AskedByEvent)
    answer = await count(wanted.query, wanted.project_id, ports.warehouse)
    return event_reply(ANSWERED, msgspec.json.encode(answer), cause=asked, traceparent=request.traceparent)
