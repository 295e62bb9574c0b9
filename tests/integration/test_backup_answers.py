"""The real data sets copied here and restored elsewhere: every answer is the same."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from functions.query_attribution.logic import AttributionQuery, attribution
from functions.query_breakdown.logic import BreakdownQuery, breakdown
from functions.query_count.logic import CountQuery, count
from functions.query_funnel.logic import funnel
from functions.query_paths.logic import PathsQuery, paths
from functions.query_retention.logic import retention
from functions.query_retention.question import RetentionQuery
from functions.query_timeseries.logic import TimeseriesQuery, timeseries
from shared.backups import Manifest, Seal
from shared.backups.making import Checkpoint, Making, Source
from shared.backups.restoring import Target, restore
from shared.backups.storage import Storage
from shared.bus.memory import MemoryBus
from shared.clock import SYSTEM_CLOCK
from shared.ids import uuid7
from shared.objects.folder import FolderObjects
from shared.query.acts import Act
from shared.query.funnel.question import FunnelQuery, Step
from shared.warehouse.client import Warehouse
from tests.integration.data_sets import ABSENT, PRESENT, SETS, project_of, warehouse_of_sets
from tests.integration.door_process import PASSWORD, warehouse_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.skipif(not PRESENT, reason=ABSENT)]

NOW = datetime(2026, 11, 21, tzinfo=UTC)
_OF_THE_RUN = ("took_ms", "rows_read", "plan")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_of_sets(tmp_path_factory.mktemp("here")) as opened:
        yield opened


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_process(tmp_path_factory.mktemp("elsewhere")) as process:
        url = process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default"
        warehouse = Warehouse(url, timeout_seconds=300)
        yield warehouse
        asyncio.run(warehouse.close())


async def copy_and_restore(
    source: Warehouse, elsewhere: Warehouse, catalog_url: str, empty_catalog_url: str, folder: Path
) -> Manifest:
    storage = Storage(FolderObjects(folder), Seal("a secret of thirty-two characters!"))
    bus = MemoryBus()
    making = Making(Source(source, catalog_url, lambda: bus, {}), storage, SYSTEM_CLOCK)
    found: Checkpoint | Manifest | None = None
    copy_id = uuid7()
    while not isinstance(found, Manifest):
        found = await making.step(copy_id, NOW, found, 600.0)
    await restore(found, storage, Target(elsewhere, empty_catalog_url), SYSTEM_CLOCK, lambda _: None)
    return found


async def answers(warehouse: Warehouse) -> dict[str, Any]:
    """Each question of each data set with its answer, without what the asking took."""
    found = {}
    for name, data_set in SETS.items():
        project, within = project_of(name), data_set.range
        event = "edit" if name == "wikiticker" else "purchase"
        act, step = Act(event=event), Step(event=event)
        weeks = RetentionQuery(**within, interval="week", starting=act, returning=act, periods=8)
        counted = {
            f"count {measure}": count(CountQuery(**within, measure=measure), project, warehouse) for measure in MEASURES
        }
        asked = {
            **counted,
            "timeseries": timeseries(TimeseriesQuery(**within, interval="day", group_by="event"), project, warehouse),
            "breakdown": breakdown(BreakdownQuery(**within, by="user_id", limit=50), project, warehouse),
            "funnel": funnel(FunnelQuery(**within, steps=[step, step], window="30d"), project, warehouse),
            "retention": retention(weeks, project, warehouse, NOW),
            "paths": paths(PathsQuery(**within), project, warehouse),
            "attribution": attribution(AttributionQuery(**within, conversion=act), project, warehouse),
        }
        for question, answer in asked.items():
            shown = msgspec.to_builtins(await answer)
            of_data = {part: value for part, value in shown.items() if part not in _OF_THE_RUN}
            found[f"{name} {question}"] = _rounded(of_data)
    return found


def _rounded(value: Any) -> Any:
    """Floating sums depend on the order in which threads add in their last digits."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


MEASURES = ("count", "users", "event_types", "sum:revenue", "p90:revenue")


def test_every_answer_is_the_same_elsewhere(
    source: Warehouse, elsewhere: Warehouse, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    manifest = asyncio.run(copy_and_restore(source, elsewhere, catalog_url, empty_catalog_url, tmp_path))
    here, there = asyncio.run(answers(source)), asyncio.run(answers(elsewhere))
    assert manifest.events > 60_000
    assert here == there
    assert all(here[f"{name} count count"]["value"] > 0 for name in SETS)
