"""Lists of what people keep in the catalog (rules, reports, their history): ids and cursors as they are given."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from shared.clock import to_datetime, to_micros
from shared.query.pages import DEFAULT_LIMIT, MAX_LIMIT
from shared.refusals import Refusal, Rejected

_MOST_DIGITS = 16
_UUID_CHARACTERS = 36


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of a list, the newest first; `cursor` is the `next_cursor` of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: str = ""


def read_id(text: str, what: str) -> uuid.UUID:
    """The id in an address; what cannot be one is as unknown as one that never was (`not_found`)."""
    found = _uuid(text)
    if found is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no {what} {text[:80]!r}")
    return found


def id_cursor(text: str) -> uuid.UUID | None:
    """The id after which a page begins, None for the first one; refuses what was not given out (`bad_cursor`)."""
    found = _uuid(text)
    if text and found is None:
        raise Rejected(Refusal.BAD_CURSOR, "it is not one that was given out")
    return found


def time_cursor(text: str) -> tuple[datetime, uuid.UUID] | None:
    """The time and id after which a page begins, None for the first one; refuses what was not given out."""
    at, _, item = text.partition(".")
    found = _uuid(item)
    if not text:
        return None
    if found is None or not at.isdecimal() or not at.isascii() or len(at) > _MOST_DIGITS:
        raise Rejected(Refusal.BAD_CURSOR, "it is not one that was given out")
    return to_datetime(int(at)), found


def made_time_cursor(at: datetime, item: uuid.UUID) -> str:
    """The cursor that `time_cursor` reads."""
    return f"{to_micros(at)}.{item}"


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if len(text) == _UUID_CHARACTERS else None
    except ValueError:
        return None
