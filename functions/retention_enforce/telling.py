"""Who is told of what retention dropped: the bus, and the webhooks that asked for it."""

import uuid

import msgspec

from functions.retention_enforce.logic import Run
from shared.bus import Bus, Message
from shared.events import CONTROL_TOPIC
from shared.notifications import Notification, message_of

ENFORCED = "dev.sluice.retention.enforced.v1"


async def tell(bus: Bus, project_id: uuid.UUID, run: Run) -> None:
    """Tell of a run; raises BusUnavailableError."""
    attributes = {
        "specversion": "1.0",
        "id": str(run.id),
        "source": "/sluice/retention",
        "type": ENFORCED,
        "time": run.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(project_id),
    }
    told = Notification(
        key=f"retention:{run.id}",
        project_id=project_id,
        template="retention_enforced",
        values=msgspec.to_builtins(run),
        subscribers="retention.enforced",
    )
    await bus.publish(CONTROL_TOPIC, [Message(attributes, msgspec.json.encode(run)), message_of(told)])
