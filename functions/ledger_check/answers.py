"""What ledger_check answers: its timer, and the proof of a project."""

import msgspec

from functions.ledger_check.logic import Gap
from functions.ledger_check.ports import Ports
from functions.ledger_check.proof import ProofQuery, prove
from shared.bus import Message
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.events import CONTROL_TOPIC
from shared.http import Reply, Request, json_reply
from shared.notifications import Notification, message_of
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller

LEDGER = "/api/v1/ledger"
DUE = "dev.sluice.ledger.due.v1"
GAP = "dev.sluice.ledger.gap.v1"
_MOST_BYTES = 64 * 1024


async def deliver(request: Request, ports: Ports) -> Reply:
    """The timer: check, and tell of gaps nobody was told of; refuses other events (`unexpected_event_type`)."""
    message = decode(request.headers, await request.body(_MOST_BYTES))
    if message.attributes["type"] != DUE:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    if ports.one.locked():
        return Reply(204)  # another one is at it
    async with ports.one:
        for gap in (await ports.check.run()).fresh:
            await _tell(ports, gap)
    return Reply(204)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """The proof of the caller's project."""
    if request.path != LEDGER:
        raise Rejected(Refusal.NOT_FOUND, f"here is {LEDGER}")
    query = from_address(request.address.partition("?")[2], ProofQuery)
    looking = ports.bus.inspection()
    return json_reply(await prove(query, caller.project_id, ports.warehouse, ports.catalog, looking, SYSTEM_CLOCK))


async def _tell(ports: Ports, gap: Gap) -> None:
    """One event, and a webhook of each project that asked for them; twice at most, under the same keys."""
    attributes = {
        "specversion": "1.0",
        "id": f"{gap.id}",
        "source": "/sluice/ledger",
        "type": GAP,
        "time": gap.found_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if gap.project_id is not None:
        attributes["project"] = str(gap.project_id)
    messages = [Message(attributes, msgspec.json.encode(gap))]
    for row in await ports.catalog.rows("ledger/subscribers"):
        if gap.project_id in {None, row["project_id"]}:
            told = Notification(
                key=f"ledger:{gap.id}",
                project_id=row["project_id"],
                template="ledger_gap",
                values=msgspec.to_builtins(gap),
                subscribers="ledger.gap",
            )
            messages.append(message_of(told))
    await ports.bus.publish(CONTROL_TOPIC, messages)
    await ports.check.told(gap)
