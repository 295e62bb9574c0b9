"""News that events of a project arrived, for who does not want to wait for the minute: live says it, alerts take it.

It is a hint, at most one a second of a project: what is lost is found by the next tick.
"""

import uuid
from collections.abc import Mapping

from shared.bus import Message
from shared.clock import to_datetime
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected

ARRIVED = "dev.sluice.events.arrived.v1"


def arrived(project_id: uuid.UUID, micros: int) -> Message:
    """The event that says: events of this project arrived."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid7(micros // 1_000)),
        "source": "/sluice/live",
        "type": ARRIVED,
        "time": to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "project": str(project_id),
    }
    return Message(attributes, b"")


def project_of(attributes: Mapping[str, str]) -> uuid.UUID:
    """The project such an event is about; refuses one that names none (`not_a_cloudevent`)."""
    try:
        return uuid.UUID(attributes.get("project", ""))
    except ValueError as error:
        raise Rejected(Refusal.NOT_A_CLOUDEVENT, "`project` is not the id of a project") from error
