"""Keys: what they look like, and how a function knows them without asking each time."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from shared.clock import FixedClock, to_datetime
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security.keys import (
    FRESH_SECONDS,
    PUBLIC_SCOPES,
    REFRESH_SECONDS,
    STALE_SECONDS,
    Key,
    KeyRing,
    Kind,
    Scope,
    hash_key,
    new_key,
    shown_prefix,
)

NOW = 1_795_224_000_000_000
CLEAR = "sls_" + "k" * 43
REVOKED_WITHIN = 5.0


def key(*scopes: Scope, expires_in: float | None = None, revoked: bool = False) -> Key:
    return Key(
        id=uuid.UUID(int=1),
        project_id=uuid.UUID(int=2),
        kind="secret",
        name="test",
        prefix="sls_kkkk",
        scopes=frozenset(scopes or ("ingest",)),
        created_at=to_datetime(NOW),
        expires_at=None if expires_in is None else to_datetime(NOW) + timedelta(seconds=expires_in),
        revoked_at=to_datetime(NOW) if revoked else None,
    )


class Catalog:
    """Knows keys by hash; can be slow or away. `asked` counts the questions."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.keys = {hash_key(CLEAR): key()}
        self.asked = 0
        self.away = False
        self.takes_seconds = 0.0
        self.answers = asyncio.Event()
        self.answers.set()

    async def look_up(self, key_hash: bytes) -> Key | None:
        self.asked += 1
        found = self.keys.get(key_hash)
        self.clock.advance(self.takes_seconds)
        await self.answers.wait()
        if self.away:
            raise UnavailableError("the catalog is away")
        return found

    def put(self, found: Key, clear: str = CLEAR) -> None:
        self.keys[hash_key(clear)] = found


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def catalog(clock: FixedClock) -> Catalog:
    return Catalog(clock)


@pytest.fixture
def ring(catalog: Catalog, clock: FixedClock) -> KeyRing:
    return KeyRing(catalog.look_up, clock)


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def refused(asking: Awaitable[Key]) -> Refusal:
    with pytest.raises(Rejected) as caught:
        await asking
    return caught.value.refusal


# --- their form


@pytest.mark.parametrize(("kind", "prefix"), [("public", "slp_"), ("secret", "sls_")])
async def test_a_new_key_has_its_kind_in_front_and_256_random_bits(kind: Kind, prefix: str, ring: KeyRing) -> None:
    made = {new_key(kind) for _ in range(100)}
    assert len(made) == 100
    assert all(len(clear) == 47 and clear.startswith(prefix) for clear in made)
    assert await refused(ring.require(made.pop(), "ingest")) is Refusal.KEY_UNKNOWN


def test_a_key_is_kept_by_its_hash_and_recognised_by_its_beginning() -> None:
    assert hash_key(CLEAR) == hashlib.sha256(CLEAR.encode()).digest()
    assert shown_prefix(CLEAR) == "sls_kkkk"


def test_a_public_key_may_only_send() -> None:
    assert PUBLIC_SCOPES == ("ingest",)


# --- what is allowed


async def test_a_key_may_do_what_its_scopes_say(ring: KeyRing, catalog: Catalog) -> None:
    catalog.put(key("read", "export"))
    assert (await ring.require(CLEAR, "read")).project_id == uuid.UUID(int=2)
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.SCOPE_MISSING
    assert await refused(ring.require(CLEAR, "admin")) is Refusal.SCOPE_MISSING


async def test_no_key_at_all_is_said_so_without_asking(ring: KeyRing, catalog: Catalog) -> None:
    assert await refused(ring.require("", "ingest")) is Refusal.KEY_MISSING
    assert catalog.asked == 0


async def test_a_revoked_key_is_refused_before_an_expired_one(ring: KeyRing, catalog: Catalog) -> None:
    catalog.put(key(expires_in=-1, revoked=True))
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.KEY_REVOKED


async def test_a_key_expires_at_its_very_second_though_it_is_cached(ring: KeyRing, catalog: Catalog) -> None:
    catalog.put(key(expires_in=1))
    await ring.require(CLEAR, "ingest")
    catalog.clock.advance(0.999999)
    await ring.require(CLEAR, "ingest")
    catalog.clock.advance(0.000001)
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.KEY_EXPIRED
    assert catalog.asked == 1


# --- asking the catalog


async def test_a_known_key_costs_no_question(ring: KeyRing, catalog: Catalog) -> None:
    for _ in range(100):
        await ring.require(CLEAR, "ingest")
    assert catalog.asked == 1


async def test_many_requests_ask_once_and_share_the_answer(ring: KeyRing, catalog: Catalog) -> None:
    catalog.answers.clear()
    waiting = [asyncio.create_task(ring.require(CLEAR, "ingest")) for _ in range(50)]
    await turn()
    waiting[0].cancel()
    await turn()
    catalog.answers.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert catalog.asked == 1
    assert [isinstance(answer, Key) for answer in answers] == [False] + [True] * 49


async def test_a_key_in_use_is_asked_for_in_the_background(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.answers.clear()
    catalog.clock.advance(REFRESH_SECONDS + 0.1)
    for _ in range(10):
        await ring.require(CLEAR, "ingest")
        await turn()
    assert catalog.asked == 2
    catalog.answers.set()
    await turn()
    catalog.clock.advance(REFRESH_SECONDS)
    await ring.require(CLEAR, "ingest")
    assert catalog.asked == 2


async def test_an_old_entry_waits_for_the_catalog(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.put(key(revoked=True))
    catalog.clock.advance(FRESH_SECONDS + 0.1)
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.KEY_REVOKED


@pytest.mark.parametrize("every", [0.1, 0.7, 1.9, 2.1, 3.0, 4.4, 4.6, 60.0])
@pytest.mark.parametrize("lookup_seconds", [0.0, 0.3, 1.9])
async def test_a_revocation_is_seen_within_five_seconds(
    every: float, lookup_seconds: float, ring: KeyRing, catalog: Catalog
) -> None:
    catalog.takes_seconds = lookup_seconds
    for _ in range(5):
        await ring.require(CLEAR, "ingest")
        await turn()
        catalog.clock.advance(every)
    revoked_at = catalog.clock.monotonic()
    catalog.put(key(revoked=True))
    while True:
        asked_at = catalog.clock.monotonic()
        try:
            await ring.require(CLEAR, "ingest")
        except Rejected:
            break
        assert asked_at - revoked_at <= REVOKED_WITHIN
        await turn()
        catalog.clock.advance(every)


async def test_a_new_key_works_soon_though_it_was_asked_for_before_it_was_made(ring: KeyRing, catalog: Catalog) -> None:
    catalog.keys.clear()
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.KEY_UNKNOWN
    catalog.put(key())
    catalog.clock.advance(REVOKED_WITHIN)
    assert await ring.require(CLEAR, "ingest")


# --- the catalog is away


async def test_a_known_key_works_while_the_catalog_is_away(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.away = True
    for seconds in (1.0, 1.5, 2.5, 10.0, 60.0, 600.0):
        catalog.clock.advance(seconds)
        await ring.require(CLEAR, "ingest")
        await turn()
    catalog.clock.advance(STALE_SECONDS)
    with pytest.raises(UnavailableError):
        await ring.require(CLEAR, "ingest")


async def test_a_key_known_to_be_revoked_stays_refused_while_the_catalog_is_away(
    ring: KeyRing, catalog: Catalog
) -> None:
    catalog.put(key(revoked=True))
    await refused(ring.require(CLEAR, "ingest"))
    catalog.away = True
    catalog.clock.advance(60)
    assert await refused(ring.require(CLEAR, "ingest")) is Refusal.KEY_REVOKED


async def test_an_unknown_key_is_not_called_wrong_while_the_catalog_is_away(ring: KeyRing, catalog: Catalog) -> None:
    catalog.away = True
    with pytest.raises(UnavailableError):
        await ring.require(CLEAR, "ingest")
    catalog.away = False
    assert await ring.require(CLEAR, "ingest")


async def test_a_catalog_that_is_away_is_not_asked_by_every_request(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.away = True
    for _ in range(100):
        catalog.clock.advance(0.1)
        await ring.require(CLEAR, "ingest")
        await turn()
    assert catalog.asked <= 15


async def test_a_revocation_during_an_outage_is_seen_once_the_catalog_is_back(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.away = True
    catalog.clock.advance(10)
    await ring.require(CLEAR, "ingest")
    catalog.put(key(revoked=True))
    catalog.away = False
    back_at = catalog.clock.monotonic()
    while catalog.clock.monotonic() - back_at <= REVOKED_WITHIN:
        try:
            await ring.require(CLEAR, "ingest")
        except Rejected as rejected:
            assert rejected.refusal is Refusal.KEY_REVOKED  # noqa: PT017 (the loop is what is tested)
            return
        await turn()
        catalog.clock.advance(0.5)
    pytest.fail("the revoked key still works")


# --- rubbish


@pytest.mark.parametrize(
    "rubbish",
    [
        "x",
        "sls_short",
        "slx_" + "k" * 43,
        CLEAR + "k",
        CLEAR + "\n",
        "sls_" + "é" * 43,
        "sls_" + "." * 43,
        "k" * 100_000,
    ],
)
async def test_what_cannot_be_a_key_is_refused_without_asking(rubbish: str, ring: KeyRing, catalog: Catalog) -> None:
    assert await refused(ring.require(rubbish, "ingest")) is Refusal.KEY_UNKNOWN
    assert catalog.asked == 0


async def test_made_up_keys_neither_fill_the_memory_nor_push_real_ones_out(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    for number in range(12_000):
        await refused(ring.require(f"sls_{number:043}", "ingest"))
    assert len(ring._known) + len(ring._unknown) <= 20_001
    asked = catalog.asked
    await ring.require(CLEAR, "ingest")
    assert catalog.asked == asked


async def test_a_made_up_key_is_not_asked_for_again_and_again(ring: KeyRing, catalog: Catalog) -> None:
    for _ in range(100):
        await refused(ring.require("sls_" + "u" * 43, "ingest"))
    assert catalog.asked == 1


async def test_a_flood_of_made_up_keys_leaves_the_catalog_to_the_real_ones(ring: KeyRing, catalog: Catalog) -> None:
    await ring.require(CLEAR, "ingest")
    catalog.answers.clear()
    flood = [asyncio.create_task(ring.require(f"sls_{number:043}", "ingest")) for number in range(200)]
    await turn()
    assert catalog.asked < 100
    assert [task.done() for task in flood].count(True) >= 100
    catalog.clock.advance(FRESH_SECONDS + 0.1)
    real = asyncio.create_task(ring.require(CLEAR, "ingest"))
    await turn()
    catalog.answers.set()
    assert await real
    answers = await asyncio.gather(*flood, return_exceptions=True)
    assert {answer.refusal for answer in answers if isinstance(answer, Rejected)} == {
        Refusal.KEY_UNKNOWN,
        Refusal.OVERLOADED,
    }


async def test_closing_ends_the_questions_under_way(ring: KeyRing, catalog: Catalog) -> None:
    catalog.answers.clear()
    waiting = asyncio.create_task(ring.require(CLEAR, "ingest"))
    await turn()
    await asyncio.wait_for(ring.close(), 1)
    with pytest.raises(asyncio.CancelledError):
        await waiting
