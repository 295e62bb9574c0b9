"""quality_check: schemas of events, what is wrong with what arrives, and what each event means."""

from functions.quality_check.answers import answer
from functions.quality_check.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.timers.asking import read_tick

DUE = "dev.sluice.quality.due.v1"


@function("quality_check", opens, methods=("GET", "POST", "PUT", "PATCH", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        await read_tick(request, DUE)
        if not ports.one.locked():
            async with ports.one:
                await ports.check.run()
        return Reply(204)
    return await answer(request, ports)
