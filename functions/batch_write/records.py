"""A record as it comes off the bus: its envelope read, its lines split but not decoded."""

import uuid
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from shared.bus import Message
from shared.clock import to_micros
from shared.events import REJECTED
from shared.refusals import Refusal, Rejected

# What the ledger's 32-bit hours can hold.
YEARS = range(1970, 2106)


class Position(NamedTuple):
    """Where the record stood on the bus."""

    partition: int
    offset: int


# In `batches` a place is one on the topic of events: records of another topic have none there.
NOWHERE = Position(-1, -1)


class Record(NamedTuple):
    """A record as it came off the bus, its lines split but not decoded; `refused` where ingest refused them.

    `eventcount` is how many events ingest says there are, None where it does not; `resent` how often it was a dead
    letter.
    """

    project_id: str
    batch_id: str
    received_at: str
    position: Position
    lines: list[bytes]
    refused: bool = False
    eventcount: int | None = None
    resent: int = 0


def read_record(message: Message) -> Record:
    """The record in a CloudEvent; raises Rejected where its envelope can never be stored."""
    attributes = message.attributes
    refused = attributes["type"] == REJECTED
    try:
        position = Position(
            _place(attributes.get("knativekafkapartition", "-1"), bits=31),
            _place(attributes.get("knativekafkaoffset", "-1"), bits=63),
        )
        return Record(
            project_id=str(msgspec.convert(attributes["project"], uuid.UUID)),
            batch_id=str(msgspec.convert(attributes["id"], uuid.UUID)),
            received_at=_moment(attributes["time"]),
            position=NOWHERE if refused else position,
            lines=message.data.splitlines(),
            refused=refused,
            eventcount=_count(attributes["eventcount"]) if "eventcount" in attributes else None,
            resent=_count(attributes.get("resent", "0")),
        )
    except (KeyError, ValueError, OverflowError, msgspec.ValidationError) as error:
        raise Rejected(Refusal.NOT_A_CLOUDEVENT, f"not a record of events: {error!r}") from error


def _moment(text: str) -> str:
    """An attribute's time as the warehouse's text; raises ValueError where a column could not hold it."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.astimezone(UTC).year not in YEARS:
        raise ValueError(f"the time {text!r} has no offset or is out of range")
    return warehouse_text(moment)


def warehouse_text(moment: datetime) -> str:
    """A time as the warehouse's text: UTC, microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def micros(text: str) -> int:
    """A time in the warehouse's text, in microseconds since 1970."""
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _place(text: str, *, bits: int) -> int:
    place = int(text)
    if not -1 <= place < 1 << bits:
        raise ValueError(f"{text} is no place on a bus")
    return place


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count < 1 << 32:
        raise ValueError(f"{text} is no number of events")
    return count
