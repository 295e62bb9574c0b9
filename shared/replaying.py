"""What replay asks ingest, and how ingest knows that it is this instance that asks.

Refused events go the way of every other event: through ingest's own steps, with the time they were received at first.
The request is signed with the project's own key, which only functions with the catalog have, and holds for a minute.
"""

import hashlib
import hmac
import uuid
from typing import Any

import msgspec

from shared.refusals import Refusal, Rejected

PATH = "/api/v1/events/batch"
HEADER = "x-sluice-replay"
MOST_BYTES = 10 << 20
_HOLDS_SECONDS = 60


class Item(msgspec.Struct, frozen=True):
    """A refused payload: what was sent, when it was received (microseconds), and the name its events are known by.

    The same name gives the same ids to events that brought none.
    """

    name: str
    received_at: int
    raw: bytes


class Asked(msgspec.Struct, frozen=True):
    """Payloads of one project to be taken, or with `dry_run` only to be judged."""

    dry_run: bool
    items: list[Item]


class Outcome(msgspec.Struct, frozen=True):
    """What became of one payload: how many events were taken of it, and why the first that was not was refused.

    `event` is the first event taken as it is stored, of a dry run only.
    """

    taken: int
    refused: int = 0
    reason: str = ""
    detail: str = ""
    event: dict[str, Any] | None = None


class Answered(msgspec.Struct, frozen=True):
    """One outcome for each item, in their order."""

    outcomes: list[Outcome]


def signed(project_id: uuid.UUID, secret: bytes, body: bytes, seconds: int) -> str:
    """The header of a request made at that time (seconds since 1970)."""
    until = seconds + _HOLDS_SECONDS
    return f"{project_id} {until} {_signature(project_id, secret, body, until).hex()}"


def project_of(header: str) -> uuid.UUID:
    """Whose request it says it is; refuses what is no such header (`key_unknown`)."""
    try:
        return uuid.UUID(header.partition(" ")[0])
    except ValueError as error:
        raise _refused() from error


def check(header: str, secret: bytes | None, body: bytes, seconds: int) -> None:
    """Refuse a request that this instance did not sign, or signed longer than a minute ago (`key_unknown`)."""
    project, _, rest = header.partition(" ")
    until, _, given = rest.partition(" ")
    if secret is None or not until.isdecimal() or len(until) > len(str(1 << 40)) or int(until) < seconds:
        raise _refused()
    expected = _signature(uuid.UUID(project), secret, body, int(until)).hex()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise _refused()


def _signature(project_id: uuid.UUID, secret: bytes, body: bytes, until: int) -> bytes:
    key = hmac.digest(secret, b"replay", hashlib.sha256)
    return hmac.digest(key, b"%s %d %s" % (str(project_id).encode(), until, hashlib.sha256(body).digest()), "sha256")


def _refused() -> Rejected:
    return Rejected(Refusal.KEY_UNKNOWN, "a replay is asked for by this instance alone")
