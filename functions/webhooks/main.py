"""webhooks: a project's own receivers and channels: made, changed, tested; and events that receivers asked for."""

from functions.webhooks import channels
from functions.webhooks.answers import answer
from functions.webhooks.changes import Changes
from functions.webhooks.logic import watch
from functions.webhooks.ports import Ports, opens
from shared.cloudevent import decode
from shared.events import ACCEPTED
from shared.function import SINK, function
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

MAX_BODY_BYTES = 2 * 1024 * 1024


@function("webhooks", opens, methods=("GET", "POST", "PATCH", "DELETE"))
async def main(request: Request, ports: Ports) -> Reply:
    if request.path == SINK:
        return await _watch(request, ports)
    action = Action.WEBHOOKS_READ if request.method == "GET" else Action.WEBHOOKS_WRITE
    caller = await ports.access.authorize(request, action)
    if request.path.startswith(channels.CHANNELS):
        return await channels.answer(Changes(request, ports, caller, "channel", channels.ChannelAnswer.of))
    return await answer(Changes(request, ports, caller))


async def _watch(request: Request, ports: Ports) -> Reply:
    # Most records are of projects without such webhooks: their body is not even read.
    project = request.headers.get("ce-project", "")
    if project and not await ports.subscriptions.of(project):
        return Reply(204)
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    if message.attributes["type"] != ACCEPTED:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    await watch(message, ports.subscriptions, ports.bus)
    return Reply(204)
