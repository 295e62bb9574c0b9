"""Whether the clock can be trusted with what a project keeps: one that jumped must not drop a year of events."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

CLOCKS_APART = timedelta(minutes=5)
LONGEST_SILENCE = timedelta(days=32)
HELD_FOR = timedelta(hours=24)


class Seen(msgspec.Struct, frozen=True):
    """What else knows the time: the catalog's clock, the newest event, and earlier runs, the newest first."""

    catalog_now: datetime
    newest: datetime | None
    runs: Sequence[datetime] = ()
    held: Sequence[datetime] = ()


def objection(now: datetime, seen: Seen) -> str:
    """Why nothing may be dropped at `now`; '' where nothing speaks against it.

    A silence of more than 32 days may be a jump of the clock or an instance that nobody used: a run is held then, and
    goes on where the clock still says so 24 hours after the first one that was held.
    """
    if abs(now - seen.catalog_now) > CLOCKS_APART:
        return f"our clock says {now.isoformat()}, the catalog's {seen.catalog_now.isoformat()}"
    if seen.newest is not None and now < seen.newest - CLOCKS_APART:
        return f"the clock says {now.isoformat()}, and the newest event was received at {seen.newest.isoformat()}"
    known = [at for at in (seen.newest, *seen.runs) if at is not None and at <= now + CLOCKS_APART]
    if not known or now - max(known) <= LONGEST_SILENCE:
        return ""
    held = [at for at in seen.held if max(known) < at <= now]
    if held and now - min(held) >= HELD_FOR:
        return ""
    since = max(known).isoformat()
    return f"nothing was received or dropped since {since}: either nobody used this or the clock has jumped"
