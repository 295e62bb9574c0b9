"""A cached key over time: it expires to the microsecond, and a revocation is seen in time however it is used."""

import asyncio
import uuid
from datetime import timedelta

import msgspec
import pytest

from shared.clock import FixedClock, to_datetime
from shared.refusals import Refusal, Rejected
from shared.security.keys import Key, KeyRing

NOW = 1_795_224_000_000_000
CLEAR = "sls_" + "k" * 43
REVOKED_WITHIN = 5.0


class Catalog:
    """Knows one key, and answers after `takes_seconds` of its clock what it knew when asked."""

    def __init__(self, *, expires_in: float | None = None) -> None:
        self.clock = FixedClock(NOW)
        self.asked = 0
        self.takes_seconds = 0.0
        self.key = Key(
            id=uuid.UUID(int=1),
            project_id=uuid.UUID(int=2),
            kind="secret",
            name="test",
            prefix="sls_kkkk",
            scopes=frozenset({"ingest"}),
            created_at=to_datetime(NOW),
            expires_at=None if expires_in is None else to_datetime(NOW) + timedelta(seconds=expires_in),
        )

    async def look_up(self, _: bytes) -> Key:
        self.asked += 1
        found = self.key
        self.clock.advance(self.takes_seconds)
        return found

    def revoke(self) -> None:
        self.key = msgspec.structs.replace(self.key, revoked_at=to_datetime(NOW))


async def refusal(ring: KeyRing) -> Refusal | None:
    """Why the key is refused now, None where it is not; what was asked in the background is answered afterwards."""
    try:
        await ring.require(CLEAR, "ingest")
    except Rejected as rejected:
        return rejected.refusal
    for _ in range(5):
        await asyncio.sleep(0)
    return None


async def test_a_key_expires_at_its_very_microsecond_though_it_is_cached() -> None:
    catalog = Catalog(expires_in=1)
    ring = KeyRing(catalog.look_up, catalog.clock)
    assert await refusal(ring) is None
    catalog.clock.advance(0.999999)
    assert await refusal(ring) is None
    catalog.clock.advance(0.000001)
    assert await refusal(ring) is Refusal.KEY_EXPIRED
    assert catalog.asked == 1


@pytest.mark.parametrize("every", [0.1, 0.7, 1.9, 2.1, 3.0, 4.4, 4.6, 60.0])
@pytest.mark.parametrize("lookup_seconds", [0.0, 0.3, 1.9])
async def test_a_revocation_is_seen_in_time_however_often_the_key_is_used(every: float, lookup_seconds: float) -> None:
    catalog = Catalog()
    ring = KeyRing(catalog.look_up, catalog.clock)
    catalog.takes_seconds = lookup_seconds
    for _ in range(5):
        assert await refusal(ring) is None
        catalog.clock.advance(every)
    catalog.revoke()
    revoked_at = asked_at = catalog.clock.monotonic()
    while await refusal(ring) is None:
        assert asked_at - revoked_at <= REVOKED_WITHIN
        catalog.clock.advance(every)
        asked_at = catalog.clock.monotonic()
    assert await refusal(ring) is Refusal.KEY_REVOKED
