"""Refused events as they are kept → what was sent."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

_CUT_OFF = re.compile(r"\(the first \d+ of \d+ bytes are kept\)")


class Refused(NamedTuple):
    """A row of `rejected_events`; `raw` is None where what was sent is not all there."""

    batch_id: str
    position: int
    received_at: int
    raw: bytes | None

    @property
    def name(self) -> str:
        """What its events are known by."""
        return f"{self.batch_id}:{self.position}"


class _Row(msgspec.Struct):
    """What ingest had made of an event before the warehouse refused it."""

    event: str
    event_id: str
    timestamp: str
    client_id: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    session_id: str = ""
    sent_at: str | None = None
    url: str = ""
    properties_raw: msgspec.Raw = msgspec.Raw(b"{}")
    context_raw: msgspec.Raw = msgspec.Raw(b"{}")


def refused_of(row: Sequence[Any]) -> Refused:
    """A row of sql/waiting.sql."""
    batch_id, position, received_at, raw, encoding, source, detail = row
    sent = None if not raw or _CUT_OFF.search(detail) else _decoded(raw, encoding)
    if sent is not None and source == "store":
        sent = as_sent(sent)
    return Refused(batch_id, position, received_at, sent)


def as_sent(row: bytes) -> bytes:
    """What ingest had made of an event, as an event again; what is no such row stays as it is."""
    try:
        held = msgspec.json.decode(row, type=_Row)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return row
    event: dict[str, Any] = {
        "event": held.event,
        "id": held.client_id or held.event_id,
        "timestamp": f"{held.timestamp.replace(' ', 'T')}Z",
        "properties": held.properties_raw,
    }
    more: dict[str, Any] = {
        "user_id": held.user_id,
        "anonymous_id": held.anonymous_id,
        "session_id": held.session_id,
        "url": held.url,
        "sent_at": held.sent_at and f"{held.sent_at.replace(' ', 'T')}Z",
    }
    event.update({name: value for name, value in more.items() if value})
    if bytes(held.context_raw) != b"{}":
        event["context"] = held.context_raw
    return msgspec.json.encode(event)


def _decoded(raw: str, encoding: str) -> bytes | None:
    if encoding != "base64":
        return raw.encode()
    try:
        return base64.b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        return None
