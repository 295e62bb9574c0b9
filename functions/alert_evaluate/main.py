"""alert_evaluate: judges alert rules each minute and as events arrive, and keeps them over HTTP."""

from functions.alert_evaluate.answers import answer
from functions.alert_evaluate.ports import Ports, opens
from shared.arrivals import ARRIVED, project_of
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.security.policy import Action
from shared.timers.asking import read_tick

DUE = "dev.sluice.alert.due.v1"


@function("alert_evaluate", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        tick = await read_tick(request, DUE, ARRIVED)
        if tick["type"] == DUE:
            await ports.evaluator.tick()
        else:
            await ports.evaluator.arrived(project_of(tick))
        return Reply(204)
    action = Action.ALERTS_READ if request.method == "GET" else Action.ALERTS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller)
