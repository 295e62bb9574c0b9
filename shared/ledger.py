"""The hour ledger's news: hours that are over have changed, so that their counts are to be rolled up again.

News are a hint. `rollup` looks at the ledger itself, so one that is lost costs a quarter of an hour of speed.
"""

from shared.bus import Message
from shared.clock import to_datetime
from shared.ids import uuid7

CHANGED = "dev.sluice.hours.changed.v1"


def changed(micros: int, source: str) -> Message:
    """The event that says: hours that are over have changed."""
    moment = to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")
    attributes = {
        "specversion": "1.0",
        "id": str(uuid7(micros // 1_000)),
        "source": source,
        "type": CHANGED,
        "time": moment,
    }
    return Message(attributes, b"")
