"""A query as it arrives: JSON by POST, or the same names in the address by GET."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.refusals import Refusal, Rejected

QueryT = TypeVar("QueryT", bound=msgspec.Struct)

MAX_QUERY_BYTES = 256 * 1024


def from_json(body: bytes, query_type: type[QueryT]) -> QueryT:
    """The query in a JSON body; refuses malformed JSON and unknown or ill-typed fields by name."""
    try:
        return msgspec.json.decode(body, type=query_type)
    except msgspec.ValidationError as error:
        raise _refused(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(Refusal.MALFORMED_JSON, str(error)) from error


def from_address(values: Mapping[str, str], query_type: type[QueryT]) -> QueryT:
    """The query in an address: lists comma-separated, `filters` as a JSON text."""
    found: dict[str, Any] = dict(values)
    if events := found.get("events"):
        found["events"] = events.split(",")
    if filters := found.get("filters"):
        try:
            found["filters"] = msgspec.json.decode(filters)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Rejected(Refusal.BAD_FILTER, f"`filters` is not JSON: {error}") from error
    try:
        return msgspec.convert(found, query_type, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(error) from error


def _refused(error: msgspec.ValidationError) -> Rejected:
    text = str(error)
    if "unknown field" in text:
        return Rejected(Refusal.UNKNOWN_FIELD, text)
    return Rejected(Refusal.BAD_FILTER if ".filters" in text else Refusal.BAD_REQUEST, text)
