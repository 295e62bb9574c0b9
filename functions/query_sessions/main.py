"""query_sessions: sessions by inactivity: how many, how long, from where, and which."""

from functions.query_sessions import settings
from functions.query_sessions.asked import (
    LIST,
    PEOPLE,
    SETTINGS,
    SessionFiguresQuery,
    SessionListQuery,
    SessionPeopleQuery,
)
from functions.query_sessions.listed import latest
from functions.query_sessions.logic import sessions_of
from functions.query_sessions.people import people
from functions.query_sessions.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import read_question
from shared.security.policy import Action


@function("query_sessions", opens, methods=("GET", "POST", "PUT"))
async def main(request: Request, ports: Ports) -> Reply:
    changing = request.method == "PUT"
    caller = await ports.access.authorize(request, Action.PROJECT_WRITE if changing else Action.EVENTS_READ)
    if request.path == SETTINGS:
        return await settings.change(request, caller, ports) if changing else await settings.show(caller, ports)
    gap = await ports.gap(caller.project_id)
    if request.path == LIST:
        listed = await read_question(request, SessionListQuery)
        return json_reply(await latest(listed, caller.project_id, gap, ports.warehouse, SYSTEM_CLOCK))
    if request.path == PEOPLE:
        behind = await read_question(request, SessionPeopleQuery)
        return json_reply(await people(behind, caller.project_id, gap, ports.warehouse, SYSTEM_CLOCK))
    query = await read_question(request, SessionFiguresQuery)
    return json_reply(await sessions_of(query, caller.project_id, gap, ports.warehouse))
