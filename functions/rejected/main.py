"""rejected: the events that were refused, and how many of each reason."""

from functions.rejected.logic import ReasonsQuery, RejectedQuery, count_reasons, list_rejected
from functions.rejected.ports import Ports, opens
from shared.clock import SYSTEM_CLOCK
from shared.function import function
from shared.http import Reply, Request, json_reply
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action


@function("rejected", opens, methods=("GET",))
async def main(request: Request, ports: Ports) -> Reply:
    caller = await ports.access.authorize(request, Action.REJECTED_READ)
    asked = request.address.partition("?")[2]
    match request.path:
        case "/api/v1/rejected":
            query = from_address(asked, RejectedQuery)
            return json_reply(await list_rejected(query, caller.project_id, ports.warehouse, SYSTEM_CLOCK))
        case "/api/v1/rejected/reasons":
            reasons = from_address(asked, ReasonsQuery)
            return json_reply(await count_reasons(reasons, caller.project_id, ports.warehouse, SYSTEM_CLOCK))
        case _:
            raise Rejected(Refusal.NOT_FOUND, "here are /api/v1/rejected and /api/v1/rejected/reasons")
