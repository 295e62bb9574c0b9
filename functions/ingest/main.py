"""ingest: events over HTTP are durable before they are answered."""

from functions.ingest.logic import StepTimer, accept
from functions.ingest.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.function import function
from shared.http import Reply, Request


@function("ingest", opens, methods=("POST",))
async def main(request: Request, ports: Ports) -> Reply:
    timer = StepTimer()
    key = await ports.access.require(request.headers, "ingest")
    timer.end("authenticate")
    body = await request.body(ports.max_request)
    return await accept(body, key, ports.committer, clock=SYSTEM_CLOCK, timer=timer, traceparent=request.traceparent)
