"""Which events are the same when they come again: ids under an Idempotency-Key, times of a first sight.

An event is identified by project, name, user key, timestamp and id. Two kinds of events lack a part that a retry
would repeat: those under an `Idempotency-Key` without an id of their own, and those with an id but without a
timestamp. Nothing here runs for any other event.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from functions.ingest.validate import Arrival, arrival
from shared.catalog.sightings import Sightings
from shared.events import Row
from shared.ids import named
from shared.refusals import Refusal, Rejected

HEADER = "idempotency-key"
MAX_KEY = 255

_PRINTABLE = re.compile(r"[\x20-\x7e]+")
# The header's standard form is a quoted string (RFC 8941 §3.3.3); most clients send the bare text.
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


class Claim(NamedTuple):
    """An Idempotency-Key and the SHA-256 of the body it came with."""

    key: str
    fingerprint: bytes


class Undated(NamedTuple):
    """Rows whose time only the catalog knows: under an id of the client's, and under the request's key alone."""

    by_id: Sequence[Row] = ()
    by_key: Sequence[Row] = ()


def read_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key of a request, None without one; `"k"` and `k` are the same key.

    Raises Rejected(BAD_IDEMPOTENCY_KEY) unless it has 1 to 255 printable ASCII characters.
    """
    text = headers.get(HEADER)
    if text is None:
        return None
    text = text.strip()
    if quoted := _QUOTED.fullmatch(text):
        text = _ESCAPED.sub(r"\1", quoted[1])
    if not text:
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, "it is empty; leave it out or send a text")
    if len(text) > MAX_KEY:
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, f"it has {len(text)} characters; at most {MAX_KEY}")
    if not _PRINTABLE.fullmatch(text):
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, "it holds a character that is not printable ASCII")
    return text


def claim_of(key: str, body: bytes) -> Claim:
    """What is claimed for a request: its key, bound to `body` as it is after decompression."""
    return Claim(key, hashlib.sha256(body).digest())


def event_id(project_id: UUID, key: str, position: int) -> UUID:
    """The id of an event without one under an Idempotency-Key.

    `position` is its place in the request as sent, from 0, refused events counted: what one attempt refuses and the
    next takes (a timestamp too far ahead) shifts nobody.
    """
    return named(project_id, key, position)


def sighting_id(row: Row) -> UUID:
    """What is kept of an event to know it again: its identity but for project and timestamp.

    The id alone would not do: `order-1` refunded today must not get the time of `order-1` bought yesterday.
    """
    user_key = f"u:{row.user_id}" if row.user_id else f"a:{row.anonymous_id}" if row.anonymous_id else ""
    return named(UUID(row.event_id), row.event, user_key)


async def date(undated: Undated, claim: Claim | None, arrived: Arrival, sightings: Sightings) -> None:
    """Set the timestamp of rows that have none, so that a retry has the same; at most two round trips.

    Called when at least one event of the request can be taken, before the commit: a request that is refused as a
    whole leaves its key free for a corrected body, and one that may have been stored does not. With a claim it is
    taken even where no row needs it. Raises Rejected(IDEMPOTENCY_KEY_REUSED), CatalogUnavailableError.
    """
    if claim is not None:
        first = await sightings.claim(arrived.project_id, claim.key, claim.fingerprint, arrived.micros)
        text = _text(first, arrived)
        for row in undated.by_key:
            row.timestamp = text
    if undated.by_id:
        ids = [sighting_id(row) for row in undated.by_id]
        seen = await sightings.first_seen(arrived.project_id, ids, arrived.micros)
        texts = {micros: _text(micros, arrived) for micros in set(seen.values())}
        for row, name in zip(undated.by_id, ids, strict=True):
            row.timestamp = texts[seen[name]]


def _text(micros: int, arrived: Arrival) -> str:
    return arrived.received_at if micros == arrived.micros else arrival(arrived.project_id, micros).received_at
