"""query_breakdown: a measure of each value of a field, the largest first, and of all the rest."""

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_breakdown.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.aliases import asked_before
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.security.policy import Action


@function("query_breakdown", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if older := asked_before(request):
        asked = from_json(older.body(), BreakdownQuery)
        found = await request.while_connected(breakdown(asked, caller.project_id, ports.warehouse))
        return json_reply(older.listed((row.key, row.value) for row in found.rows))
    if request.method == "POST":
        query = from_json(await request.body(MAX_QUERY_BYTES), BreakdownQuery)
    else:
        query = from_address(request.address.partition("?")[2], BreakdownQuery)
    return json_reply(await request.while_connected(breakdown(query, caller.project_id, ports.warehouse)))
