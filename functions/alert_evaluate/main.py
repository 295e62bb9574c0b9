"""alert_evaluate: judges alert rules each minute, and keeps them over HTTP."""

from functions.alert_evaluate.answers import answer
from functions.alert_evaluate.ports import Ports, opens
from shared.cloudevent import decode, looks_like_cloudevent
from shared.function import function
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

# Where the timer posts its ticks. They carry no key, so the public addresses do not take them.
SINK = "/"
DUE = "dev.sluice.alert.due.v1"
_MOST_EVENT_BYTES = 64 * 1024


@function("alert_evaluate", opens, methods=("GET", "POST", "PUT", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK and looks_like_cloudevent(request.headers):
        message = decode(request.headers, await request.body(_MOST_EVENT_BYTES))
        if message.attributes["type"] != DUE:
            raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
        await ports.evaluator.tick()
        return Reply(204)
    action = Action.ALERTS_READ if request.method == "GET" else Action.ALERTS_WRITE
    caller = await ports.access.authorize(request, action)
    return await answer(request, ports, caller.project_id)
