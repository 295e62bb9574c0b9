"""What live offers over HTTP, for the OpenAPI document."""

from functions.live.logic import LiveAnswer, LiveQuery
from functions.live.main import PATH
from functions.live.opening import STREAM, WEBSOCKET
from functions.live.stream import StreamQuery
from shared.openapi import Operation

OPERATIONS = [
    Operation("GET", STREAM, "Counts and the latest events as Server-Sent Events", query=StreamQuery),
    Operation("GET", WEBSOCKET, "The same over a WebSocket, or as lines of JSON", query=StreamQuery),
    Operation("GET", PATH, "Events received in each of the last minutes, by name", answer=LiveAnswer, query=LiveQuery),
]
