"""query_timeseries: a measure in each minute, hour, day, week or month of a range, whole or group by group."""

from functions.query_timeseries.explore import PATH as EXPLORE
from functions.query_timeseries.explore import ExploreQuery, explore
from functions.query_timeseries.logic import TimeseriesQuery, largest, timeseries
from functions.query_timeseries.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.aliases import asked_before
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.security.policy import Action


@function("query_timeseries", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if older := asked_before(request):
        wanted = from_json(older.body(), TimeseriesQuery)
        if wanted.group_by is not None:
            found = await request.while_connected(largest(wanted, caller.project_id, ports.warehouse))
            return json_reply(older.listed(found))
        answer = await request.while_connected(timeseries(wanted, caller.project_id, ports.warehouse))
        return json_reply(older.listed(answer.series[0].points))
    if request.path == EXPLORE:
        several = from_json(await request.body(MAX_QUERY_BYTES), ExploreQuery)
        return json_reply(await request.while_connected(explore(several, caller.project_id, ports.warehouse)))
    if request.method == "POST":
        query = from_json(await request.body(MAX_QUERY_BYTES), TimeseriesQuery)
    else:
        query = from_address(request.address.partition("?")[2], TimeseriesQuery)
    return json_reply(await request.while_connected(timeseries(query, caller.project_id, ports.warehouse)))
