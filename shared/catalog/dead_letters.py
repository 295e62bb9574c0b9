"""Dead letters kept for people: refused for good, or sent again in vain too often."""

import msgspec

from shared.bus import Message
from shared.catalog.client import Catalog, Row
from shared.clock import to_datetime, to_micros
from shared.dead_letters import Letter
from shared.refusals import UnavailableError

MOST_LISTED = 1_000
_MOST_TEXT = 1_000


class KeptFullError(UnavailableError):
    """There is no room for another letter until people have sent some again or discarded them."""


async def keep_letter(catalog: Catalog, letter: Letter, most_bytes: int) -> None:
    """Keep a letter durably; the same one again changes nothing but its reason.

    Raises KeptFullError where all of them would be more than `most_bytes`, CatalogUnavailableError.
    """
    attributes = letter.event.attributes
    row = {
        "id": letter.id,
        "event_type": _text(attributes.get("type", "")),
        "sink": letter.sink,
        "dest": _text(letter.dest),
        "code": letter.code,
        "reason": _text(letter.reason),
        "detail": _text(letter.detail),
        "resent": letter.resent,
        "since": to_datetime(letter.since),
        "attributes": msgspec.json.encode(attributes).decode(),
        "data": letter.event.data,
        "size": letter.event.size,
    }
    if not await catalog.rows("keep_dead_letter", {**row, "most": most_bytes}):
        raise KeptFullError("too many dead letters are kept; `sluice bus` sends them again or discards them")


async def list_letters(catalog: Catalog, most: int = MOST_LISTED) -> list[Letter]:
    """The letters kept, the oldest first, without their data; raises CatalogUnavailableError."""
    return [_letter(row) for row in await catalog.rows("list_dead_letters", {"most": most})]


async def find_letters(catalog: Catalog, beginning: str) -> list[Letter]:
    """The first two letters whose id begins so, whole; raises CatalogUnavailableError."""
    return [_letter(row) for row in await catalog.rows("find_dead_letters", {"beginning": beginning})]


async def forget_letter(catalog: Catalog, letter: Letter) -> bool:
    """Remove a letter; False where there is none, or where it was sent again and refused since it was read."""
    return bool(await catalog.rows("forget_dead_letter", {"id": letter.id, "resent": letter.resent}))


def _letter(row: Row) -> Letter:
    attributes = msgspec.json.decode(row["attributes"], type=dict[str, str])
    return Letter(
        event=Message(attributes, bytes(row["data"])),
        dest=row["dest"],
        code=row["code"],
        reason=row["reason"],
        detail=row["detail"],
        since=to_micros(row["since"]),
        queued=0,
        resent=row["resent"],
    )


def _text(text: str) -> str:
    """What a text column can hold: no null characters, and of a bounded length."""
    return text.replace("\0", "")[:_MOST_TEXT]
