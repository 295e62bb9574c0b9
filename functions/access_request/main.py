"""access_request: everything a project has about a person, as an archive they can read."""

from functions.access_request.answers import answer, deliver
from functions.access_request.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("access_request", opens, methods=("GET", "POST", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.PERSONS_EXPORT)
    return await answer(request, ports, caller)
