"""export: events as files, in the background as a job or page by page at once."""

from functions.export.answers import answer, deliver, file
from functions.export.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.objects import FILES
from shared.security.policy import Action


@function("export", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    if request.path == FILES:
        return await file(request, ports)
    action = Action.EXPORTS_READ if request.method == "GET" else Action.EXPORTS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller)
