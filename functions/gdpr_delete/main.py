"""gdpr_delete: erases people, as a job that proves what it did, and keeps what they say of their consent."""

from functions.gdpr_delete.answers import answer, deliver
from functions.gdpr_delete.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("gdpr_delete", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.PERSONS_ERASE)
    return await answer(request, ports, caller)
