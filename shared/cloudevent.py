"""CloudEvents over HTTP, both ways and in both modes, on the `cloudevents` package.

Ours here is only what the package leaves out: the percent-encoding of header values (HTTP binding §3.1.3.2),
keeping the data's bytes exactly as they were sent, and attributes nobody sent staying absent.
"""

import base64
import re
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec

from shared.bus import Message
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

STRUCTURED = "application/cloudevents+json"
# A PingSource gives every tick this type, which nobody may change; the chart puts the type of ours beside it.
PING_TYPE = "dev.knative.sources.ping"
TICK_TYPE = "ticktype"

# Printable ASCII except space, double quote and percent stays as it is (HTTP binding §3.1.3.2).
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
_ESCAPED = re.compile(r"\\(.)")
_VERSION = "1.0"
_REQUIRED = ("specversion", "id", "source", "type")


class CloudEventError(Rejected):
    """The request is not a valid CloudEvent; it can never succeed as it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(Refusal.NOT_A_CLOUDEVENT, detail)


def looks_like_cloudevent(headers: Mapping[str, str]) -> bool:
    """Whether a request claims to be a CloudEvent, in binary or structured mode."""
    return "ce-specversion" in headers or _is_structured(headers)


def _is_structured(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").lower().startswith("application/cloudevents")


def decode(headers: Mapping[str, str], body: bytes) -> Message:
    """A request (lower-case header names) as a message; raises CloudEventError naming what is wrong."""
    if _is_structured(headers):
        return _decode_structured(headers["content-type"], body)
    binary = {name: _header_text(value) if name.startswith("ce-") else value for name, value in headers.items()}
    sent = {name.removeprefix("ce-") for name, value in binary.items() if name.startswith("ce-") and value}
    return Message(_attributes(binary, body, sent), body)


def _header_text(value: str) -> str:
    """The text behind a header value; older senders quote it (HTTP binding §3.1.3.2)."""
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value)


def _decode_structured(content_type: str, body: bytes) -> Message:
    if _media_type(content_type) != STRUCTURED:
        raise CloudEventError(f"the content type {content_type!r} is not supported; send one event as {STRUCTURED}")
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CloudEventError(f"the structured event is not a JSON object: {error}") from error
    data, encoded = members.pop("data", None), members.pop("data_base64", None)
    if data is not None and encoded is not None:
        raise CloudEventError("`data` and `data_base64` exclude each other")
    sent = {name for name, value in members.items() if bytes(value) not in {b"null", b'""'}}
    attributes = _attributes({"content-type": STRUCTURED}, msgspec.json.encode(members), sent)
    if encoded is not None:
        return Message(attributes, _base64_bytes(encoded))
    return Message(attributes, _data_bytes(data, attributes))


def _data_bytes(data: msgspec.Raw | None, attributes: dict[str, str]) -> bytes:
    if data is None or bytes(data) == b"null":
        return b""
    if _is_json(attributes.get("datacontenttype", "application/json")) or not bytes(data).startswith(b'"'):
        return bytes(data)
    try:
        return msgspec.json.decode(data, type=str).encode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CloudEventError(f"`data` is not a text: {error}") from error


def _base64_bytes(encoded: msgspec.Raw) -> bytes:
    try:
        return base64.b64decode(msgspec.json.decode(encoded, type=str), validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CloudEventError(f"`data_base64` is not base64 text: {error}") from error


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    return _media_type(content_type).endswith(("/json", "+json"))


def _attributes(headers: Mapping[str, str], body: bytes, sent: Container[str]) -> dict[str, str]:
    """The attributes as texts, only those of the names in `sent`: the package makes up a time where none is given."""
    for name in _REQUIRED:
        if name not in sent:
            raise CloudEventError(f"the attribute {name!r} is missing or empty")
    attributes: dict[str, str] = {}
    for name, value in _parse(headers, body).get_attributes().items():
        if value is None or (name == "time" and name not in sent):
            continue
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise CloudEventError(f"the attribute name {name!r} is not lower-case letters and digits")
        if isinstance(value, (dict, list)):
            raise CloudEventError(f"the attribute {name!r} must not be an object or a list")
        attributes[name] = str(value).lower() if isinstance(value, bool) else str(value)
    if attributes["specversion"] != _VERSION:
        raise CloudEventError(f"the version {attributes['specversion']!r} is not supported; send {_VERSION}")
    if attributes["type"] == PING_TYPE and TICK_TYPE in attributes:
        attributes["type"] = attributes.pop(TICK_TYPE)
    return attributes


def _parse(headers: Mapping[str, str], body: bytes) -> "CloudEvent":
    from cloudevents.exceptions import GenericException
    from cloudevents.http.conversion import from_http

    try:
        return from_http(headers, body, data_unmarshaller=_unchanged)
    except GenericException as error:
        raise CloudEventError(str(error)) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # what the package lets through
        raise CloudEventError(f"an attribute is not usable: {error}") from error


def _unchanged(data: Any) -> Any:
    return data


def encode_binary(message: Message) -> dict[str, str]:
    """The headers of a binary-mode request or answer; the body is `message.data`."""
    headers: dict[str, str] = {}
    for name, value in message.attributes.items():
        if name == "datacontenttype":
            headers["content-type"] = value
        else:
            headers[f"ce-{name}"] = quote(value, safe=_SAFE)
    return headers


def encode_structured(message: Message) -> bytes:
    """The body of a structured-mode request or answer of content type `application/cloudevents+json`."""
    members: dict[str, Any] = dict(message.attributes)
    if message.data:
        if _is_json(message.attributes.get("datacontenttype", "")) and _is_well_formed(message.data):
            members["data"] = msgspec.Raw(message.data)
        else:
            members["data_base64"] = base64.b64encode(message.data).decode()
    return msgspec.json.encode(members)


def _is_well_formed(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
