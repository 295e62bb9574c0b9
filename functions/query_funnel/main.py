"""query_funnel: how many people do one step after the other, and who they are."""

from functions.query_funnel.logic import funnel, people
from functions.query_funnel.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.funnel.question import BehindQuery, FunnelQuery
from shared.query.request import read_question
from shared.security.policy import Action

PEOPLE = "/people"


@function("query_funnel", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if request.path.endswith(PEOPLE):
        wanted = await read_question(request, BehindQuery)
        return json_reply(await people(wanted, caller.project_id, ports.warehouse))
    query = await read_question(request, FunnelQuery)
    return json_reply(await funnel(query, caller.project_id, ports.warehouse))
