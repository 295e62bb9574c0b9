"""What ingest offers over HTTP, for the OpenAPI document."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from functions.ingest.answers import Accepted
from functions.ingest.formats import KEY_FIELDS
from functions.ingest.validate import MAX_IDENTIFIER, MAX_NAME, MAX_URL, SPELLINGS
from shared.encodings import SUPPORTED
from shared.openapi import Operation

PATH = "/api/v1/events"
OLDER = ("/api/v1/events/track", "/api/v1/events/batch", "/events", "/events/")

_Name = Annotated[str, Meta(max_length=MAX_NAME, description="What happened; one of its spellings must be there.")]
_Identifier = Annotated[str, Meta(max_length=MAX_IDENTIFIER)] | int | None
_Moment = Annotated[
    str | int | float | None,
    Meta(description="ISO 8601 (naive is UTC), or seconds, milliseconds or microseconds since 1970."),
]
_Url = Annotated[str, Meta(max_length=MAX_URL, description="The page it happened on.")] | None
_TYPES: dict[str, Any] = {
    "event": _Name,
    "timestamp": _Moment,
    "sent_at": _Moment,
    "properties": dict[str, Any],
    "context": dict[str, Any],
    "url": _Url,
}

Event = msgspec.defstruct(
    "Event",
    [
        (spelling, _TYPES.get(name, _Identifier) | msgspec.UnsetType, msgspec.UNSET)
        for name, spellings in SPELLINGS.items()
        for spelling in spellings
    ],
    namespace={"__doc__": "One event; fields that are not listed become properties."},
)
_Key = Annotated[str, Meta(pattern="^slp_", description="A public key, where no header can be set.")]
_KEYS = [(name, _Key | msgspec.UnsetType, msgspec.UNSET) for name in KEY_FIELDS]
Listed = msgspec.defstruct(
    "Events",
    [("events", list[Event]), *_KEYS],  # type: ignore[valid-type]  # a type made at run time
    namespace={"__doc__": "Many events."},
)
Batched = msgspec.defstruct(
    "Batch",
    [("batch", list[Event]), ("sent_at", _Moment | msgspec.UnsetType, msgspec.UNSET), *_KEYS],  # type: ignore[valid-type]  # as above
    namespace={"__doc__": "Many events as Segment's and PostHog's libraries send them."},
)


class CloudEvent(msgspec.Struct):
    """A CloudEvent 1.0: `type` is the event's name, `time` its timestamp, `data` its properties."""

    specversion: str
    id: str
    source: str
    type: str
    time: str | msgspec.UnsetType = msgspec.UNSET
    subject: str | msgspec.UnsetType = msgspec.UNSET
    datacontenttype: str | msgspec.UnsetType = msgspec.UNSET
    data: Any = msgspec.UNSET
    data_base64: str | msgspec.UnsetType = msgspec.UNSET
    userid: str | int | msgspec.UnsetType = msgspec.UNSET
    anonymousid: str | int | msgspec.UnsetType = msgspec.UNSET
    sessionid: str | int | msgspec.UnsetType = msgspec.UNSET


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


_JSON = (Event, list[Event], Listed, Batched)  # type: ignore[valid-type]  # as above
BODIES: dict[str, Any] = {
    "application/json": _JSON,
    "application/x-ndjson": _text("An event a line."),
    "text/plain": _text("Any of the JSON bodies or NDJSON, as `navigator.sendBeacon` sends a text."),
    "application/x-www-form-urlencoded": {
        "type": "object",
        "properties": {"data": _text("Any of the JSON bodies, as text or as base64 of it, packed or not.")},
        "required": ["data"],
    },
    "application/cloudevents+json": CloudEvent,
    "application/cloudevents-batch+json": list[CloudEvent],
}


def _parameter(place: str, name: str, description: str, **schema: Any) -> dict[str, Any]:
    wanted = {"type": "string", **schema}
    return {"name": name, "in": place, "required": False, "description": description, "schema": wanted}


_PARAMETERS = [
    _parameter("query", "key", "A public key, where no header can be set.", pattern="^slp_"),
    _parameter("header", "Idempotency-Key", "A repeated request with it counts once.", minLength=1, maxLength=255),
    _parameter("header", "Content-Encoding", "What the body is packed in.", enum=list(SUPPORTED)),
    _parameter("header", "ce-specversion", "1.0 makes the request a CloudEvent in binary mode: the body is its data."),
    *(
        _parameter("header", f"ce-{name}", f"The attribute `{name}` of a CloudEvent in binary mode.")
        for name in ("id", "source", "type", "time")
    ),
]
_SUMMARY = "Takes one event or many; 202 once they are durable"

_PREFLIGHT = "Says which pages may send from a browser, and with which headers"
_ORIGIN = _parameter("header", "Origin", "The page's own.")

OPERATIONS = [
    operation
    for path, alias_of in ((PATH, ""), *((older, PATH) for older in OLDER))
    for operation in (
        Operation("POST", path, _SUMMARY, Accepted, 202, BODIES, parameters=_PARAMETERS, alias_of=alias_of),
        Operation("OPTIONS", path, _PREFLIGHT, parameters=[_ORIGIN], alias_of=alias_of),
    )
]
