"""report_run: makes and sends reports by schedule, and keeps reports, their runs and links to them over HTTP."""

from functions.report_run.answers import answer
from functions.report_run.ports import Ports, opens
from functions.report_run.sharing import SHARED, look
from shared.cloudevent import looks_like_cloudevent
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.paths import match
from shared.security.policy import Action
from shared.timers.asking import read_tick

DUE = "dev.sluice.report.due.v1"
_LOOKING = "/api/v1/reports/preview"


@function("report_run", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    # Events carry no key, so the public addresses do not take them.
    if request.path == SINK and looks_like_cloudevent(request.headers):
        await read_tick(request, DUE)
        await ports.runner.tick()
        return Reply(204)
    if found := match(SHARED, request.path):
        return await look(request, ports, found["token"])
    looking = request.method == "GET" or request.path == _LOOKING
    action = Action.REPORTS_READ if looking else Action.REPORTS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller)
