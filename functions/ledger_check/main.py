"""ledger_check: whether everything the bus took was written, and the proof of it."""

from functions.ledger_check.answers import answer, deliver
from functions.ledger_check.ports import Ports, opens
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action


@function("ledger_check", opens, methods=("GET", "POST"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        return await deliver(request, ports)
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    return await answer(request, ports, caller)
