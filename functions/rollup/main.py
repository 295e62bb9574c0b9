"""rollup: counts of the hours that have changed, so that queries need not read their rows."""

from functions.rollup import sessions
from functions.rollup.logic import forget_superseded, run
from functions.rollup.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.events import CONTROL_TOPIC
from shared.function import function
from shared.http import Reply, Request
from shared.ledger import CHANGED, changed

DUE = "dev.sluice.rollup.due.v1"
SOURCE = "/sluice/rollup"
MAX_BODY_BYTES = 64 * 1024


@function("rollup", opens, methods=("POST",))
async def main(request: Request, ports: Ports) -> Reply:
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    if message.attributes["type"] not in {CHANGED, DUE} or ports.one.locked():
        return Reply(204)  # another one is at it, and takes what is due now
    async with ports.one:
        ran = await run(ports.warehouse, SYSTEM_CLOCK, ports.pace)
        days = await sessions.run(ports.warehouse, ports.catalog, SYSTEM_CLOCK, ports.pace)
        if ran.left or days.left:
            await ports.bus.publish(CONTROL_TOPIC, [changed(SYSTEM_CLOCK.micros(), SOURCE, [request.traceparent])])
        elif message.attributes["type"] == DUE:
            await forget_superseded(ports.warehouse, SYSTEM_CLOCK)
            await sessions.forget_superseded(ports.warehouse, SYSTEM_CLOCK)
    return Reply(204)
