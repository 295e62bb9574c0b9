"""A request for a stream → the stream, in the form its address stands for."""

import uuid

import msgspec

from functions.live.ports import Ports
from functions.live.stream import Form, StreamQuery, stream
from shared.http import Reply, Request
from shared.query.request import from_address
from shared.refusals import Rejected, UnavailableError
from shared.security.policy import Action
from shared.streams import EVENT_STREAM, JSON_LINES, Streamed, line, message

STREAM = "/api/v1/live/stream"
WEBSOCKET = "/api/v1/live/ws"

_FORMS = {
    STREAM: (Form(b"retry: 2000\n\n", message, b": alive\n\n"), EVENT_STREAM),
    WEBSOCKET: (Form(b"\n", line, b"\n"), JSON_LINES),
}
PATHS = frozenset(_FORMS)


async def open_stream(request: Request, project_id: uuid.UUID, ports: Ports) -> Reply:
    """The stream of a project, whose reader was let in.

    Raises Rejected: BAD_REQUEST and UNKNOWN_FIELD for what it asks, RATE_LIMITED and OVERLOADED for one too many.
    """
    form, content_type = _FORMS[request.path]
    query = from_address(request.address.partition("?")[2], StreamQuery)
    query = msgspec.structs.replace(
        query,
        seconds=min(query.seconds, ports.stream_seconds),
        last_event_id=query.last_event_id or request.headers.get("last-event-id", ""),
    )

    async def still_allowed() -> bool:
        try:
            caller = await ports.access.authorize(request, Action.EVENTS_READ)
        except Rejected:
            return False
        except UnavailableError:
            return True  # who was let in is not thrown out because nobody can say
        return caller.project_id == project_id

    parts = stream(ports.watches, project_id, query, form, still_allowed)
    return await Streamed.start(request, parts, content_type)
