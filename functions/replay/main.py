"""replay: takes refused events again, edited so that they can be taken."""

from functions.replay.answers import answer, deliver
from functions.replay.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("replay", opens, methods=("GET", "POST", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.REPLAY)
    return await answer(request, ports, caller)
