"""query_schema: which events there are, which properties they have, which values these take."""

from functions.query_schema.logic import NamesQuery, PropertiesQuery, ValuesQuery, events, properties, values
from functions.query_schema.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action


@function("query_schema", opens, methods=("GET",))
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    asked = request.address.partition("?")[2]
    place = (caller.project_id, ports.warehouse, SYSTEM_CLOCK)
    match request.path:
        case "/api/v1/schema/events":
            return json_reply(await request.while_connected(events(from_address(asked, NamesQuery), *place)))
        case "/api/v1/schema/properties":
            return json_reply(await request.while_connected(properties(from_address(asked, PropertiesQuery), *place)))
        case "/api/v1/schema/values":
            return json_reply(await request.while_connected(values(from_address(asked, ValuesQuery), *place)))
        case _:
            raise Rejected(Refusal.NOT_FOUND, "here are events, properties and values, under /api/v1/schema/")
