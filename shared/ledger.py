"""The hour ledger's news: hours that are over have changed, so that their counts are to be rolled up again.

News are a hint. `rollup` looks at the ledger itself, so one that is lost costs a quarter of an hour of speed.
"""

from collections.abc import Sequence

from shared.bus import Message
from shared.clock import to_datetime
from shared.ids import uuid7
from shared.tracing import LINKS

CHANGED = "dev.sluice.hours.changed.v1"


def changed(micros: int, source: str, causes: Sequence[str] = ()) -> Message:
    """The event that says: hours that are over have changed.

    `causes` are traceparents of what changed them: it goes on in the trace of the first, and names the others.
    """
    moment = to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")
    attributes = {
        "specversion": "1.0",
        "id": str(uuid7(micros // 1_000)),
        "source": source,
        "type": CHANGED,
        "time": moment,
    }
    if causes:
        attributes["traceparent"] = causes[0]
    if causes[1:]:
        attributes[LINKS] = ",".join(causes[1:])
    return Message(attributes, b"")
