import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.clock import FixedClock, to_datetime
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security import keys
from shared.security.keys import Key, KeyRing, hash_key, new_key, refusal_of, shown_prefix

NOW = 1_700_000_000_000_000


def a_key(**changes: object) -> Key:
    key = Key(uuid.uuid4(), uuid.uuid4(), "secret", "k", "sls_abcd", frozenset({"ingest"}), to_datetime(NOW))
    return msgspec.structs.replace(key, **changes)


class Table:
    """The catalog's table of keys, which counts the questions and can be away or slow."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Key] = {}
        self.asked = 0
        self.away = False
        self.gate: asyncio.Event | None = None

    def add(self, **changes: object) -> str:
        clear = new_key("secret")
        self.keys[hash_key(clear)] = a_key(**changes)
        return clear

    def revoke(self, clear: str, at: datetime) -> None:
        self.keys[hash_key(clear)] = msgspec.structs.replace(self.keys[hash_key(clear)], revoked_at=at)

    async def look_up(self, key_hash: bytes) -> Key | None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise UnavailableError("away")
        return self.keys.get(key_hash)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def ring(table: Table, clock: FixedClock) -> KeyRing:
    return KeyRing(table.look_up, clock)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def refusal(ring: KeyRing, clear: str) -> Refusal | None:
    try:
        await ring.require(clear, "ingest")
    except Rejected as rejected:
        return rejected.refusal
    return None


@pytest.mark.parametrize(("kind", "begins"), [("public", "slp_"), ("secret", "sls_")])
def test_a_key_says_its_kind_and_holds_256_random_bits(kind: keys.Kind, begins: str) -> None:
    made = {new_key(kind) for _ in range(100)}
    assert len(made) == 100
    for clear in made:
        assert clear.startswith(begins)
        assert len(clear) == 47
        assert shown_prefix(clear) == clear[:8]
        assert len(hash_key(clear)) == 32


@pytest.mark.parametrize(
    ("key", "scope", "expected"),
    [
        (None, "ingest", Refusal.KEY_UNKNOWN),
        (a_key(), "ingest", None),
        (a_key(), "read", Refusal.SCOPE_MISSING),
        (a_key(expires_at=to_datetime(NOW + 1)), "ingest", None),
        (a_key(expires_at=to_datetime(NOW)), "ingest", Refusal.KEY_EXPIRED),
        (a_key(revoked_at=to_datetime(NOW - 1)), "ingest", Refusal.KEY_REVOKED),
        (a_key(revoked_at=to_datetime(1), expires_at=to_datetime(1)), "read", Refusal.KEY_REVOKED),
    ],
)
def test_each_reason_to_refuse_a_key_has_its_name(key: Key | None, scope: keys.Scope, expected: Refusal | None) -> None:
    assert refusal_of(key, scope, NOW) is expected


async def test_a_known_key_costs_one_question(ring: KeyRing, table: Table) -> None:
    clear = table.add()
    first = await ring.require(clear, "ingest")
    for _ in range(100):
        assert await ring.require(clear, "ingest") is first
        assert ring.get_cached(clear) is first
    assert table.asked == 1


async def test_no_key_at_all_is_missing_rather_than_unknown(ring: KeyRing, table: Table) -> None:
    assert await refusal(ring, "") is Refusal.KEY_MISSING
    assert table.asked == 0


@pytest.mark.parametrize(
    "clear",
    ["x", "slp_", "sls_" + "a" * 42, "sls_" + "a" * 44, "slx_" + "a" * 43, "sls_" + "é" * 43, "sls_" + "a" * 43 + "\n"],
)
async def test_what_cannot_be_a_key_never_reaches_the_catalog(ring: KeyRing, table: Table, clear: str) -> None:
    assert await refusal(ring, clear) is Refusal.KEY_UNKNOWN
    assert table.asked == 0
    assert ring._unknown == {}


async def test_many_requests_with_a_new_key_ask_once(ring: KeyRing, table: Table) -> None:
    clear = table.add()
    table.gate = asyncio.Event()
    waiting = [asyncio.create_task(ring.require(clear, "ingest")) for _ in range(50)]
    await settle()
    table.gate.set()
    assert len({key.id for key in await asyncio.gather(*waiting)}) == 1
    assert table.asked == 1


async def test_a_request_that_goes_away_does_not_end_the_question_of_the_others(ring: KeyRing, table: Table) -> None:
    clear = table.add()
    table.gate = asyncio.Event()
    leaving, staying = (asyncio.create_task(ring.require(clear, "ingest")) for _ in range(2))
    await settle()
    leaving.cancel()
    await settle()
    table.gate.set()
    assert (await staying).scopes == {"ingest"}


async def test_a_revoked_key_in_constant_use_is_refused_within_five_seconds(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    for _ in range(30):
        assert await refusal(ring, clear) is None
        clock.advance(0.1)
        await settle()
    table.revoke(clear, to_datetime(clock.micros()))
    revoked = clock.monotonic()
    while await refusal(ring, clear) is None:
        clock.advance(0.1)
        await settle()
    assert await refusal(ring, clear) is Refusal.KEY_REVOKED
    assert clock.monotonic() - revoked <= 5
    assert table.asked < 10


async def test_a_revoked_key_that_was_not_used_for_a_while_is_refused_at_once(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    assert await refusal(ring, clear) is None
    table.revoke(clear, to_datetime(clock.micros()))
    clock.advance(5)
    assert await refusal(ring, clear) is Refusal.KEY_REVOKED


async def test_the_answer_to_a_slow_question_counts_from_when_it_was_asked(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    table.gate = asyncio.Event()
    asking = asyncio.create_task(ring.require(clear, "ingest"))
    await settle()
    clock.advance(4)
    table.gate.set()
    await asking
    table.revoke(clear, to_datetime(clock.micros()))
    clock.advance(1)
    assert ring.get_cached(clear) is None
    assert await refusal(ring, clear) is Refusal.KEY_REVOKED


async def test_a_deleted_key_becomes_unknown(ring: KeyRing, table: Table, clock: FixedClock) -> None:
    clear = table.add()
    assert await refusal(ring, clear) is None
    table.keys.clear()
    clock.advance(5)
    assert await refusal(ring, clear) is Refusal.KEY_UNKNOWN


async def test_an_unknown_key_is_asked_for_again_only_after_a_while(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = new_key("public")
    for _ in range(10):
        assert await refusal(ring, clear) is Refusal.KEY_UNKNOWN
    assert table.asked == 1
    table.keys[hash_key(clear)] = a_key()
    clock.advance(keys.UNKNOWN_SECONDS)
    assert await refusal(ring, clear) is None


async def test_known_keys_go_on_working_for_an_hour_while_the_catalog_is_away(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    await ring.require(clear, "ingest")
    table.away = True
    for _ in range(35):
        clock.advance(100)
        assert await refusal(ring, clear) is None
    clock.advance(101)
    with pytest.raises(UnavailableError):
        await ring.require(clear, "ingest")


async def test_an_unknown_key_needs_the_catalog(ring: KeyRing, table: Table) -> None:
    table.away = True
    with pytest.raises(UnavailableError):
        await ring.require(new_key("secret"), "ingest")
    assert ring._unknown == {}


async def test_a_catalog_that_is_away_is_asked_about_a_key_at_most_once_a_second(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    await ring.require(clear, "ingest")
    table.away = True
    clock.advance(3)
    table.asked = 0
    for _ in range(1000):
        assert await refusal(ring, clear) is None
        await settle()
        clock.advance(0.01)
    assert 5 <= table.asked <= 11


async def test_a_key_in_use_does_not_wait_for_a_catalog_that_hangs(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    key = await ring.require(clear, "ingest")
    table.gate, table.away = asyncio.Event(), True
    clock.advance(3)
    assert ring.get_cached(clear) is key
    await settle()
    clock.advance(1)
    table.gate.set()
    await settle()
    clock.advance(1)
    assert ring.get_cached(clear) is key


async def test_a_revocation_during_an_old_outage_is_not_missed(ring: KeyRing, table: Table, clock: FixedClock) -> None:
    clear = table.add()
    await ring.require(clear, "ingest")
    table.away = True
    clock.advance(10)
    assert await refusal(ring, clear) is None
    table.away = False
    table.revoke(clear, to_datetime(clock.micros()))
    clock.advance(60)
    assert await refusal(ring, clear) is Refusal.KEY_REVOKED


async def test_made_up_keys_neither_fill_the_memory_nor_push_real_ones_out(
    ring: KeyRing, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_MOST_UNKNOWN", 20)
    clear = table.add()
    await ring.require(clear, "ingest")
    for _ in range(100):
        assert await refusal(ring, new_key("public")) is Refusal.KEY_UNKNOWN
    assert len(ring._unknown) == 20
    assert ring.get_cached(clear) is not None
    assert ring._asking == {}


async def test_a_flood_of_made_up_keys_is_turned_away_while_known_keys_are_served(
    ring: KeyRing, table: Table, clock: FixedClock
) -> None:
    clear = table.add()
    await ring.require(clear, "ingest")
    table.gate = asyncio.Event()
    flood = [asyncio.create_task(refusal(ring, new_key("public"))) for _ in range(200)]
    await settle()
    clock.advance(3)
    assert await refusal(ring, clear) is None
    table.gate.set()
    answers = await asyncio.gather(*flood)
    assert answers.count(Refusal.OVERLOADED) == 200 - 64
    assert answers.count(Refusal.KEY_UNKNOWN) == 64
    assert await refusal(ring, new_key("public")) is Refusal.KEY_UNKNOWN


async def test_the_key_asked_about_longest_ago_makes_room(
    ring: KeyRing, table: Table, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_MOST_KEYS", 3)
    idle, used, third, fourth = (table.add() for _ in range(4))
    await ring.require(idle, "ingest")
    await ring.require(used, "ingest")
    clock.advance(3)
    await ring.require(used, "ingest")
    await settle()
    await ring.require(third, "ingest")
    await ring.require(fourth, "ingest")
    assert set(ring._known) == {used, third, fourth}


async def test_closing_the_ring_ends_its_questions(ring: KeyRing, table: Table) -> None:
    table.gate = asyncio.Event()
    asking = asyncio.create_task(ring.require(new_key("secret"), "ingest"))
    await settle()
    await ring.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ring._asking == {}


async def test_a_missing_scope_is_named(ring: KeyRing, table: Table) -> None:
    clear = table.add(expires_at=datetime.now(UTC) + timedelta(days=36_500))
    with pytest.raises(Rejected, match=r"'read'.*'ingest'"):
        await ring.require(clear, "read")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("ingest",), None),
        (("ingest", "read"), None),
        (("read", "ingest"), None),
        (("read", "admin"), "'read' or 'admin'"),
    ],
)
async def test_one_of_several_scopes_is_enough(
    wanted: tuple[keys.Scope, ...], expected: str | None, ring: KeyRing, table: Table
) -> None:
    clear = table.add()
    if expected is None:
        assert (await ring.require(clear, *wanted)).scopes == {"ingest"}
        return
    with pytest.raises(Rejected, match=expected) as caught:
        await ring.require(clear, *wanted)
    assert caught.value.refusal is Refusal.SCOPE_MISSING
