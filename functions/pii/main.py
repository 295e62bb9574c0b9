"""pii: what of events is hashed, dropped or cut before it is stored, and what is stored that should have been."""

from functions.pii.answers import answer, deliver
from functions.pii.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("pii", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.PII_WRITE)
    return await answer(request, ports, caller)
