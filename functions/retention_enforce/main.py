"""retention_enforce: drops what is older than a project keeps its events."""

from functions.retention_enforce.answers import answer, deliver
from functions.retention_enforce.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("retention_enforce", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.RETENTION_WRITE)
    return await answer(request, ports, caller)
