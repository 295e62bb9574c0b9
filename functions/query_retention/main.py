"""query_retention: who comes back, who is new, who stays away, and how often people are active."""

from functions.query_retention.activity import lifecycle, lifecycle_people, stickiness, stickiness_people
from functions.query_retention.logic import people, retention
from functions.query_retention.ports import Ports, opens
from functions.query_retention.question import (
    LifecyclePeopleQuery,
    LifecycleQuery,
    RetentionPeopleQuery,
    RetentionQuery,
    StickinessPeopleQuery,
    StickinessQuery,
)
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import read_question
from shared.security.policy import Action


@function("query_retention", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    project, warehouse, now = caller.project_id, ports.warehouse, to_datetime(SYSTEM_CLOCK.micros())
    match request.path.removeprefix("/api/v1/query/"):
        case "lifecycle":
            return json_reply(await lifecycle(await read_question(request, LifecycleQuery), project, warehouse, now))
        case "lifecycle/people":
            who = await read_question(request, LifecyclePeopleQuery)
            return json_reply(await lifecycle_people(who, project, warehouse))
        case "stickiness":
            return json_reply(await stickiness(await read_question(request, StickinessQuery), project, warehouse))
        case "stickiness/people":
            often = await read_question(request, StickinessPeopleQuery)
            return json_reply(await stickiness_people(often, project, warehouse))
        case "retention/people":
            behind = await read_question(request, RetentionPeopleQuery)
            return json_reply(await people(behind, project, warehouse))
        case _:
            return json_reply(await retention(await read_question(request, RetentionQuery), project, warehouse, now))
