"""One event as sent → one row of the warehouse, or a refusal. Plain code: no HTTP, no clients."""

import functools
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from functions.ingest.objects import NULL, checked_object, refuse_duplicate_keys
from shared.clock import to_datetime
from shared.events import Row
from shared.ids import named, uuid7_micros, uuid7_text
from shared.refusals import Refusal, Rejected

MAX_NAME = 200
MAX_IDENTIFIER = 512
MAX_URL = 4_096


class EventLimits(NamedTuple):
    """What one event may be at most; each is a setting of ingest."""

    event_bytes: int = 64 * 1024
    properties: int = 255
    depth: int = 32
    ahead_seconds: int = 24 * 3_600


DEFAULT_LIMITS = EventLimits()

# Epoch numbers by magnitude (DESIGN §2a): below the first they are seconds, below the second milliseconds.
_SECONDS_BELOW = 100_000_000_000
_MILLIS_BELOW = 100_000_000_000_000

# The field of ours ← the spellings clients use, the first one present wins; the others stay properties.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "event": ("event", "event_type", "type", "name"),
    "user_id": ("user_id", "userId", "distinct_id"),
    "anonymous_id": ("anonymous_id", "anonymousId"),
    "session_id": ("session_id", "sessionId"),
    "timestamp": ("timestamp", "time", "ts"),
    "sent_at": ("sent_at",),
    "properties": ("properties", "payload", "metadata", "data"),
    "context": ("context",),
    "url": ("page_url", "url", "page"),
    "id": ("id", "event_id", "messageId"),
}

_PLACES = {spelling: (name, rank) for name, spellings in SPELLINGS.items() for rank, spelling in enumerate(spellings)}

_CANONICAL_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNUSABLE_UUIDS = frozenset({"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"})
_PLAIN_ISO = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z"')
_NULL_ESCAPE = b"\\u0000"
_NULL_CHARACTER = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # a backslash before it would make it plain text
# Seconds, milliseconds or microseconds of our days, as a cell of a file holds them.
_EPOCH_TEXT = re.compile(r"\d{10}(?:\.\d{1,6})?|\d{13}|\d{16}")
_INTEGER = re.compile(rb"-?\d{1,40}")
_TEXT_OR_NULL = (b'"', b"n")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_time = msgspec.json.Decoder(str | int | float).decode

Fields = dict[str, msgspec.Raw]


class Arrival(msgspec.Struct, frozen=True):
    """What is known of the request an event came in: its project, when it arrived, and what is allowed."""

    project_id: uuid.UUID
    micros: int
    received_at: str
    latest: datetime
    limits: EventLimits


def arrival(project_id: uuid.UUID, micros: int, limits: EventLimits = DEFAULT_LIMITS) -> Arrival:
    """`micros` since 1970 as an Arrival, with the warehouse's text of it."""
    seconds, rest = divmod(micros, 1_000_000)
    text, latest = _second(seconds, limits.ahead_seconds)
    return Arrival(project_id, micros, f"{text}.{rest:06}", latest, limits)


@functools.lru_cache(maxsize=8)
def _second(seconds: int, ahead: int) -> tuple[str, datetime]:
    """A second as the warehouse's text, and the latest time an event that arrives in it may have."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return str(moment.replace(tzinfo=None)), moment + timedelta(seconds=ahead)


class Identity(NamedTuple):
    """The id of an event that brings none itself: a CloudEvent's, or one made of its request's Idempotency-Key."""

    event_id: uuid.UUID
    client_id: str = ""
    by_key: bool = False


class Valid(NamedTuple):
    """A sound event: its row, its JSON objects decoded, and how it is dated where nothing in it says when it happened.

    `undated`: "" has its time; "by_id" has an id of the client's, under which its first sight is kept; "by_key"
    has only its request's Idempotency-Key.
    """

    row: Row
    properties: dict[str, Any]
    context: dict[str, Any]
    undated: Literal["", "by_id", "by_key"]


class _Sent(msgspec.Struct, forbid_unknown_fields=True):
    """An event as sent under our own names, its identifiers as texts; null is the same as absent."""

    event: str | msgspec.UnsetType | None = msgspec.UNSET
    user_id: str | msgspec.UnsetType | None = msgspec.UNSET
    anonymous_id: str | msgspec.UnsetType | None = msgspec.UNSET
    session_id: str | msgspec.UnsetType | None = msgspec.UNSET
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    timestamp: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    sent_at: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    properties: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    context: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    url: str | msgspec.UnsetType | None = msgspec.UNSET


_decode_sent = msgspec.json.Decoder(_Sent).decode
_FIELDS = len(_Sent.__struct_fields__)


def validate(raw: bytes, arrived: Arrival, entropy: bytes, identity: Identity | None = None) -> Valid:
    """One event as it will be stored; raises Rejected with the reason, msgspec.DecodeError where it is no JSON at all.

    `entropy`: ten random bytes for a new id. `identity`: the id of an event that brings none of its own.
    """
    if len(raw) > arrived.limits.event_bytes:
        raise Rejected(Refusal.EVENT_TOO_LARGE, f"{len(raw)} bytes; at most {arrived.limits.event_bytes}")
    if _NULL_ESCAPE in raw and _NULL_CHARACTER.search(raw):
        raise Rejected(Refusal.BAD_TEXT, "a text holds a null character (\\u0000) or half of a surrogate pair")
    sent, top_keys = _read(raw)
    limits = arrived.limits
    properties, tree, keys = checked_object(sent.properties, "properties", limits.properties, limits.depth)
    context, context_tree, context_keys = checked_object(sent.context, "context", limits.properties, limits.depth)
    event_id, client_id = _identity(sent.id, arrived, entropy, identity)
    timestamp = _timestamp(sent, event_id, arrived)
    row = Row(
        event=_name(sent.event or ""),
        event_id=event_id,
        timestamp=timestamp or arrived.received_at,
        received_at=arrived.received_at,
        user_id=_bounded(sent.user_id, "user_id") if sent.user_id else "",
        anonymous_id=_bounded(sent.anonymous_id, "anonymous_id") if sent.anonymous_id else "",
        session_id=_bounded(sent.session_id, "session_id") if sent.session_id else "",
        client_id=client_id,
        sent_at=None if sent.sent_at is msgspec.UNSET else _sent_at(sent.sent_at, arrived),
        properties_raw=properties,
        context_raw=context,
        url=_url(sent.url) if sent.url else "",
    )
    refuse_duplicate_keys(raw, top_keys + keys + context_keys)
    return Valid(row, tree, context_tree, "" if timestamp else _undated(sent, identity))


def _read(raw: bytes) -> tuple[_Sent, int]:
    """The event under our names, and how many of its top-level keys are ours.

    Most events are spelt our way and decoded in one step; any other spelling or type takes the long way round.
    """
    try:
        sent = _decode_sent(raw)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return _read_any(raw)
    return sent, _FIELDS - msgspec.structs.astuple(sent).count(msgspec.UNSET)


def _read_any(raw: bytes) -> tuple[_Sent, int]:
    fields = _object(raw, "an event")
    known, extra = _split(fields)
    sent = _Sent(
        event=_text(known["event"], "event") if "event" in known else None,
        user_id=_identifier(known, "user_id"),
        anonymous_id=_identifier(known, "anonymous_id"),
        session_id=_identifier(known, "session_id"),
        id=_identifier(known, "id"),
        timestamp=known.get("timestamp", msgspec.UNSET),
        sent_at=known.get("sent_at", msgspec.UNSET),
        properties=_with_extra(known.get("properties"), extra),
        context=known.get("context", msgspec.UNSET),
        url=_text(known["url"], "url") if "url" in known else None,
    )
    return sent, len(fields) - len(extra)


def _object(raw: bytes | msgspec.Raw, what: str) -> Fields:
    try:
        return _decode_fields(raw)
    except msgspec.ValidationError as error:
        raise Rejected(Refusal.NOT_AN_OBJECT, f"{what} must be a JSON object") from error
    except UnicodeDecodeError as error:
        raise Rejected(Refusal.BAD_TEXT, f"{what} holds text that is not valid Unicode") from error


def _split(fields: Fields) -> tuple[Fields, Fields]:
    """Our fields under our names, and everything else; null is the same as absent for ours."""
    known: Fields = {}
    taken: set[str] = set()
    for name, spellings in SPELLINGS.items():
        for spelling in spellings:
            if spelling in fields:
                if name == "url" and bytes(fields[spelling])[:1] not in _TEXT_OR_NULL:
                    continue  # a page as an object is a property like any other
                taken.add(spelling)
                if fields[spelling] != NULL:
                    known[name] = fields[spelling]
                    break
    return known, {name: value for name, value in fields.items() if name not in taken}


def _with_extra(properties: msgspec.Raw | None, extra: Fields) -> msgspec.Raw | msgspec.UnsetType:
    """The properties with the unknown top-level fields added at their end, nobody's bytes changed."""
    if not extra:
        return msgspec.UNSET if properties is None else properties
    added = msgspec.json.encode(extra)
    if properties is None:
        return msgspec.Raw(added)
    inside = _object(properties, "`properties`")
    for name in extra.keys() & inside.keys():
        raise Rejected(Refusal.DUPLICATE_KEY, f"{name!r} stands at the top level and in the properties")
    return msgspec.Raw(bytes(properties).rstrip()[:-1] + b"," + added[1:]) if inside else msgspec.Raw(added)


def _text(raw: msgspec.Raw, field: str) -> str:
    try:
        return _decode_text(raw)
    except msgspec.ValidationError as error:
        raise Rejected(Refusal.WRONG_TYPE, f"`{field}` must be a text") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(Refusal.BAD_TEXT, f"`{field}` is not valid Unicode") from error


def _name(name: str) -> str:
    if not name.strip():
        raise Rejected(Refusal.NAME_MISSING)
    if len(name) > MAX_NAME:
        raise Rejected(Refusal.NAME_TOO_LONG, f"{len(name)} characters; at most {MAX_NAME}")
    return name


def _identifier(known: Fields, field: str) -> str | None:
    """A text, or an integer as its digits; None where absent."""
    raw = known.get(field)
    if raw is None:
        return None
    data = bytes(raw)
    return data.decode() if _INTEGER.fullmatch(data) else _text(raw, field)


def _bounded(text: str, field: str) -> str:
    if len(text) > MAX_IDENTIFIER:
        raise Rejected(Refusal.VALUE_TOO_LONG, f"`{field}` has {len(text)} characters; at most {MAX_IDENTIFIER}")
    return text


def _undated(sent: _Sent, identity: Identity | None) -> Literal["", "by_id", "by_key"]:
    if sent.id:
        return "by_id"
    if identity is None:
        return ""  # nobody can repeat it: it happened when it arrived
    return "by_key" if identity.by_key else "by_id"


def _url(text: str) -> str:
    if len(text) > MAX_URL:
        raise Rejected(Refusal.VALUE_TOO_LONG, f"the page's URL has {len(text)} characters; at most {MAX_URL}")
    return text


def _identity(
    text: str | msgspec.UnsetType | None, arrived: Arrival, entropy: bytes, identity: Identity | None
) -> tuple[str, str]:
    """The event's UUID, and the client's own id where it was not a UUID already."""
    if text is None or text is msgspec.UNSET:
        if identity is not None:
            return str(identity.event_id), identity.client_id
        return uuid7_text(arrived.micros // 1_000, entropy), ""
    if not text.strip():
        raise Rejected(Refusal.BAD_ID, "the id is empty; leave it out or send a text")
    if not _CANONICAL_UUID.fullmatch(text):
        return str(named(arrived.project_id, _bounded(text, "id"))), text
    lower = text.lower()
    if lower in _UNUSABLE_UUIDS:
        raise Rejected(Refusal.BAD_ID, "the nil and the max UUID are not ids")
    return lower, ""


def _timestamp(sent: _Sent, event_id: str, arrived: Arrival) -> str:
    """When it happened; without a timestamp the time inside a client's UUIDv7; '' where neither is there."""
    raw = sent.timestamp
    if raw is not msgspec.UNSET and raw != NULL:
        return _plain_iso(bytes(raw), arrived) or _warehouse_text(_usable_moment(raw, "timestamp", arrived))
    inside = uuid7_micros(uuid.UUID(event_id)) if sent.id else None
    if inside is None:
        return ""
    if inside > arrived.micros + arrived.limits.ahead_seconds * 1_000_000:
        raise Rejected(Refusal.BAD_TIMESTAMP, "the time inside the id, a UUIDv7, is too far ahead")
    moment = to_datetime(inside)
    _refuse_out_of_range(moment, arrived)
    return _warehouse_text(moment)


def _plain_iso(data: bytes, arrived: Arrival) -> str:
    """A time as most clients write it is what the warehouse reads, but for two letters; '' for any other."""
    if not _PLAIN_ISO.fullmatch(data):
        return ""
    text = data[1:-1].decode()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # a 30th of February, which has its refusal elsewhere
        return ""
    return f"{text[:10]} {text[11:-1]}" if _EPOCH <= moment <= arrived.latest else ""


def _sent_at(raw: msgspec.Raw, arrived: Arrival) -> str | None:
    if raw == NULL:
        return None
    return _warehouse_text(_usable_moment(raw, "sent_at", arrived))


def _usable_moment(raw: msgspec.Raw, field: str, arrived: Arrival) -> datetime:
    moment = _moment(raw, field)
    _refuse_out_of_range(moment, arrived)
    return moment


def _refuse_out_of_range(moment: datetime, arrived: Arrival) -> None:
    if not _EPOCH <= moment <= arrived.latest:
        hours = arrived.limits.ahead_seconds / 3_600
        raise Rejected(Refusal.BAD_TIMESTAMP, f"{moment.isoformat()} is before 1970 or over {hours:g} hours ahead")


def _moment(raw: msgspec.Raw, field: str) -> datetime:
    """ISO 8601 (naive means UTC), or an epoch number whose magnitude tells its unit."""
    try:
        value = _decode_time(raw)
        if isinstance(value, str):
            if not _EPOCH_TEXT.fullmatch(value):
                return _iso(value)
            value = float(value) if "." in value else int(value)
        return _EPOCH + timedelta(microseconds=_epoch_micros(value))
    except (msgspec.MsgspecError, ValueError, OverflowError, UnicodeDecodeError) as error:
        shown = bytes(raw)[:60].decode(errors="replace")
        raise Rejected(
            Refusal.BAD_TIMESTAMP, f"`{field}` {shown} is neither ISO 8601 nor a number of seconds since 1970"
        ) from error


def _iso(text: str) -> datetime:
    """ISO 8601; stricter than Python's reading, which takes any letter between date and time, or an offset for one."""
    if "T" in text or " " in text or "t" in text:
        moment = datetime.fromisoformat(text)
    else:
        moment = datetime.combine(date.fromisoformat(text), datetime.min.time())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _epoch_micros(value: float) -> int:
    if value < _SECONDS_BELOW:
        return round(value * 1_000_000)
    return round(value * 1_000) if value < _MILLIS_BELOW else round(value)


def _warehouse_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
