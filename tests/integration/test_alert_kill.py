"""kill -9 between two evaluators: whatever one has done when it dies, each step is told once and none is missed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shared.clock import to_micros
from tests.integration.alert_worker import LEASE_SECONDS, evaluator
from tests.integration.reading import NOW, Stored, batch, row, stored
from tests.integration.timed import MINUTE, timed
from tests.integration.timed_worker import TableBus

ROOT = Path(__file__).resolve().parents[2]
# In the order in which a tick reaches them.
PLACES = ["claim_timers", "find_alerts", "save_alerts", "publish", "told_alert_changes", "advance_timers"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("alert-kill")) as found:
        yield found


@pytest.fixture
def published(catalog_url: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    with psycopg.connect(catalog_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS published")
        connection.execute("CREATE TABLE published (id text, type text, data text)")
        yield connection
        connection.execute("DROP TABLE published")


@pytest.mark.parametrize("place", PLACES)
async def test_whoever_goes_on_tells_each_step_once(
    place: str, engine: Stored, catalog_url: str, published: psycopg.Connection[tuple[str, ...]]
) -> None:
    async with timed(engine, catalog_url) as at:
        spike = {"type": "threshold", "op": "gte", "value": 3}
        rules = [await at.rule(name=f"r{number}", window="1m", condition=spike) for number in range(3)]
        grouped = await at.rule(query={"events": ["e"], "group_by": "country"}, window="1m", condition=spike)
        rows = [row("e", -MINUTE / 2, country=country) for country in ("DE", "FR") for _ in range(3)]
        await asyncio.to_thread(engine.put, batch(at.project, *rows))
        at.clock.advance(60)
        arguments = [catalog_url, engine.warehouse._url.geturl(), str(to_micros(NOW + MINUTE)), place]
        died = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "tests.integration.alert_worker", *arguments], cwd=ROOT, check=False
        )
        assert died.returncode == -9
        await asyncio.sleep(LEASE_SECONDS * 1.2)
        # What was noted and not told is swept after ten seconds: as long ago as that.
        published.execute("UPDATE alert_changes SET created_at = created_at - interval '1 minute'")
        other = evaluator(at.catalog, TableBus(catalog_url), engine.warehouse, at.clock)
        await other.tick()
        assert [await at.state(alert) for alert in [*rules, grouped]] == ["firing"] * 4
        at.clock.advance(60)
        await other.tick()
        assert [await at.state(alert) for alert in [*rules, grouped]] == ["resolved"] * 4
        found = {(one, kind, data) for one, kind, data in published.execute("SELECT * FROM published").fetchall()}
    assert len(found) == len({one for one, _, _ in found}), "a repeat says the same under the same id"
    steps = sorted(
        (data["name"], data["group"], data["state"])
        for _, kind, text in found
        if ".alert." in kind
        for data in [json.loads(text)]
    )
    each = [("n", "DE"), ("n", "FR"), ("r0", ""), ("r1", ""), ("r2", "")]
    assert steps == sorted((*one, state) for one in each for state in ("firing", "resolved"))
    assert sum("notification" in kind for _, kind, _ in found) == len(steps)
