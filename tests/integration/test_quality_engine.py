"""The hourly check on real engines: a made-up month in which everything goes wrong once, found once and gone once."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from functions.quality_check.findings import FOUND, GONE
from functions.quality_check.logic import Check
from functions.quality_check.registry import Registry, SchemaVersion
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.events import CONTROL_TOPIC, Row
from shared.notifications import REQUESTED
from tests.integration.exporting import make_project
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

DAY = timedelta(days=1)
EACH = 30
SCHEMA = b'{"properties": {"plan": {"enum": ["free", "pro"]}}, "required": ["plan"]}'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("quality")) as found:
        yield found


def event(name: str, ago: timedelta, properties: dict[str, Any], **more: Any) -> Row:
    """An event that arrived as soon as it happened."""
    return row(name, ago, properties, **{"received_at": text_of(NOW - ago), "user_id": "u", **more})


def weeks(name: str, first: int, last: int = 1) -> list[Row]:
    return [
        event(name, back * DAY - timedelta(minutes=n), {"plan": "pro", "price": 1.5, "n": n})
        for back in range(last, first + 1)
        for n in range(EACH)
    ]


def wrong_today() -> list[Row]:
    """Thirty orders of this morning: 5 without a plan, 9 with a price as text, 12 without `n`, 3 of bots, 6 new."""
    made = []
    for n in range(EACH):
        properties: dict[str, Any] = {"plan": "pro", "price": 1.5, "n": n}
        if n % 6 == 0:
            del properties["plan"]
        if n < 9:
            properties["price"] = "1.50"
        if n < 12:
            del properties["n"]
        if n >= 24:
            properties["coupon"] = "X"
        made.append(event("order", timedelta(minutes=n), properties, bot=n < 3))
    late = [event("late", timedelta(hours=8, minutes=n), {}, received_at=text_of(NOW)) for n in range(3)]
    ahead = [event("ahead", timedelta(minutes=-30), {}, received_at=text_of(NOW))]
    same = event("twice", timedelta(hours=1), {"a": 1})
    again = [event("twice", timedelta(hours=1), {"a": 1}) for _ in range(2)]
    conflict = [event("id", timedelta(hours=h), {"h": h}, event_id=str(uuid.UUID(int=5))) for h in (1, 2)]
    return [*made, *late, *ahead, same, *again, *conflict]


def told(bus: MemoryBus) -> list[tuple[str, str, str]]:
    async def go() -> list[Any]:
        subscription = await bus.subscribe(CONTROL_TOPIC, "test")
        found = await subscription.take(1_000, 0)
        await subscription.ack([one.position for one in found])
        await subscription.close()
        return [one.message for one in found]

    messages = asyncio.run(go())
    ours = [one for one in messages if one.attributes["type"] != REQUESTED]
    for one in messages:
        if one.attributes["type"] == REQUESTED:
            assert json.loads(one.data)["subscribers"] in {"quality.found", "quality.gone"}
    assert len(ours) * 2 == len(messages)
    return sorted((one.attributes["type"], json.loads(one.data)["event"], json.loads(one.data)["kind"]) for one in ours)


async def project_with_schema(catalog_url: str) -> uuid.UUID:
    project = uuid.uuid4()
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    async with catalog.transaction() as transaction:
        await Registry(transaction, project).create("order", SchemaVersion(schema=msgspec.Raw(SCHEMA)))
    await catalog.close()
    return project


def test_what_goes_wrong_is_found_once_and_gone_once(engine: Stored, catalog_url: str) -> None:
    project = asyncio.run(project_with_schema(catalog_url))
    engine.put(batch(project, *weeks("order", 20), *weeks("gone", 20, 2)))
    bus = MemoryBus()

    async def look(*, twice: bool = False) -> None:
        checks = []
        for _ in range(2 if twice else 1):
            catalog = Catalog(catalog_url)
            checks.append((Check(engine.warehouse, catalog, bus, engine.clock), catalog))
        await asyncio.gather(*(check.run() for check, _ in checks))
        for _, catalog in checks:
            await catalog.close()

    asyncio.run(look())
    quiet = {("gone", "silent"), ("gone", "unplanned")}
    assert {(name, kind) for _, name, kind in told(bus)} <= quiet
    engine.put(batch(project, *wrong_today()))
    asyncio.run(look(twice=True))
    found = told(bus)
    expected = {
        ("order", "schema_violation"),
        ("order", "null_rate"),
        ("order", "type_change"),
        ("order", "new_property"),
        ("order", "bots"),
        ("late", "late"),
        ("ahead", "future"),
        ("twice", "repeats"),
        ("id", "id_conflict"),
        *((name, "unplanned") for name in ("late", "ahead", "twice", "id")),
    }
    assert {(name, kind) for what, name, kind in found if what == FOUND} == expected
    with psycopg.connect(catalog_url) as connection:
        sql = (
            "SELECT event || ' ' || kind || ' ' || property, value, detail FROM quality_findings WHERE project_id = %s"
        )
        rows = {name: (value, detail) for name, value, detail in connection.execute(sql, [project]).fetchall()}
        assert rows["order schema_violation "] == (pytest.approx(1 / 6, abs=1e-6), "5 / 30 · (all): required")
        assert rows["order null_rate n"] == (0.4, "0% → 40%")
        assert rows["order type_change price"] == (0.3, "number → number, string")
        assert rows["order new_property coupon"] == (0.2, "string")
        assert rows["order bots "] == (0.1, "3 / 30")
        assert rows["twice repeats "][1] == "2 / 3"
        assert rows["id id_conflict "] == (0.5, "1 / 2")
        assert rows["gone silent "] == (0.0, "2026-03-29")
        open_now = connection.execute(
            "SELECT count(*), count(DISTINCT (event, kind, property)) FROM quality_findings"
            " WHERE project_id = %s AND closed_at IS NULL",
            [project],
        ).fetchone()
        assert open_now is not None
        assert open_now[0] == open_now[1] == len(expected) + 1
        # A crash before anybody was told: the next look tells it, under the same ids.
        connection.execute("UPDATE quality_findings SET told_found = false WHERE kind = 'late'")
        scores: list[Any] = connection.execute(
            "SELECT event, score FROM quality_days WHERE project_id = %s AND day = '2026-03-31'", [project]
        ).fetchall()
    # 100, less 40 (a sixth, more than a tenth), 15, 8 (40 points of 50), 1 and 5·0.1/0.3
    assert dict(scores)["order"] == pytest.approx(34.33)
    asyncio.run(look())
    assert told(bus) == [(FOUND, "late", "late")]
    # Plenty of sound events of all kinds, and the one that was silent comes back.
    sound = [event("order", timedelta(hours=3, seconds=n), {"plan": "pro", "price": 1.5, "n": n}) for n in range(3_000)]
    engine.put(batch(project, *sound, event("gone", timedelta(hours=1), {"plan": "pro", "price": 1.5, "n": 1})))
    asyncio.run(look())
    gone = {(name, kind) for what, name, kind in told(bus) if what == GONE}
    assert gone == {
        ("gone", "silent"),
        ("order", "bots"),
        ("order", "null_rate"),
        ("order", "new_property"),
        ("order", "type_change"),
    }


def test_a_day_that_did_not_change_is_not_read_again(engine: Stored, catalog_url: str) -> None:
    project = asyncio.run(project_with_schema(catalog_url))
    long = event("order", 3 * DAY, {"\u00e4" * 600: 1, "\U0001d11e" * 390: 2})
    engine.put(batch(project, *weeks("order", 4), long))
    names = ["\U0001d11e" * 190, "\u00e4" * 900, "a\0b"]
    refused = {"project_id": project, "received_at": text_of(NOW - DAY), "reason": "bad_id", "detail": "", "raw": "{}"}
    which = [{"batch_id": uuid.uuid4(), "position": 0, "event": name} for name in names]
    engine.insert("rejected_events", [{**refused, **one} for one in which])

    async def looks() -> list[int]:
        catalog = Catalog(catalog_url)
        check = Check(engine.warehouse, catalog, MemoryBus(), engine.clock)
        found = [await check.project(project) for _ in range(2)]
        await asyncio.to_thread(engine.put, batch(project, event("order", 2 * DAY, {"plan": "pro"})))
        found.append(await check.project(project))
        await catalog.close()
        return found

    assert asyncio.run(looks()) == [4, 0, 1]
    with psycopg.connect(catalog_url) as connection:
        other = "SELECT event FROM quality_days WHERE project_id = %s AND event <> 'order'"
        assert connection.execute(other, [project]).fetchall() == [(names[0],)]
        sql = (
            "SELECT day::text, (profile::json ->> 'volume')::int FROM quality_days"
            " WHERE project_id = %s AND event = 'order'"
        )
        volumes: Counter[str] = Counter(dict(connection.execute(sql, [project]).fetchall()))
    assert volumes == {"2026-03-27": 30, "2026-03-28": 31, "2026-03-29": 31, "2026-03-30": 30}


def test_an_erased_day_is_forgotten(engine: Stored, catalog_url: str) -> None:
    project = asyncio.run(project_with_schema(catalog_url))
    engine.put(batch(project, *weeks("order", 3)))

    async def go() -> None:
        catalog = Catalog(catalog_url)
        check = Check(engine.warehouse, catalog, MemoryBus(), engine.clock)
        await check.project(project)
        which = {"project": str(project)}
        await engine.warehouse.change("DELETE FROM events WHERE project_id = {project:UUID}", which)
        lines = [{"project_id": project, "hour": text_of(NOW - 2 * DAY)[:13] + ":00:00", "changes": 1}]
        await asyncio.to_thread(engine.insert, "hour_changes", lines)
        await check.project(project)
        await catalog.close()

    asyncio.run(go())
    with psycopg.connect(catalog_url) as connection:
        sql = "SELECT day::text FROM quality_days WHERE project_id = %s AND event = 'order' ORDER BY day"
        days = [day for (day,) in connection.execute(sql, [project]).fetchall()]
    assert "2026-03-29" not in days
