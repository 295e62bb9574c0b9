"""Whose data are asked for, and what of that the job's row keeps: nobody's name."""

import hashlib
import hmac
from typing import Annotated

import msgspec

Reason = Annotated[str, msgspec.Meta(max_length=1_000)]


class How(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`linked`: with all ids of the person, else of the given one alone. `reason` is kept; it should name nobody."""

    linked: bool = True
    reason: Reason = ""


class AccessRequest(How, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The person by one of their ids: `u:<user_id>`, or `a:<anonymous_id>`."""

    person: str


class Kept(msgspec.Struct, frozen=True):
    """What the job's row says."""

    fingerprint: str
    linked: bool
    reason: str


def kept(person: str, pepper: bytes, how: How) -> Kept:
    """The job's row for this person; `pepper` is the project's key."""
    return Kept(hmac.digest(pepper, person.encode(), hashlib.sha256).hex(), how.linked, how.reason)
