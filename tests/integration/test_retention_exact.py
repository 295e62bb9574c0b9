"""Retention by event and under holds against plain Python, and every answer afterwards against what Python kept."""

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from functions.query_sessions.asked import SessionFiguresQuery
from functions.query_sessions.logic import sessions_of
from functions.retention_enforce.logic import Limits, Retention, Run
from functions.retention_enforce.plan import Plan, Rule, plan_of
from functions.rollup import sessions as session_rollup
from functions.rollup.generations import Pace
from functions.rollup.logic import run
from shared.catalog.client import Catalog
from shared.catalog.holds import find_hold, held_people, hold, holds, release
from shared.catalog.migrate import migrate
from shared.clock import FixedClock, to_micros
from shared.events import Row
from shared.ids import uuid7
from tests.integration.exporting import make_project
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

DAY = timedelta(days=1)
AT_ONCE = Pace(over=0, quiet=-86_400, waited=0, run_seconds=300)
PLAN = Plan(40, 30, [Rule("debug", 10), Rule("audit", None), Rule("buy", 60)])
KEPT = {"debug": 10, "audit": None, "buy": 60}
WHOLE: dict[str, Any] = {"start": (NOW - 200 * DAY).isoformat(), "end": (NOW + DAY).isoformat()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("retention-exact")) as found:
        yield found


@contextlib.asynccontextmanager
async def catalog_of(url: str, project: uuid.UUID) -> AsyncIterator[Catalog]:
    make_project(url, project)
    catalog = Catalog(url)
    yield catalog
    await catalog.close()


def retention(engine: Stored, catalog: Catalog) -> Retention:
    return Retention(engine.warehouse, catalog, FixedClock(to_micros(NOW)), Limits(12, dry_run=False))


async def enforced(retention: Retention, project: uuid.UUID) -> list[Run]:
    found = []
    while made := await retention.enforce(project, PLAN, NOW):
        found.append(made)
    return found


def written(seed: int, people: int = 12) -> list[Row]:
    """Events of twelve weeks, some received late, some twice, some of a device before its user was known."""
    dice = random.Random(seed)
    rows = []
    for number in range(500):
        ago = timedelta(seconds=dice.randrange(int((84 * DAY).total_seconds())))
        late = timedelta(days=dice.choice((0, 0, 0, 5, 30)))
        person = dice.randrange(people)
        who = {"user_id": f"u{person}"} if dice.random() < 0.7 else {"anonymous_id": f"d{person}"}
        if "user_id" in who and dice.random() < 0.3:
            who["anonymous_id"] = f"d{person}"
        received = min(NOW - ago + late, NOW)
        event = dice.choice(("view", "view", "buy", "debug", "audit"))
        rows.append(row(event, ago, {"n": number}, received_at=text_of(received), **who))
    return [*rows, row("view", DAY * 0, user_id="u-today")]


def due(one: Row) -> bool:
    days = KEPT.get(one.event, 40)
    return days is not None and max(one.timestamp, one.received_at) < text_of(NOW - days * DAY)


def roll(engine: Stored) -> None:
    clock = FixedClock(time.time_ns() // 1_000)
    engine.run(run(engine.warehouse, clock, AT_ONCE))
    engine.run(session_rollup.run(engine.warehouse, NoGaps(), clock, AT_ONCE))


class NoGaps:
    """A catalog in which every project has the usual gap."""

    async def rows(self, _name: str, _parameters: Any = None) -> list[dict[str, Any]]:
        return []


def ids(engine: Stored, project: uuid.UUID, table: str = "events") -> Counter[str]:
    sql = f"SELECT toString(event_id) FROM {table} FINAL WHERE project_id = {{p:UUID}}"
    return Counter(one for (one,) in engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows)


def number(engine: Stored, sql: str, project: uuid.UUID) -> int:
    return int(engine.run(engine.warehouse.query(sql, {"p": str(project)})).value)


def check_answers(engine: Stored, project: uuid.UUID, left: list[Row], people: int) -> None:
    """Counts, users, groups and sessions, by whatever way the planner takes."""
    ask = engine.warehouse
    assert engine.run(count(CountQuery(**WHOLE), project, ask)).value == len(left)
    assert engine.run(count(CountQuery(**WHOLE, measure="users"), project, ask)).value == people
    parts = engine.run(breakdown(BreakdownQuery(**WHOLE, by="event"), project, ask))
    assert {one.key: one.value for one in parts.rows} == dict(Counter(one.event for one in left))
    sessions = engine.run(sessions_of(SessionFiguresQuery(**WHOLE), project, 1_800, ask, engine.clock))
    assert sessions.total.events == len(left)


def test_what_rules_and_holds_say_goes_and_every_answer_agrees(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    rows = written(4)
    linking = row("identify", DAY * 80, user_id="u5", anonymous_id="d5", received_at=text_of(NOW - DAY * 80))
    engine.put(batch(project, *rows, *rows[::7], linking))  # a repeat in one insert is gone at once
    roll(engine)
    # Of u3 only what is known as u3 or was u3's with a device; of u5 the linked device too.
    held = {f"u:{one}" for one in ("u3", "u5")} | {"a:d5", "a:d7"}

    def kept(one: Row) -> bool:
        return not due(one) or f"u:{one.user_id}" in held or f"a:{one.anonymous_id}" in held

    async def go() -> list[Run]:
        async with catalog_of(catalog_url, project) as catalog:
            for person in ("u:u3", "u:u5", "a:d7"):
                assert await hold(catalog, project, person, "case 1") is not None
            enforcer = retention(engine, catalog)
            before = await enforcer.due(project, PLAN)
            # Two at once drop the same and do no harm.
            runs = await asyncio.gather(enforced(enforcer, project), enforced(retention(engine, catalog), project))
            after = await enforcer.due(project, PLAN)
            gone = sum(not kept(one) for one in rows)
            stays = sum(due(one) and kept(one) for one in [*rows, linking])
            assert (before.events, before.held_rows) == (gone, stays)
            assert sum(one.events for one in before.by_event) == gone
            assert (after.events, after.rows, after.held_rows) == (0, 0, stays)
            return [*runs[0], *runs[1]]

    runs = asyncio.run(go())
    assert {run.state for run in runs} == {"completed"}
    left = [one for one in [*rows, linking] if kept(one)]
    assert ids(engine, project) == Counter(one.event_id for one in left)
    linked = {"a:d5": "u:u5"}
    keys = {f"u:{one.user_id}" if one.user_id else f"a:{one.anonymous_id}" for one in left}
    people = len({linked.get(key, key) for key in keys})
    check_answers(engine, project, left, people)  # what is rolled up is not current: from the rows
    roll(engine)
    check_answers(engine, project, left, people)
    assert ids(engine, project, "identity_events") == Counter([linking.event_id])


def test_a_person_without_events_leaves_no_profile_and_one_with_events_keeps_it(
    engine: Stored, catalog_url: str
) -> None:
    project = uuid.uuid4()
    old = {"received_at": text_of(NOW - DAY * 100)}
    said = [
        row("identify", DAY * 100, {"plan": "pro"}, user_id=who, anonymous_id=f"d-{who}", **old)
        for who in ("gone", "active", "held")
    ]
    engine.put(batch(project, *said, row("view", anonymous_id="d-active"), row("view", user_id="today")))

    async def go() -> None:
        async with catalog_of(catalog_url, project) as catalog:
            await hold(catalog, project, "a:d-held", "case 2")
            await enforced(retention(engine, catalog), project)

    asyncio.run(go())
    sql = (
        "SELECT groupArray(user_key) FROM (SELECT user_key FROM identity_events WHERE project_id = {p:UUID} ORDER BY 1)"
    )
    found = engine.run(engine.warehouse.query(sql, {"p": str(project)})).value
    assert found == ["u:active", "u:held"]
    assert number(engine, "SELECT count() FROM events FINAL WHERE project_id = {p:UUID}", project) == 3


def test_payloads_go_after_thirty_days_unless_they_may_name_somebody_held(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, row("view")))
    at = {"project_id": str(project), "reason": "bad_id", "detail": ""}
    old, new = text_of(NOW - DAY * 31), text_of(NOW - DAY * 29)
    raws = [(old, '{"user_id":"x"}'), (old, '{"user_id":"u3"}'), (old, '{"user_id":"\\u0075"}'), (new, "{}")]
    payloads = [
        {**at, "batch_id": str(uuid.uuid4()), "position": 0, "received_at": when, "raw": raw} for when, raw in raws
    ]
    engine.insert("rejected_events", payloads)
    marks = [
        {
            **{name: one[name] for name in ("project_id", "batch_id", "position", "received_at")},
            "replay_id": str(uuid.uuid4()),
            "replayed_at": text_of(NOW),
            "outcome": "stored",
        }
        for one in payloads
    ]
    engine.insert("rejected_replays", marks)

    async def go() -> None:
        async with catalog_of(catalog_url, project) as catalog:
            await hold(catalog, project, "u:u3", "case 3")
            [made] = await enforced(retention(engine, catalog), project)
            assert (made.events, made.rejected) == (0, 1)

    asyncio.run(go())
    for table in ("rejected_events", "rejected_replays"):
        assert number(engine, f"SELECT count() FROM {table} FINAL WHERE project_id = {{p:UUID}}", project) == 3


def test_a_held_project_loses_nothing_until_it_is_released(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    rows = written(5)
    engine.put(batch(project, *rows))

    async def go() -> None:
        async with catalog_of(catalog_url, project) as catalog:
            made = await hold(catalog, project, None, "case 4")
            assert made is not None
            assert (await held_people(catalog, project)).among(["u:x"]) == ["u:x"]
            enforcer = retention(engine, catalog)
            assert await enforced(enforcer, project) == []
            assert await enforcer.runs(project, 10) == []
            found = await enforcer.due(project, PLAN)
            assert (found.events, found.held_rows) == (0, sum(map(due, rows)))
            await release(catalog, project, made.id)
            await enforced(enforcer, project)
            [listed] = await holds(catalog, project, 10)
            assert listed.released_at is not None
            assert (await held_people(catalog, project)).among(["u:x"]) == []

    asyncio.run(go())
    assert ids(engine, project) == Counter(one.event_id for one in rows if not due(one))


def test_a_hold_is_not_in_force_while_a_run_that_may_not_have_seen_it_goes_on(catalog_url: str) -> None:
    project, run_id = uuid.uuid4(), uuid7()

    async def go() -> None:
        async with catalog_of(catalog_url, project) as catalog:
            with psycopg.connect(catalog_url) as connection:
                sql = "INSERT INTO retention_runs (id, project_id, state, at) VALUES (%s, %s, 'started', now())"
                connection.execute(sql, [run_id, project])
            made = await hold(catalog, project, "u:ada", "case 5")
            assert made is not None
            assert not made.in_force
            await catalog.rows("end_retention_run", {"id": run_id})
            now = await find_hold(catalog, project, made.id)
            assert now is not None
            assert now.in_force

    asyncio.run(go())


def test_no_table_drops_rows_by_itself(engine: Stored) -> None:
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND create_table_query ILIKE '% TTL %'"
    # Places on the bus, of all projects and of removed ones: they name nobody, and are looked at for days only.
    places = {"batch_places", "removed_batches"}
    assert {name for (name,) in engine.run(engine.warehouse.query(sql)).rows} <= places


def test_a_project_from_before_keeps_what_it_kept_and_a_new_one_a_year(empty_catalog_url: str) -> None:
    migrate(empty_catalog_url, "0016")
    before, after = uuid.uuid4(), uuid.uuid4()
    make_project(empty_catalog_url, before)
    migrate(empty_catalog_url)
    make_project(empty_catalog_url, after)

    async def go() -> None:
        catalog = Catalog(empty_catalog_url)
        assert await plan_of(catalog, before) == Plan(None, None, [])
        assert await plan_of(catalog, after) == Plan(365, 30, [])
        await catalog.close()

    asyncio.run(go())
