"""Every way a request can be written: JSON, NDJSON, CloudEvents, forms, base64, with or without its content type.

What the body is decides more than what it is called: old clients, beacons and `curl -d` call JSON text or a form.
The content type decides where the content cannot: CloudEvents, NDJSON of one line, another character set.
"""

import base64
import binascii
import functools
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from functions.ingest.parsing import Events, Limits, RawEvent, elements, members, parsed, too_many
from shared.encodings import decompress
from shared.refusals import Refusal, Rejected
from shared.security.keys import PREFIXES

PUBLIC_KEY = PREFIXES["public"]
_BOM = b"\xef\xbb\xbf"
_NDJSON = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "text/x-ndjson"}
)
_FORM = "application/x-www-form-urlencoded"
_ANY = frozenset({"", _FORM, "application/octet-stream"})  # types that say nothing of the content
_CHARSETS = {"iso-8859-1", "latin1", "windows-1250", "windows-1251", "windows-1252", "koi8-r"}
_CHARSETS |= {"utf-16", "utf-16le", "utf-16be"}
_MOST_BROKEN_ESCAPES = 10_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# Two objects with only a line break between them are never one JSON text.
_NEXT_OBJECT = re.compile(rb"\}[ \t]*\r?\n\s*\{")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{4,}={0,2}")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*)`", re.DOTALL)

KEY_FIELDS = ("key", "api_key", "apiKey", "write_key", "writeKey", "token")
_SENT = ("sent_at", "sentAt", "timestamp")
_NAMES = ("event", "event_type", "type", "name")
_FLAGS = ("historical_migration",)  # PostHog's libraries; it says how to store, not what happened

_optional = [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in ("events", "batch", *_NAMES)]
_optional += [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in (*KEY_FIELDS, *_SENT, *_FLAGS)]
_decode_wrapper = msgspec.json.Decoder(msgspec.defstruct("Wrapper", _optional)).decode
_decode_known = msgspec.json.Decoder(msgspec.defstruct("Known", _optional, forbid_unknown_fields=True)).decode


class _Type(NamedTuple):
    """What a Content-Type header says."""

    media: str
    charset: str


_JSON = _Type("application/json", "")


def read_events(body: bytes, headers: Mapping[str, str], limits: Limits) -> Events:
    """The events in an unpacked body; `headers` have lower-case names.

    Refuses the request where nothing of it can be told apart: `malformed_json`, `wrong_shape`, `too_many_events`,
    `not_a_cloudevent`, `unsupported_media_type`, `too_deep`, `duplicate_key`, `bad_text`. A line of NDJSON is not
    looked at: what is wrong with it is for whoever reads that event. The same goes for a single event.
    """
    content_type = headers.get("content-type", "")
    if content_type != "application/json":
        kind = _type_of(content_type)
        if kind.charset or body.startswith(_UTF16):
            body = _as_utf8(body, kind.charset)
        if kind.media.startswith("application/cloudevents"):
            return _read_cloudevents(body, kind.media, limits)
    else:
        kind = _JSON
    if "ce-specversion" in headers or "ce-type" in headers:
        from functions.ingest.cloudevents import read_binary

        return read_binary(headers, body, limits)
    if kind.media in _NDJSON:
        return _read_lines(body, limits)
    text = body.removeprefix(_BOM).strip()
    if text[:1] != b"{" and text[:1] != b"[":
        text = _uncovered(text, kind.media, limits)
    return _read_json(text, limits)


def key_from_address(query: bytes) -> str:
    """The public API key in a query string (`key=` or `api_key=`), '' without one.

    A secret key is not taken from an address, which ends up in logs: `key_missing` says so.
    """
    if b"key=" not in query:
        return ""
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name in {b"key", b"api_key"} and value:
            key = unquote_to_bytes(value).decode("latin-1")
            if not key.startswith(PUBLIC_KEY):
                detail = f"the address takes public keys ({PUBLIC_KEY}…) only; send a secret key as `X-API-Key`"
                raise Rejected(Refusal.KEY_MISSING, detail)
            return key
    return ""


@functools.lru_cache(maxsize=64)
def _type_of(content_type: str) -> _Type:
    media, *parameters = (part.strip().lower() for part in content_type[:200].split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            charset = value.strip(" \"'").replace("_", "-")
            return _Type(media, charset if charset in _CHARSETS else "")
    return _Type(media, "")


def _as_utf8(body: bytes, charset: str) -> bytes:
    """JSON is UTF-8, but .NET and older senders know better; a charset not listed counts as UTF-8."""
    try:
        return body.decode("utf-16" if body.startswith(_UTF16) else charset).encode()
    except UnicodeError as error:
        raise Rejected(Refusal.MALFORMED_JSON, f"the body is not {charset or 'UTF-16'}", position=0) from error


def _read_cloudevents(body: bytes, media: str, limits: Limits) -> Events:
    from functions.ingest.cloudevents import read_batch, read_structured

    text = body.removeprefix(_BOM).strip()
    match media:
        case "application/cloudevents+json":
            return read_structured(text, limits)
        case "application/cloudevents-batch+json":
            return read_batch(text, limits)
        case _:
            detail = f"CloudEvents are taken as JSON, one or a batch, not as {media[:80]!r}"
            raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, detail)


def _uncovered(text: bytes, media: str, limits: Limits) -> bytes:
    """The JSON inside a body that does not begin like any: a form's `data`, base64, or both."""
    if media == _FORM or text.startswith(b"data="):
        text = _from_form(text)
    spaceless = text.replace(b" ", b"+")  # what a form makes of the plus signs in base64
    if _BASE64.fullmatch(spaceless):
        text = _from_base64(text, spaceless, limits)
    text = text.removeprefix(_BOM).strip()
    if text.startswith((b"{", b"[")):
        return text
    if not (media in _ANY or media.startswith("text/") or "json" in media):
        detail = f"{media[:80]!r} is not taken; send JSON, NDJSON or CloudEvents"
        raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, detail)
    if not text:
        raise _empty()
    parsed(msgspec.json.decode, text)
    raise Rejected(Refusal.WRONG_SHAPE)


def _empty() -> Rejected:
    return Rejected(Refusal.MALFORMED_JSON, "the body is empty", position=0)


def _from_form(text: bytes) -> bytes:
    """The field `data` of a form; the others say how it was sent (`compression`, `ip`, `verbose`, `ver`)."""
    for part in text.split(b"&", 50):
        name, _, value = part.partition(b"=")
        if name == b"data":
            return _unescaped(value.replace(b"+", b" ")).strip()
    if b"=" in text.rstrip(b"="):  # at its end it may be the padding of base64, which `curl -d` calls a form
        raise Rejected(Refusal.WRONG_SHAPE, "the form has no field `data`; put the JSON there")
    return text


def _unescaped(value: bytes) -> bytes:
    """The bytes behind percent escapes; refuses more broken ones than anybody writes by mistake (`malformed_json`).

    The codec is fifty times as fast as urllib, which takes seconds for a body of nothing but escapes.
    """
    try:
        return value.replace(b"\\", b"\\x5c").replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError as error:
        if value.count(b"%") > _MOST_BROKEN_ESCAPES:
            detail = "the form's `data` holds a percent sign that begins no escape"
            raise Rejected(Refusal.MALFORMED_JSON, detail, position=0) from error
        return unquote_to_bytes(value)


def _from_base64(text: bytes, spaceless: bytes, limits: Limits) -> bytes:
    """What is behind base64, packed or not; the text itself where it is not base64 of anything we read."""
    padded = spaceless.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        behind = base64.b64decode(padded + b"=" * (-len(padded) % 4))
    except binascii.Error:
        return text
    unpacked = decompress(behind, "", limits.request_bytes)
    return unpacked if unpacked.lstrip(_BOM + b" \t\r\n")[:1] in {b"{", b"["} else text


def _read_json(text: bytes, limits: Limits) -> Events:
    """One object, a list, `{"events": […]}`, or several objects with a line each."""
    if text[:1] == b"[":
        return Events(elements(text, limits.events), single=False)
    find = text.find  # twice as fast as `in`, which first tries to read a number
    if find(b"\n") > 0 and _NEXT_OBJECT.search(text):
        return _read_lines(text, limits)
    if find(b'"events"') > 0 or (find(b"[") > 0 and find(b'"batch"') > 0):
        events = _read_wrapper(text, limits)
        if events is not None:
            return events
    if find(b'"sl') > 0 and (find(b'"slp_') > 0 or find(b'"sls_') > 0):
        return _without_key(text, limits)
    return Events([text], True)


def _read_lines(body: bytes, limits: Limits) -> Events:
    """One event a line; blank lines do not count."""
    text = body.removeprefix(_BOM).strip()
    if not text:
        raise _empty()
    if text[:1] == b"[":
        return Events(elements(text, limits.events), single=False)
    lines = text.split(b"\n", 2 * limits.events)
    if len(lines) > 2 * limits.events:
        raise Rejected(Refusal.TOO_MANY_EVENTS, f"more than {2 * limits.events} lines; at most {limits.events} events")
    raw = [stripped for line in lines if (stripped := line.strip())]
    if len(raw) > limits.events:
        raise too_many(len(raw), limits.events)
    return Events(raw, single=False)


def _read_wrapper(text: bytes, limits: Limits) -> Events | None:
    """The list in `{"events": […]}` or `{"batch": […]}`; None where the object is an event with such a property.

    Beside it may stand the key, and in a batch (as Segment's and PostHog's libraries send it) the time of sending,
    which is then each event's. Nothing else may: it would be lost.
    """
    unknown = ""
    try:
        wrapper = parsed(_decode_known, text)
    except msgspec.ValidationError as error:
        found = _UNKNOWN_FIELD.search(str(error))
        unknown = found[1] if found else "?"
        wrapper = parsed(_decode_wrapper, text)
    given = {
        name: bytes(value) for name, value in msgspec.structs.asdict(wrapper).items() if value is not msgspec.UNSET
    }
    if "events" in given:
        name, is_event = "events", "event" in given
    else:
        listed = given.get("batch", b"").startswith(b"[")
        name, is_event = "batch", not listed or any(spelling in given for spelling in _NAMES)
    if is_event:
        return None
    listing = given.pop(name)
    key = _taken_key(given)
    sent = _taken_time(given) if name == "batch" else b""
    if beside := unknown or min(given, default=""):
        raise Rejected(Refusal.WRONG_SHAPE, _beside(name, beside))
    if not listing.startswith(b"["):
        raise Rejected(Refusal.WRONG_SHAPE, f"`{name}` must be a list of events")
    quoted = b'"%s"' % name.encode()
    if text.count(quoted) - listing.count(quoted) > 1:
        raise Rejected(Refusal.DUPLICATE_KEY, f"`{name}` is given twice")
    raw: list[RawEvent] = list(elements(listing, limits.events))
    return Events([_sent_at(event, sent) for event in raw] if sent else raw, single=False, key=key)


def _beside(name: str, beside: str) -> str:
    if beside in KEY_FIELDS:
        return f"{beside!r} beside `{name}` is no key of ours: a public key begins with {PUBLIC_KEY}"
    return f"beside `{name}` stands {beside!r}; put it into each event"


def _taken_key(given: dict[str, bytes]) -> str:
    """The public key among the members of an object, which lose every key of ours: none of them may be stored."""
    key = ""
    for name in KEY_FIELDS:
        value = given.get(name, b"")
        if value.startswith((b'"slp_', b'"sls_')):
            del given[name]
            key = key or (value[1:-1].decode("latin-1") if value.startswith(b'"slp_') else "")
    return key


def _taken_time(given: dict[str, bytes]) -> bytes:
    for flag in _FLAGS:
        given.pop(flag, None)
    times = [given.pop(name) for name in _SENT if name in given]
    return times[0] if times else b""


def _sent_at(event: RawEvent, sent: bytes) -> bytes:
    """The event with the time of sending of its batch, unless it has one or is no object."""
    raw = bytes(event)
    if not raw.startswith(b"{") or b'"sent_at"' in raw or not raw[1:-1].strip():
        return raw
    return raw[:-1] + b',"sent_at":' + sent + b"}"


def _without_key(text: bytes, limits: Limits) -> Events:
    """A single event without the API key at its top level; anything else there named `key` is a property."""
    if len(text) > limits.event_bytes:  # refused for that by whoever reads it
        return Events([text], single=True)
    fields = members(text, limits.event_bytes)
    given = {name: bytes(value) for name, value in fields.items()}
    key = _taken_key(given)
    if len(given) == len(fields):
        return Events([text], single=True)
    left = {name: value for name, value in fields.items() if name in given}
    return Events([msgspec.json.encode(left)], single=True, key=key)
