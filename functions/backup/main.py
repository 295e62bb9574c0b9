"""backup: copies of the instance, by request and by the clock."""

from functions.backup.answers import answer, deliver
from functions.backup.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("backup", opens, methods=("GET", "POST", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    action = Action.BACKUPS_READ if request.method == "GET" else Action.BACKUPS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller)
