"""CloudEvents as product events, in all three HTTP modes: binary, structured and batched.

`type` is the event's name, `time` its timestamp, (`source`, `id`) its identity. `data` becomes the properties: an
object as it is, anything else under the name `data`; what is not JSON is kept as text under `data`, or as base64
under `data_base64`. All other attributes, extensions too, stand in the property `cloudevent`, where queries reach
them (`properties.cloudevent.subject`).

Who it was is taken from the data (`user_id`, `anonymous_id`, `session_id` in any spelling), else from the extensions
`userid`, `anonymousid`, `sessionid`. Data with an object `properties` is one of our own events in an envelope: its
`context` and `sent_at` count too, and its `timestamp` where the envelope has no `time`.
"""

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from functions.ingest.parsing import Events, Fields, Limits, elements, members, parsed
from functions.ingest.validate import SPELLINGS
from shared.cloudevent import CloudEventError, decode
from shared.refusals import Refusal, Rejected

_REQUIRED = ("specversion", "id", "source", "type")
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
_NULL = msgspec.Raw(b"null")
_NOTHING = (b"null", b'""')
_WHO = {"userid": "user_id", "anonymousid": "anonymous_id", "sessionid": "session_id"}
_ENVELOPE = "cloudevent"

_TEXT_OR_INTEGER = (b'"', b"-", *(b"%d" % digit for digit in range(10)))

_decode_text = msgspec.json.Decoder(str).decode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


class _Converted(NamedTuple):
    event: bytes
    identity: tuple[str, str]


def read_binary(headers: Mapping[str, str], body: bytes, limits: Limits) -> Events:
    """One event whose attributes are the headers `ce-…` and whose data is the body."""
    message = decode(headers, body)
    attributes = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in message.attributes.items()}
    data = _data_of_bytes(message.data, message.attributes.get("datacontenttype", ""))
    converted = _converted(attributes, data, limits)
    return Events([converted.event], single=True, identities=[converted.identity])


def read_structured(text: bytes, limits: Limits) -> Events:
    """One event as a JSON object of attributes and data."""
    converted = _from_json(text, limits)
    return Events([converted.event], single=True, identities=[converted.identity], sent=[text])


def read_batch(text: bytes, limits: Limits) -> Events:
    """A JSON list of events; one that is no CloudEvent is refused alone."""
    if not text.startswith(b"["):
        raise CloudEventError("a batch is a JSON list of CloudEvents")
    raw: list[bytes] = []
    all_sent = elements(text, limits.events)
    identities: list[tuple[str, str]] = []
    refused: dict[int, Rejected] = {}
    for place, element in enumerate(all_sent):
        sent = bytes(element)
        try:
            event, identity = _from_json(sent, limits)
        except Rejected as rejected:
            refused[place] = rejected
            event, identity = sent, ("", "")
        raw.append(event)
        identities.append(identity)
    return Events(raw, single=False, identities=identities, refused=refused, sent=all_sent)


def _from_json(text: bytes, limits: Limits) -> _Converted:
    try:
        attributes = members(text, limits.event_bytes)
    except msgspec.ValidationError as error:
        raise CloudEventError("a CloudEvent is a JSON object") from error
    data, encoded = attributes.pop("data", _NULL), attributes.pop("data_base64", _NULL)
    attributes = {name: value for name, value in attributes.items() if bytes(value) not in _NOTHING}
    for name in _REQUIRED:
        if not bytes(attributes.get(name, _NULL)).startswith(b'"'):
            raise CloudEventError(f"the attribute {name!r} is missing, empty or no text")
    if bytes(attributes["specversion"]) != b'"1.0"':
        raise CloudEventError("the version is not supported; send 1.0")
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise CloudEventError(f"the attribute name {name[:60]!r} is not lower-case letters and digits")
        if bytes(value).startswith((b"{", b"[")):
            raise CloudEventError(f"the attribute {name!r} must not be an object or a list")
    if bytes(encoded) == b"null":
        return _converted(attributes, data, limits)
    if bytes(data) != b"null":
        raise CloudEventError("`data` and `data_base64` exclude each other")
    content_type = _text(attributes, "datacontenttype") if "datacontenttype" in attributes else ""
    return _converted(attributes, _data_of_bytes(_from_base64(encoded), content_type), limits)


def _from_base64(encoded: msgspec.Raw) -> bytes:
    try:
        return base64.b64decode(_decode_text(encoded), validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CloudEventError("`data_base64` is not base64 text") from error


def _data_of_bytes(data: bytes, content_type: str) -> msgspec.Raw:
    """The data as JSON; what is not JSON as the members `data` or `data_base64` of an object."""
    data = data.strip()
    if not data:
        return _NULL
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.endswith(("/json", "+json")):
        return msgspec.Raw(data)
    if not media_type and data[:1] in b'{["':
        return msgspec.Raw(data)
    return msgspec.Raw(msgspec.json.encode(_as_member(data)))


def _as_member(data: bytes) -> dict[str, str]:
    """Text under `data`; bytes, and text with a null character that no text column holds, under `data_base64`."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {"data_base64": base64.b64encode(data).decode()} if "\0" in text else {"data": text}


def _converted(attributes: Fields, data: msgspec.Raw, limits: Limits) -> _Converted:
    """Our event, under our own names, and whose it is; takes the attributes apart."""
    identity = (_text(attributes, "source"), _text(attributes, "id"))
    del attributes["specversion"], attributes["id"]
    event: Fields = {"event": attributes.pop("type")}
    if "time" in attributes:
        event["timestamp"] = attributes.pop("time")
    properties = _taken_apart(data, event, limits)
    for name, field in _WHO.items():
        if name in attributes and field not in event:
            event[field] = attributes.pop(name)
    if _ENVELOPE in properties:
        raise Rejected(Refusal.DUPLICATE_KEY, f"the data has a member {_ENVELOPE!r}, where the attributes are kept")
    properties[_ENVELOPE] = _encoded(attributes)
    event["properties"] = _encoded(properties)
    return _Converted(msgspec.json.encode(event), identity)


def _taken_apart(data: msgspec.Raw, event: Fields, limits: Limits) -> Fields:
    """The properties in the data; what is not a property is put into `event`."""
    if bytes(data) == b"null":
        return {}
    try:
        inside = members(bytes(data), limits.event_bytes)
    except msgspec.ValidationError:
        return {"data": parsed(_decode_any, bytes(data))}
    for field in _WHO.values():
        _move(field, inside, event, _TEXT_OR_INTEGER)
    properties = inside.get("properties", _NULL)
    if not bytes(properties).startswith(b"{"):
        return inside
    del inside["properties"]
    for field in ("timestamp", "sent_at", "context"):
        _move(field, inside, event)
    ours = members(bytes(properties), limits.event_bytes)
    for name in ours.keys() & inside.keys():
        raise Rejected(Refusal.DUPLICATE_KEY, f"{name!r} stands in the data and in its properties")
    return ours | inside


def _move(field: str, inside: Fields, event: Fields, begins: tuple[bytes, ...] = (b"",)) -> None:
    """Move one of our fields, in whatever spelling, from the data to the event, which may have it already.

    Data of others may use the name for something else: then it `begins` differently, and stays a property.
    """
    for spelling in SPELLINGS[field]:
        value = bytes(inside.get(spelling, _NULL))
        if field not in event and value != b"null" and value.startswith(begins):
            event[field] = inside.pop(spelling)


def _encoded(fields: Fields) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(fields))


def _text(attributes: Fields, name: str) -> str:
    try:
        text: str = parsed(_decode_text, bytes(attributes[name]))
    except msgspec.ValidationError as error:
        raise CloudEventError(f"the attribute {name!r} must be a text") from error
    return text
