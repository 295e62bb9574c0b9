"""batch_write: a record from the bus is stored in the warehouse, then answered."""

from functions.batch_write.ports import Ports, opens
from functions.batch_write.records import read_record
from shared.cloudevent import decode
from shared.events import ACCEPTED, REJECTED
from shared.function import function
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected

MAX_BODY_BYTES = 2 * 1024 * 1024


@function("batch_write", opens, methods=("POST",))
async def main(request: Request, ports: Ports) -> Reply:
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    if message.attributes["type"] not in {ACCEPTED, REJECTED}:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    await ports.writer.write(read_record(message))
    return Reply(204)
