"""The record: what one bus message carries from ingest to batch_write. Frozen; see docs/events.md.

A record is one CloudEvent of one project. Its data is NDJSON: one line a row of the `events` table, ids and
timestamps already final, so that batch_write passes the bytes on as they are. Events that were refused travel the
same way on a topic of their own, one line a row of `rejected_events`.
"""

import base64
import binascii
import codecs
import struct
import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec

from shared.bus import Message
from shared.clock import to_datetime

EVENTS_TOPIC = "events"
# What functions tell each other.
CONTROL_TOPIC = "control"
ACCEPTED = "dev.sluice.events.accepted.v1"
REJECTED_TOPIC = "rejected"
REJECTED = "dev.sluice.events.rejected.v1"
SOURCE = "/sluice/ingest"
MAX_RECORD_BYTES = 900 * 1024
# Of one refused event; the rest is cut off, which its detail then says.
MAX_RAW_BYTES = 512 * 1024


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
    event: str = ""


_encoder = msgspec.json.Encoder()


def encode_line(row: Row) -> bytes:
    """A row as an open line: JSON without its closing brace, which `record` adds with project and batch."""
    return _encoder.encode(row)[:-1]


def record(
    *,
    project_id: str,
    batch_id: uuid.UUID,
    lines: Sequence[bytes],
    micros: int,
    traceparent: str = "",
    event_type: str = ACCEPTED,
) -> Message:
    """One record from open lines; `micros` is when it was accepted."""
    end = f',"project_id":"{project_id}","batch_id":"{batch_id}"}}\n'.encode()
    attributes = {
        "specversion": "1.0",
        "id": str(batch_id),
        "source": SOURCE,
        "type": event_type,
        "time": to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/x-ndjson",
        "project": project_id,
        "eventcount": str(len(lines)),
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return Message(attributes, end.join(lines) + end)


class RefusedEvent(NamedTuple):
    """One refused event: its place in the request as sent, why, what to change, and its bytes as they came.

    `event` is its name where that much could be read. A body that could not be taken apart is one at position 0.
    """

    position: int
    reason: str
    detail: str
    raw: bytes
    event: str = ""


class RejectedRow(msgspec.Struct, omit_defaults=True):
    """A row of `rejected_events`; `source` says who refused it, `raw_encoding` how `raw` holds its bytes."""

    position: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    received_at: str
    reason: str
    detail: str
    raw: str
    raw_encoding: Literal["utf-8", "base64"]
    source: Literal["ingest", "store"]
    key_prefix: str = ""
    event: str = ""
    request_id: str = ""
    project_id: str = ""
    batch_id: str = ""


_MAX_TEXT = 1_000  # characters of a name or a detail
_MAX_CLOSING = 128  # bytes that `record` puts behind a line


def rejected_records(
    *,
    project_id: str,
    batch_id: uuid.UUID,
    events: Iterable[RefusedEvent],
    micros: int,
    key_prefix: str = "",
    request_id: str = "",
    traceparent: str = "",
) -> list[Message]:
    """The records of what one request had refused, for REJECTED_TOPIC: at most MAX_RECORD_BYTES each.

    Their ids follow one another from `batch_id` on, which is this request's alone. `micros` is when they came. An
    event keeps its first MAX_RAW_BYTES.
    """
    received_at = to_datetime(micros).replace(tzinfo=None).isoformat(" ", "microseconds")
    parts: list[list[bytes]] = []
    size = MAX_RECORD_BYTES
    for refused in events:
        row = rejected_row(refused, received_at, "ingest")
        row.key_prefix, row.request_id = key_prefix, _clean(request_id)
        line = _encoder.encode(row)[:-1]
        size += len(line) + _MAX_CLOSING
        if size > MAX_RECORD_BYTES:
            parts.append([])
            size = len(line) + _MAX_CLOSING
        parts[-1].append(line)
    return [
        record(
            project_id=project_id,
            batch_id=part_id(batch_id, number),
            lines=lines,
            micros=micros,
            traceparent=traceparent,
            event_type=REJECTED,
        )
        for number, lines in enumerate(parts)
    ]


def rejected_row(refused: RefusedEvent, received_at: str, source: Literal["ingest", "store"]) -> RejectedRow:
    """What is kept of one refused event: its text, or its bytes as base64 where they are no UTF-8."""
    kept, detail = refused.raw[:MAX_RAW_BYTES], _clean(refused.detail)
    if len(kept) < len(refused.raw):
        detail += f" (the first {len(kept)} of {len(refused.raw)} bytes are kept)"
    raw, raw_encoding = _as_text(kept)
    return RejectedRow(
        position=refused.position,
        received_at=received_at,
        reason=str(refused.reason),
        detail=detail,
        raw=raw,
        raw_encoding=raw_encoding,
        source=source,
        event=_clean(refused.event),
    )


def _as_text(kept: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        # Not final: a character that the cut went through is left out instead of being a fault.
        text = codecs.getincrementaldecoder("utf-8")().decode(kept, final=len(kept) < MAX_RAW_BYTES)
    except UnicodeDecodeError:
        text = None
    # Text made of what JSON escapes, at up to six bytes each, would not fit in a record.
    if text is None or len(_encoder.encode(text)) > 3 * MAX_RAW_BYTES // 2:
        return base64.b64encode(kept).decode(), "base64"
    return text, "utf-8"


def _clean(text: str) -> str:
    """A text that can be written as UTF-8, not longer than people read."""
    return text[:_MAX_TEXT].encode(errors="replace").decode()


class Receipt(msgspec.Struct, frozen=True):
    """Where a request's events are: `parts` records from `batch_id` on, `rows` of them this request's.

    Its own rows begin at line `first` of the first record and go on without a gap, as others share the records.
    What was refused is in `refused_parts` records from `refused_id` on, `refused` events in all; a request of
    which nothing was accepted has no other parts.
    """

    project_id: uuid.UUID
    batch_id: uuid.UUID
    parts: int
    rows: int
    first: int = 0
    refused_id: uuid.UUID | None = None
    refused_parts: int = 0
    refused: int = 0

    def token(self) -> str:
        """The opaque text a client gets."""
        packed = self.project_id.bytes + self.batch_id.bytes + _OF_ROWS.pack(self.parts, self.rows, self.first)
        if self.refused_id is not None:
            packed += self.refused_id.bytes + _OF_REFUSED.pack(self.refused_parts, self.refused)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def batches(self) -> list[uuid.UUID]:
        """The ids of its records."""
        return [part_id(self.batch_id, part) for part in range(self.parts)]

    def refused_batches(self) -> list[uuid.UUID]:
        """The ids of the records of what was refused."""
        return [part_id(self.refused_id, part) for part in range(self.refused_parts)] if self.refused_id else []


_OF_ROWS = struct.Struct(">HII")
_OF_REFUSED = struct.Struct(">HI")
_SHORT = 16 + 16 + _OF_ROWS.size
_LONG = _SHORT + 16 + _OF_REFUSED.size
_IDS = 1 << 128


def read_receipt(token: str) -> Receipt | None:
    """The receipt behind a token; None where it is malformed."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(packed) not in {_SHORT, _LONG}:
        return None
    batch_id = uuid.UUID(bytes=packed[16:32])
    receipt = Receipt(uuid.UUID(bytes=packed[:16]), batch_id, *_OF_ROWS.unpack(packed[32:_SHORT]))
    if len(packed) == _LONG:
        refused_parts, refused = _OF_REFUSED.unpack(packed[_SHORT + 16 :])
        refused_id = uuid.UUID(bytes=packed[_SHORT : _SHORT + 16])
        receipt = msgspec.structs.replace(receipt, refused_id=refused_id, refused_parts=refused_parts, refused=refused)
    return receipt if receipt.token() == token and _is_in_range(receipt) else None


def _is_in_range(receipt: Receipt) -> bool:
    refused = receipt.refused_id or receipt.batch_id
    return max(receipt.batch_id.int + receipt.parts, refused.int + receipt.refused_parts) <= _IDS


def part_id(first: uuid.UUID, part: int) -> uuid.UUID:
    """The id of the `part`-th record after `first`: consecutive, so that a receipt names a range."""
    return uuid.UUID(int=first.int + part) if part else first
