"""notify: tells people by mail and machines by webhook, once each, and keeps trying until it arrives or is given up."""

from functions.notify.answers import deliver
from functions.notify.ports import Ports, opens
from shared.function import SINK, function
from shared.http import Reply, Request


@function("notify", opens)
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK:
        return await deliver(request, ports)
    from functions.notify.pages import answer

    return await answer(request, ports)
