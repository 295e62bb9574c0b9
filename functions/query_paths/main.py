"""query_paths: what people do after an event, before one, or first, step by step."""

from functions.query_paths.logic import paths, people
from functions.query_paths.ports import Ports, opens
from functions.query_paths.question import PathsPeopleQuery, PathsQuery
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import read_question
from shared.security.policy import Action


@function("query_paths", opens)
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    if request.path.endswith("/people"):
        wanted = await read_question(request, PathsPeopleQuery)
        return json_reply(await people(wanted, caller.project_id, ports.warehouse))
    query = await read_question(request, PathsQuery)
    return json_reply(await paths(query, caller.project_id, ports.warehouse))
