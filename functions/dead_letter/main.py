"""dead_letter: records that a source gave up on are sent again once their function is back, or kept for people."""

from functions.dead_letter.logic import Became
from functions.dead_letter.ports import Ports, opens
from shared.cloudevent import decode
from shared.function import function
from shared.http import Reply, Request, problem
from shared.refusals import Refusal

MAX_BODY_BYTES = 2 * 1024 * 1024


@function("dead_letter", opens, methods=("POST",))
async def main(request: Request, ports: Ports) -> Reply:
    became = await ports.letters.take(decode(request.headers, await request.body(MAX_BODY_BYTES)))
    if became is Became.WAITS:
        # Nothing went wrong here, so nothing is logged: an outage may last for days.
        return problem(Refusal.UNAVAILABLE, "the function it is for is still away", request_id=request.request_id)
    return Reply(204)
