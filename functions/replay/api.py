"""What replay offers over HTTP, for the OpenAPI document."""

from functions.replay.answers import REPLAYS
from functions.replay.asked import ReplayRequest
from shared.jobs import api

OPERATIONS = api.operations(REPLAYS, "attempt to take refused events again", ReplayRequest)
