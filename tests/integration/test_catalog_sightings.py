"""First sights on the real PostgreSQL: one time for everybody, kept long enough, forgotten in the end."""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from functions.ingest.sightings import Claim, Undated, claim_of, date
from functions.ingest.validate import Arrival, arrival
from shared.catalog.client import ANSWER_SECONDS, Catalog, CatalogUnavailableError
from shared.catalog.migrate import current, downgrade, migrate
from shared.catalog.sightings import CLEAN_EVERY_SECONDS, Sightings
from shared.clock import FixedClock, to_datetime
from shared.events import Row
from shared.ids import named
from shared.refusals import Refusal, Rejected

pytestmark = pytest.mark.timeout(120)

NOW = 1_780_000_000_000_007
HOUR = 3_600 * 1_000_000
ONE, OTHER = b"1" * 32, b"2" * 32

Opens = Callable[..., Sightings]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def replica(catalog_url: str, clock: FixedClock) -> AsyncIterator[Opens]:
    """Makes as many instances as a test wants, each as another replica has it: with connections of its own."""
    opened: list[tuple[Sightings, Catalog]] = []

    def opens(url: str = catalog_url) -> Sightings:
        catalog = Catalog(url)
        opened.append((Sightings(catalog, clock), catalog))
        return opened[-1][0]

    yield opens
    for sightings, catalog in opened:
        await sightings.close()
        await catalog.close()


@pytest.fixture
def project_id() -> uuid.UUID:
    return uuid.uuid4()


def some_ids(count: int) -> list[uuid.UUID]:
    return [uuid.uuid4() for _ in range(count)]


async def refused_as_reused(claiming: Awaitable[int]) -> None:
    with pytest.raises(Rejected) as rejected:
        await claiming
    assert rejected.value.refusal is Refusal.IDEMPOTENCY_KEY_REUSED


async def test_a_retry_gets_the_time_of_the_first_sight_from_any_replica(replica: Opens, project_id: uuid.UUID) -> None:
    ids = some_ids(3)
    first, second = replica(), replica()
    assert await first.first_seen(project_id, ids, NOW) == dict.fromkeys(ids, NOW)
    assert await first.first_seen(project_id, ids, NOW + 5) == dict.fromkeys(ids, NOW)
    assert await second.first_seen(project_id, ids, NOW + HOUR) == dict.fromkeys(ids, NOW)


async def test_ids_seen_before_and_new_ones_may_come_together_and_twice(replica: Opens, project_id: uuid.UUID) -> None:
    known, new = some_ids(2)
    sightings = replica()
    await sightings.first_seen(project_id, [known, known], NOW)
    assert await sightings.first_seen(project_id, [new, known, new], NOW + 1) == {known: NOW, new: NOW + 1}


async def test_the_same_id_in_two_projects_has_two_first_sights(replica: Opens) -> None:
    [event] = some_ids(1)
    sightings = replica()
    together = await asyncio.gather(
        *(sightings.first_seen(project, [event], NOW + number) for number, project in enumerate(some_ids(3)))
    )
    assert together == [{event: NOW}, {event: NOW + 1}, {event: NOW + 2}]


async def test_asking_for_nothing_does_not_need_the_catalog(replica: Opens, project_id: uuid.UUID) -> None:
    away = replica("postgresql://sluice@/sluice?host=/tmp/nobody_listens_here")
    assert await away.first_seen(project_id, [], NOW) == {}


async def test_of_all_who_ask_at_once_one_time_wins(replica: Opens, project_id: uuid.UUID) -> None:
    """Each in another order: rows taken in the order asked would make them wait for each other in a circle."""
    replicas = [replica() for _ in range(5)]
    for _ in range(5):
        ids = some_ids(200)
        asked = [
            replicas[number % 5].first_seen(project_id, ids if number % 2 else ids[::-1], NOW + number)
            for number in range(20)
        ]
        answers = await asyncio.gather(*asked)
        assert all(answer == answers[0] for answer in answers)
        assert len(set(answers[0].values())) <= 20
        assert set(answers[0].values()) <= set(range(NOW, NOW + 20))


async def test_one_of_twenty_first_requests_with_one_id_decides(replica: Opens, project_id: uuid.UUID) -> None:
    replicas = [replica() for _ in range(20)]
    for _ in range(10):
        [event] = some_ids(1)
        answers = await asyncio.gather(
            *(one.first_seen(project_id, [event], NOW + number) for number, one in enumerate(replicas))
        )
        assert len({answer[event] for answer in answers}) == 1


async def test_a_row_that_another_transaction_has_not_committed_yet_is_waited_for(
    replica: Opens, catalog_url: str, project_id: uuid.UUID
) -> None:
    [event] = some_ids(1)
    insert = "INSERT INTO event_sightings (project_id, sighting_id, first_seen) VALUES (%s, %s, %s)"
    async with await psycopg.AsyncConnection.connect(catalog_url) as other:
        await other.execute(insert, (project_id, event, to_datetime(NOW - 1)))
        asking = asyncio.create_task(replica().first_seen(project_id, [event], NOW))
        await asyncio.sleep(0.3)
        assert not asking.done()
        await other.commit()
        assert await asking == {event: NOW - 1}


async def test_a_row_that_was_rolled_back_was_never_seen(
    replica: Opens, catalog_url: str, project_id: uuid.UUID
) -> None:
    [event] = some_ids(1)
    insert = "INSERT INTO event_sightings (project_id, sighting_id, first_seen) VALUES (%s, %s, %s)"
    async with await psycopg.AsyncConnection.connect(catalog_url) as other:
        await other.execute(insert, (project_id, event, to_datetime(NOW - 1)))
        asking = asyncio.create_task(replica().first_seen(project_id, [event], NOW))
        await asyncio.sleep(0.1)
        await other.rollback()
        assert await asking == {event: NOW}


async def test_requests_that_come_together_share_a_statement_and_keep_their_own_times(
    replica: Opens, project_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    rows = Catalog.rows

    async def counted(self: Catalog, query: str, parameters: Any = None) -> Any:
        asked.append(query)
        return await rows(self, query, parameters)

    monkeypatch.setattr(Catalog, "rows", counted)
    sightings, ids = replica(), some_ids(200)
    answers = await asyncio.gather(
        *(sightings.first_seen(project_id, [event], NOW + number) for number, event in enumerate(ids))
    )
    assert answers == [{event: NOW + number} for number, event in enumerate(ids)]
    assert asked.count("sight_events") < 10


async def test_ten_thousand_ids_are_one_request(replica: Opens, project_id: uuid.UUID) -> None:
    ids = some_ids(10_000)
    sightings = replica()
    small = asyncio.create_task(sightings.first_seen(project_id, some_ids(1), NOW))
    assert await sightings.first_seen(project_id, ids, NOW) == dict.fromkeys(ids, NOW)
    assert await sightings.first_seen(project_id, ids, NOW + 1) == dict.fromkeys(ids, NOW)
    await small


async def test_a_caller_who_leaves_takes_nobody_along(replica: Opens, project_id: uuid.UUID) -> None:
    sightings, ids = replica(), some_ids(2)
    leaving, staying = (asyncio.create_task(sightings.first_seen(project_id, [event], NOW)) for event in ids)
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == {ids[1]: NOW}
    assert leaving.cancelled()


async def test_without_the_catalog_nobody_gets_a_time(replica: Opens, project_id: uuid.UUID) -> None:
    away = replica("postgresql://sluice@/sluice?host=/tmp/nobody_listens_here")
    asked = [away.first_seen(project_id, some_ids(1), NOW) for _ in range(3)]
    answers = await asyncio.gather(*asked, away.claim(project_id, "k", ONE, NOW), return_exceptions=True)
    assert [type(answer) for answer in answers] == [CatalogUnavailableError] * 4


async def test_behind_a_server_that_hangs_nobody_queues(replica: Opens, project_id: uuid.UUID, postgres: Any) -> None:
    sightings = replica()
    await sightings.claim(project_id, "k", ONE, NOW)
    postgres.signal_all(signal.SIGSTOP)
    started = time.monotonic()
    try:
        claims = [sightings.claim(project_id, f"k{number}", ONE, NOW) for number in range(20)]
        events = [sightings.first_seen(project_id, some_ids(6_000), NOW) for _ in range(4)]
        answers = await asyncio.gather(*claims, *events, return_exceptions=True)
    finally:
        postgres.signal_all(signal.SIGCONT)
    assert {type(answer) for answer in answers} == {CatalogUnavailableError}
    assert time.monotonic() - started < 2 * ANSWER_SECONDS + 1
    [event] = some_ids(1)
    assert await sightings.first_seen(project_id, [event], NOW) == {event: NOW}


async def test_a_first_sight_counts_for_48_hours(replica: Opens, project_id: uuid.UUID) -> None:
    [event] = some_ids(1)
    sightings = replica()
    await sightings.first_seen(project_id, [event], NOW)
    late = NOW + 48 * HOUR
    assert await sightings.first_seen(project_id, [event], late) == {event: NOW}
    assert await sightings.first_seen(project_id, [event], late + 1) == {event: late + 1}
    assert await sightings.first_seen(project_id, [event], late + 2) == {event: late + 1}


async def test_a_key_gives_the_same_body_the_same_time_and_no_other_body_any(
    replica: Opens, project_id: uuid.UUID
) -> None:
    first, second = replica(), replica()
    assert await first.claim(project_id, "k", ONE, NOW) == NOW
    assert await second.claim(project_id, "k", ONE, NOW + HOUR) == NOW
    await refused_as_reused(second.claim(project_id, "k", OTHER, NOW + HOUR))
    assert await first.claim(project_id, "k", ONE, NOW + 2 * HOUR) == NOW
    assert await first.claim(project_id, "K", OTHER, NOW) == NOW
    assert await first.claim(uuid.uuid4(), "k", OTHER, NOW) == NOW


async def test_of_bodies_that_claim_a_key_at_once_one_has_it(replica: Opens, project_id: uuid.UUID) -> None:
    replicas = [replica() for _ in range(10)]
    for round_number in range(10):
        claims = [
            one.claim(project_id, f"k{round_number}", ONE if number % 2 else OTHER, NOW + number)
            for number, one in enumerate(replicas)
        ]
        answers = await asyncio.gather(*claims, return_exceptions=True)
        times = {answer for answer in answers if isinstance(answer, int)}
        refused = [number for number, answer in enumerate(answers) if isinstance(answer, Rejected)]
        assert len(times) == 1
        assert len(refused) == 5
        assert len({number % 2 for number in refused}) == 1


async def test_a_key_is_free_for_another_body_after_24_hours(replica: Opens, project_id: uuid.UUID) -> None:
    sightings = replica()
    await sightings.claim(project_id, "k", ONE, NOW)
    await refused_as_reused(sightings.claim(project_id, "k", OTHER, NOW + 24 * HOUR))
    later = NOW + 24 * HOUR + 1
    assert await sightings.claim(project_id, "k", OTHER, later) == later
    await refused_as_reused(sightings.claim(project_id, "k", ONE, later + 1))


async def test_a_body_keeps_its_time_under_a_key_for_48_hours(replica: Opens, project_id: uuid.UUID) -> None:
    sightings = replica()
    await sightings.claim(project_id, "k", ONE, NOW)
    late = NOW + 48 * HOUR
    assert await sightings.claim(project_id, "k", ONE, late) == NOW
    assert await sightings.claim(project_id, "k", ONE, late + 1) == late + 1


async def kept(url: str, project_id: uuid.UUID) -> tuple[int, int]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        counts = []
        for table in ("event_sightings", "idempotency_keys"):
            count = f"SELECT count(*) FROM {table} WHERE project_id = %s"
            row = await (await connection.execute(count.encode(), (project_id,))).fetchone()
            assert row is not None
            counts.append(row[0])
    return counts[0], counts[1]


async def becomes(url: str, project_id: uuid.UUID, expected: tuple[int, int]) -> None:
    async with asyncio.timeout(10):
        while await kept(url, project_id) != expected:  # noqa: ASYNC110 (the server has no event to wait for)
            await asyncio.sleep(0.05)


async def test_what_expired_is_removed_beside_the_requests(
    replica: Opens, catalog_url: str, project_id: uuid.UUID, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.catalog.sightings._CLEANED_AT_ONCE", 10)
    before = replica()
    await before.first_seen(project_id, some_ids(35), NOW)
    await before.claim(project_id, "old", ONE, NOW)
    clock.advance(2 * 48 * 3_600)
    await replica().claim(project_id, "new", ONE, clock.micros())
    await becomes(catalog_url, project_id, (0, 1))


async def test_cleaning_is_done_once_in_ten_minutes(
    replica: Opens, catalog_url: str, project_id: uuid.UUID, clock: FixedClock
) -> None:
    sightings = replica()
    await sightings.first_seen(project_id, some_ids(1), NOW)
    await asyncio.gather(*sightings._tasks)
    await sightings.first_seen(project_id, some_ids(3), NOW - 49 * HOUR)
    clock.advance(CLEAN_EVERY_SECONDS - 1)
    await sightings.first_seen(project_id, some_ids(1), clock.micros())
    await asyncio.gather(*sightings._tasks)
    assert await kept(catalog_url, project_id) == (5, 0)
    clock.advance(1)
    await sightings.first_seen(project_id, some_ids(1), clock.micros())
    await becomes(catalog_url, project_id, (3, 0))


async def test_cleaning_waits_for_no_row_that_somebody_holds(
    replica: Opens, catalog_url: str, project_id: uuid.UUID
) -> None:
    held, free = some_ids(2)
    insert = "INSERT INTO event_sightings (project_id, sighting_id, first_seen) VALUES (%s, %s, %s)"
    lock = "SELECT FROM event_sightings WHERE project_id = %s AND sighting_id = %s FOR UPDATE"
    async with await psycopg.AsyncConnection.connect(catalog_url) as other:
        for event in (held, free):
            await other.execute(insert, (project_id, event, to_datetime(NOW - 49 * HOUR)))
        await other.commit()
        await other.execute(lock, (project_id, held))
        await replica().claim(project_id, "k", ONE, NOW)
        await becomes(catalog_url, project_id, (1, 1))


def undated(count: int, name: str = "bought") -> list[Row]:
    ids = [str(named(uuid.UUID(int=1), f"order-{number}")) for number in range(count)]
    return [Row(event=name, event_id=event, timestamp="", received_at="") for event in ids]


async def times_of(sightings: Sightings, arrived: Arrival, rows: Undated, claim: Claim | None = None) -> list[str]:
    await date(rows, claim, arrived, sightings)
    return [row.timestamp for row in (*rows.by_id, *rows.by_key)]


async def test_rows_of_a_retry_have_the_timestamps_of_the_first_attempt(replica: Opens, project_id: uuid.UUID) -> None:
    claim, early, late = claim_of("k", b"the body"), arrival(project_id, NOW), arrival(project_id, NOW + 9 * HOUR)
    first = await times_of(replica(), early, Undated(undated(2), undated(3)), claim)
    again = await times_of(replica(), late, Undated(undated(2), undated(3)), claim)
    assert first == again == [early.received_at] * 5


async def test_an_id_seen_without_the_key_keeps_its_time_under_the_key(replica: Opens, project_id: uuid.UUID) -> None:
    sightings, early, late = replica(), arrival(project_id, NOW), arrival(project_id, NOW + 5)
    await times_of(sightings, early, Undated(undated(1)))
    times = await times_of(sightings, late, Undated(undated(2), undated(1)), claim_of("k", b""))
    assert times == [early.received_at, late.received_at, late.received_at]


async def test_one_id_under_two_event_names_has_two_times(replica: Opens, project_id: uuid.UUID) -> None:
    sightings, early, late = replica(), arrival(project_id, NOW), arrival(project_id, NOW + HOUR)
    assert await times_of(sightings, early, Undated(undated(1, "bought"))) == [early.received_at]
    assert await times_of(sightings, late, Undated(undated(1, "refunded"))) == [late.received_at]


async def test_a_reused_key_is_refused_before_any_time_is_kept(
    replica: Opens, catalog_url: str, project_id: uuid.UUID
) -> None:
    sightings, arrived = replica(), arrival(project_id, NOW)
    await times_of(sightings, arrived, Undated(by_key=undated(1)), claim_of("k", b"one"))
    with pytest.raises(Rejected, match="idempotency_key_reused"):
        await times_of(sightings, arrived, Undated(undated(2)), claim_of("k", b"two"))
    assert await kept(catalog_url, project_id) == (0, 1)


def test_the_migration_goes_back_and_forth(empty_catalog_url: str) -> None:
    migrate(empty_catalog_url, "0002")
    assert current(empty_catalog_url) == "0002"
    downgrade(empty_catalog_url, "0001")
    with psycopg.connect(empty_catalog_url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for (name,) in names} & {"event_sightings", "idempotency_keys"} == set()
    migrate(empty_catalog_url, "0002")
