"""segment: saved cohorts, who is in them, and events when that changes."""

from functions.segment.answers import answer
from functions.segment.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.timers.asking import read_tick

DUE = "dev.sluice.segment.due.v1"


@function("segment", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        await read_tick(request, DUE)
        await ports.watcher.tick()
        return Reply(204)
    return await answer(request, ports)
