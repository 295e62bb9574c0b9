"""query_attribution: which channels, sources or campaigns led to conversions, by five models."""

from functions.query_attribution.logic import attribution, people
from functions.query_attribution.ports import Ports, opens
from functions.query_attribution.question import AttributionPeopleQuery, AttributionQuery
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import read_question
from shared.security.policy import Action


@function("query_attribution", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if request.path.endswith("/people"):
        wanted = await read_question(request, AttributionPeopleQuery)
        return json_reply(await people(wanted, caller.project_id, ports.warehouse))
    query = await read_question(request, AttributionQuery)
    return json_reply(await attribution(query, caller.project_id, ports.warehouse))
