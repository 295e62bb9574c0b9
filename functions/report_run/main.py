"""report_run: mails the counts of the last days by schedule, and keeps reports and their runs over HTTP."""

from functions.report_run.answers import answer
from functions.report_run.ports import Ports, opens
from shared.cloudevent import decode, looks_like_cloudevent
from shared.function import function
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

# Where the timer posts its ticks. They carry no key, so the public addresses do not take them.
SINK = "/"
DUE = "dev.sluice.report.due.v1"
_MOST_EVENT_BYTES = 64 * 1024


@function("report_run", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK and looks_like_cloudevent(request.headers):
        message = decode(request.headers, await request.body(_MOST_EVENT_BYTES))
        if message.attributes["type"] != DUE:
            raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
        await ports.runner.tick()
        return Reply(204)
    action = Action.REPORTS_READ if request.method == "GET" else Action.REPORTS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller.project_id)
