"""receipts: where the events of an accepted request are now."""

from functions.receipts.logic import look_up
from functions.receipts.ports import Ports, opens
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.paths import match
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action

ADDRESS = "/api/v1/receipts/{id}"


@function("receipts", opens, methods=("GET",))
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.RECEIPTS_READ)
    found = match(ADDRESS, request.path)
    if found is None:
        raise Rejected(Refusal.NOT_FOUND, f"receipts are at {ADDRESS}")
    return json_reply(await look_up(found["id"], caller.project_id, ports.warehouse))
