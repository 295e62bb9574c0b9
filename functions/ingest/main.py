"""ingest: events over HTTP are durable before they are answered."""

from functions.ingest.formats import key_from_address
from functions.ingest.logic import Posted, StepTimer
from functions.ingest.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request
from shared.replaying import HEADER
from shared.security.access import key_text


@function("ingest", opens, methods=("POST", "OPTIONS"))
async def main(request: Request, ports: Ports) -> Reply:
    if request.method == "OPTIONS":
        return Reply(200, headers=ports.cors.preflight(request.headers))
    if HEADER in request.headers:
        return await ports.replays.take(request)
    posted = Posted(
        headers=request.headers,
        key=key_text(request.headers) or key_from_address(request.query),
        read=request.body,
        peer=request.peer,
        request_id=request.request_id,
        traceparent=request.traceparent,
    )
    return await ports.pipeline.take(posted, StepTimer())
