"""query_events: whole events, the newest first, page by page."""

from functions.query_events.logic import EventsQuery, latest
from functions.query_events.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.security.policy import Action


@function("query_events", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if request.method == "POST":
        query = from_json(await request.body(MAX_QUERY_BYTES), EventsQuery)
    else:
        query = from_address(request.address.partition("?")[2], EventsQuery)
    page = latest(query, caller.project_id, ports.warehouse, SYSTEM_CLOCK)
    return json_reply(await request.while_connected(page))
