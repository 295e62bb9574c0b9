"""query_retention: who comes back, who is new, who stays away, and how often people are active."""

from functions.query_retention.activity import lifecycle, stickiness
from functions.query_retention.logic import retention
from functions.query_retention.ports import Ports, opens
from functions.query_retention.question import LifecycleQuery, RetentionQuery, StickinessQuery
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import read_question
from shared.security.policy import Action


@function("query_retention", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    now = to_datetime(SYSTEM_CLOCK.micros())
    match request.path.rpartition("/")[2]:
        case "lifecycle":
            asked = await read_question(request, LifecycleQuery)
            return json_reply(await lifecycle(asked, caller.project_id, ports.warehouse, now))
        case "stickiness":
            about = await read_question(request, StickinessQuery)
            return json_reply(await stickiness(about, caller.project_id, ports.warehouse))
        case _:
            query = await read_question(request, RetentionQuery)
            return json_reply(await retention(query, caller.project_id, ports.warehouse, now))
