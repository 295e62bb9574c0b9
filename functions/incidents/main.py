"""incidents: what rules found, as incidents: opened, told by a policy, acknowledged, resolved."""

from functions.incidents.answers import answer
from functions.incidents.ports import Ports, opens
from functions.incidents.signals import read
from shared.cloudevent import decode, looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request

DUE = "dev.sluice.incident.due.v1"
MAX_BODY_BYTES = 1024 * 1024


@function("incidents", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        message = decode(request.headers, await request.body(MAX_BODY_BYTES))
        if message.attributes["type"] == DUE:
            await ports.keeper.tick()
        else:
            await ports.keeper.take(read(message))
        return Reply(204)
    return await answer(request, ports)
