"""The cost guard on the real engine: what is refused, what it says, and what a client that leaves leaves behind."""

import asyncio
import dataclasses
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.query_attribution.logic import attribution
from functions.query_attribution.question import AttributionQuery
from functions.query_count.logic import CountQuery, count
from functions.query_funnel.logic import funnel
from functions.query_funnel.logic import people as funnel_people
from functions.query_paths.logic import paths
from functions.query_paths.question import PathsQuery
from functions.query_retention.activity import lifecycle, stickiness
from functions.query_retention.logic import retention
from functions.query_retention.question import LifecycleQuery, RetentionQuery, StickinessQuery
from functions.query_sessions.asked import SessionFiguresQuery
from functions.query_sessions.logic import sessions_of
from shared.catalog.client import Catalog, CatalogUnavailableError, Row
from shared.clock import FixedClock
from shared.http import ClientGoneError, Request
from shared.query.acts import Act
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.funnel.question import BehindQuery, FunnelQuery, Step
from shared.query.guard import Guard, QuerySettings
from shared.refusals import Refusal, Rejected
from shared.security.limits import Meter
from shared.warehouse.client import READ_LIMITS, Warehouse
from tests.integration.reading import Stored, batch, row, stored

PROJECT, OTHER = uuid.uuid4(), uuid.uuid4()
RANGE: dict[str, Any] = {"start": "2026-03-01", "end": "2026-04-01"}
EVENTS = 20_000
# With a bound value, as all our questions have: the engine shows such a query without its comments.
SLOW = "SELECT sum(cityHash64(number)) FROM numbers({n:UInt64})"
MANY = {"n": 100_000_000_000}
NOON = 1_785_000_000_000_000


class Rows(Catalog):
    """A catalog that knows these limits; without any it is away."""

    def __init__(self, *rows: Row) -> None:
        super().__init__("")
        self._rows = rows

    async def rows(self, query: str, parameters: object = None) -> list[Row]:
        if not self._rows:
            raise CatalogUnavailableError
        return list(self._rows)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("guard")) as found:
        events = [row("view", timedelta(minutes=n), user_id=f"u{n}") for n in range(EVENTS // 10)]
        for _ in range(10):
            found.put(batch(PROJECT, *(msgspec.structs.replace(one, event_id=str(uuid.uuid4())) for one in events)))
        yield found


def settings(**changed: Any) -> QuerySettings:
    return dataclasses.replace(QuerySettings(warehouse_url="", catalog_url=""), **changed)


@asynccontextmanager
async def guarded(engine: Stored, *rows: Row, **changed: Any) -> AsyncIterator[Remembering]:
    guard = Guard(
        engine.warehouse, Rows(*rows), settings(**{"query_rows": 0, **changed}), Meter(clock=FixedClock(NOON))
    )
    yield Remembering(engine.warehouse, guard=guard)
    await guard.close()


async def refusal(work: Awaitable[object]) -> Rejected:
    with pytest.raises(Rejected) as refused:
        await work
    return refused.value


async def running(warehouse: Warehouse) -> int:
    """How many statements the engine has under way, beside the one that asks."""
    answer = await warehouse.query("SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%'")
    return int(answer.value)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_too_many_rows_are_refused_before_any_is_read_with_the_estimate_and_what_to_narrow(
    engine: Stored,
) -> None:
    async with guarded(engine, query_rows=EVENTS // 2) as warehouse:
        users = CountQuery(**RANGE, measure="users")
        refused = await refusal(count(users, PROJECT, warehouse))
        assert refused.refusal is Refusal.QUERY_TOO_EXPENSIVE
        assert (refused.extra["exceeded"], refused.extra["limit"]) == ("rows", EVENTS // 2)
        assert EVENTS <= refused.extra["estimate"] <= 2 * EVENTS  # type: ignore[operator]  # a number
        assert re.search("a range about 1/[23] as long", refused.detail)
        shorter = CountQuery(start="2026-03-20", end="2026-03-25", measure="users")
        assert (await count(shorter, PROJECT, warehouse)).value == 0
        explained = await count(CountQuery(**RANGE, measure="users", explain=True), PROJECT, warehouse)
        assert explained.plan.estimated_rows == refused.extra["estimate"]


async def test_every_analysis_passes_the_guard(engine: Stored) -> None:
    steps = [Step(event="view"), Step(event="buy")]
    now = datetime(2026, 4, 1, tzinfo=UTC)
    async with guarded(engine, query_rows=100) as warehouse:
        asked = [
            funnel(FunnelQuery(**RANGE, steps=steps), PROJECT, warehouse),
            funnel_people(BehindQuery(**RANGE, steps=steps, step=1), PROJECT, warehouse),
            retention(RetentionQuery(**RANGE), PROJECT, warehouse, now),
            lifecycle(LifecycleQuery(**RANGE), PROJECT, warehouse, now),
            stickiness(StickinessQuery(**RANGE), PROJECT, warehouse),
            paths(PathsQuery(**RANGE), PROJECT, warehouse),
            attribution(AttributionQuery(**RANGE, conversion=Act(event="view")), PROJECT, warehouse),
            sessions_of(SessionFiguresQuery(**RANGE), PROJECT, 1_800, warehouse),
        ]
        for work in asked:
            assert (await refusal(work)).extra["exceeded"] == "rows"


async def test_a_funnel_groups_by_people_however_many_instants_there_are(engine: Stored) -> None:
    steps = [Step(event="view"), Step(any_of=["view", "buy"])]
    async with guarded(engine, query_groups=EVENTS // 10) as warehouse:
        ways: list[dict[str, Any]] = [{"order": "strict"}, {"ties": "at_or_after"}]
        for more in ways:
            answer = await funnel(FunnelQuery(**RANGE, steps=steps, **more), PROJECT, warehouse)
            assert answer.steps[0].count == EVENTS // 10


async def test_a_project_has_limits_of_its_own(engine: Stored) -> None:
    own = {"project_id": PROJECT, "query_rows": 100, "query_at_once": None, "query_budget": None}
    async with guarded(engine, own) as warehouse:
        users = CountQuery(**RANGE, measure="users")
        assert (await refusal(count(users, PROJECT, warehouse))).extra["limit"] == 100
        assert (await count(users, OTHER, warehouse)).value == 0


async def test_groups_memory_and_time_are_refused_when_they_are_exceeded_and_groups_go_to_the_disk_first(
    engine: Stored,
) -> None:
    by_number = "SELECT count() FROM (SELECT number AS n, count() FROM numbers({}) GROUP BY n)"
    many = by_number.format("3000000")
    async with guarded(engine, query_groups=1_000, query_seconds=1, query_memory=64 * 1024**2) as warehouse:

        async def ask(sql: str, parameters: dict[str, Any] | None = None) -> Rejected:
            return await refusal(warehouse.query(sql, parameters or {}, PROJECT))

        groups = await ask(many)
        assert (groups.extra["exceeded"], groups.extra["limit"]) == ("groups", 1_000)
        memory = await ask("SELECT length(groupArray(number)) FROM numbers(100000000)")
        assert (memory.extra["exceeded"], memory.extra["limit"]) == ("memory_bytes", 64 * 1024**2)
        seconds = await ask(SLOW, MANY)
        assert (seconds.extra["exceeded"], seconds.extra["limit"]) == ("seconds", 1)
        assert {one.refusal for one in (groups, memory, seconds)} == {Refusal.QUERY_TOO_EXPENSIVE}
    in_memory = {**READ_LIMITS, "max_memory_usage": 150 * 1024**2, "max_bytes_before_external_group_by": 0}
    spilling = {**in_memory, "max_bytes_before_external_group_by": 32 * 1024**2}
    with pytest.raises(Rejected):
        await engine.warehouse.query(many, {}, {**in_memory, "max_bytes_ratio_before_external_group_by": 0})
    assert (await engine.warehouse.query(many, {}, spilling)).value == 3_000_000


async def test_a_budget_that_is_used_up_is_answered_429_until_it_is_new_and_small_questions_go_on(
    engine: Stored,
) -> None:
    async with guarded(engine, query_budget=f"{EVENTS + 10}/hour") as warehouse:
        for number in range(2):
            await count(CountQuery(**RANGE, measure="users", events=["view", f"x{number}"]), PROJECT, warehouse)
        spent = await refusal(count(CountQuery(**RANGE, measure="sessions"), PROJECT, warehouse))
        assert spent.refusal is Refusal.RATE_LIMITED
        assert 0 < int(spent.headers["retry-after"]) <= 3_600
        known = await count(CountQuery(**RANGE, measure="users", events=["view", "x0"]), PROJECT, warehouse)
        assert (known.value, known.plan.cached) == (EVENTS // 10, True)
        assert (await count(CountQuery(**RANGE, measure="sessions"), OTHER, warehouse)).value == 0


async def test_a_projects_statements_wait_for_their_turn_and_beyond_the_line_are_answered_429(engine: Stored) -> None:
    async with guarded(engine, query_at_once=1, query_waiting=1, query_wait=0.5) as warehouse:
        slow = asyncio.create_task(warehouse.query(SLOW, MANY, PROJECT))
        await until(lambda: _is(running(engine.warehouse), 1))
        waits = asyncio.create_task(refusal(warehouse.query("SELECT 1", {}, PROJECT)))
        await asyncio.sleep(0)
        full = await refusal(warehouse.query("SELECT 2", {}, PROJECT))
        assert (full.refusal, full.headers["retry-after"]) == (Refusal.OVERLOADED, "2")
        assert (await warehouse.query("SELECT 3", {}, OTHER)).value == 3
        assert (await warehouse.query("SELECT 4", {}, PROJECT, small=True)).value == 4
        assert (await waits).refusal is Refusal.OVERLOADED
        slow.cancel()
        await until(lambda: _is(running(engine.warehouse), 0))
        assert (await warehouse.query("SELECT 5", {}, PROJECT)).value == 5


async def _is(number: Awaitable[int], wanted: int) -> bool:
    return await number == wanted


async def test_a_client_that_leaves_ends_its_query_in_the_warehouse_and_one_that_others_wait_for_goes_on(
    engine: Stored,
) -> None:
    left = asyncio.Event()
    told = iter([{"type": "http.request", "body": b""}])

    async def receive() -> MutableMapping[str, Any]:
        if message := next(told, None):
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    async with guarded(engine) as warehouse:
        asking = Asker(warehouse, function="test", project_id=PROJECT).ask(SLOW, MANY, (1,))
        first = asyncio.create_task(Request(scope, receive).while_connected(asking))
        second = asyncio.create_task(warehouse.query_at((1,), SLOW, MANY, PROJECT))
        await until(lambda: _is(running(engine.warehouse), 1))
        left.set()
        with pytest.raises(ClientGoneError):
            await first
        await asyncio.sleep(0.5)
        assert await running(engine.warehouse) == 1
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await until(lambda: _is(running(engine.warehouse), 0))


async def test_a_query_is_killed_by_the_id_its_client_gave_it_also_while_it_waits_for_its_turn(engine: Stored) -> None:
    asked = [asyncio.create_task(engine.warehouse.query(SLOW, MANY)) for _ in range(12)]
    try:
        await until(lambda: _all_read(engine.warehouse))
    finally:
        for one in asked:
            one.cancel()
    started = time.monotonic()
    await asyncio.gather(*asked, return_exceptions=True)
    await until(lambda: _is(running(engine.warehouse), 0))
    assert time.monotonic() - started < 5
    await engine.warehouse.command("KILL QUERY WHERE query_id = 'nobody' ASYNC")


async def _all_read(warehouse: Warehouse) -> bool:
    """Six of eight connections read; the question how many there are must wait for one itself."""
    try:
        async with asyncio.timeout(0.3):
            await warehouse.ping()
    except TimeoutError:
        return True
    return False


async def test_new_rows_are_stored_while_slow_questions_have_all_the_connections_that_read(engine: Stored) -> None:
    asked = [asyncio.create_task(engine.warehouse.query(SLOW, MANY)) for _ in range(12)]
    try:
        await until(lambda: _all_read(engine.warehouse))
        project = uuid.uuid4()
        async with asyncio.timeout(8):
            for number in range(5):
                await engine.warehouse.insert_json_lines(
                    "hour_changes",
                    f'{{"project_id":"{project}","hour":"2026-01-0{number + 1} 00:00:00","changes":1}}'.encode(),
                )
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    await until(lambda: _is(running(engine.warehouse), 0))
    stored_now = await engine.warehouse.query(f"SELECT count() FROM hour_changes WHERE project_id = '{project}'")
    assert stored_now.value == 5
