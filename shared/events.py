"""The record: what one bus message carries from ingest to batch_write. Frozen; see docs/events.md.

A record is one CloudEvent of one project. Its data is NDJSON: one line a row of the `events` table, ids and
timestamps already final, so that batch_write passes the bytes on as they are.
"""

import base64
import binascii
import struct
import uuid
from collections.abc import Sequence

import msgspec

from shared.bus import Message
from shared.clock import to_datetime

EVENTS_TOPIC = "events"
ACCEPTED = "dev.sluice.events.accepted.v1"
SOURCE = "/sluice/ingest"
MAX_RECORD_BYTES = 900 * 1024


class Row(msgspec.Struct, omit_defaults=True):
    """One accepted event, in the columns of the `events` table; project and batch are added by `record`.

    Times are UTC texts with microseconds (`2026-01-31 12:00:00.000000`); `properties_raw` and `context_raw` are
    the client's own JSON objects, byte for byte but for line breaks between tokens.
    """

    event: str
    event_id: str
    timestamp: str
    received_at: str
    user_id: str = ""
    anonymous_id: str = ""
    session_id: str = ""
    client_id: str = ""
    sent_at: str | None = None
    properties_raw: msgspec.Raw = msgspec.Raw(b"{}")
    context_raw: msgspec.Raw = msgspec.Raw(b"{}")
    url: str = ""
    hostname: str = ""
    path: str = ""
    referrer: str = ""
    referrer_domain: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    channel: str = ""
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""
    country: str = ""
    ip: str = ""
    bot: bool = False
    bot_reason: str = ""
    library: str = ""
    library_version: str = ""
    revenue: float | None = None
    currency: str = ""
    lookups: dict[str, str] = {}


class RowHead(msgspec.Struct):
    """What batch_write needs to know of a line; the rest it never decodes."""

    project_id: str
    timestamp: str


_encoder = msgspec.json.Encoder()


def encode_line(row: Row) -> bytes:
    """A row as an open line: JSON without its closing brace, which `record` adds with project and batch."""
    return _encoder.encode(row)[:-1]


def record(
    *, project_id: str, batch_id: uuid.UUID, lines: Sequence[bytes], micros: int, traceparent: str = ""
) -> Message:
    """One record from open lines; `micros` is when it was accepted."""
    end = f',"project_id":"{project_id}","batch_id":"{batch_id}"}}\n'.encode()
    attributes = {
        "specversion": "1.0",
        "id": str(batch_id),
        "source": SOURCE,
        "type": ACCEPTED,
        "time": to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/x-ndjson",
        "project": project_id,
        "eventcount": str(len(lines)),
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return Message(attributes, end.join(lines) + end)


class Receipt(msgspec.Struct, frozen=True):
    """Where an accepted request's events are: `parts` records from `batch_id` on, `rows` of them this request's."""

    project_id: uuid.UUID
    batch_id: uuid.UUID
    parts: int
    rows: int

    def token(self) -> str:
        """The opaque text a client gets."""
        packed = self.project_id.bytes + self.batch_id.bytes + struct.pack(">HI", self.parts, self.rows)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def batches(self) -> list[uuid.UUID]:
        """The ids of its records."""
        return [part_id(self.batch_id, part) for part in range(self.parts)]


_TOKEN_BYTES = 16 + 16 + 6
_IDS = 1 << 128


def read_receipt(token: str) -> Receipt | None:
    """The receipt behind a token; None where it is malformed."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(packed) != _TOKEN_BYTES:
        return None
    parts, rows = struct.unpack(">HI", packed[32:])
    first = uuid.UUID(bytes=packed[16:32])
    receipt = Receipt(uuid.UUID(bytes=packed[:16]), first, parts, rows)
    return receipt if receipt.token() == token and first.int + parts <= _IDS else None


def part_id(first: uuid.UUID, part: int) -> uuid.UUID:
    """The id of the `part`-th record after `first`: consecutive, so that a receipt names a range."""
    return uuid.UUID(int=first.int + part) if part else first
