"""The customers of cdnow, as people: how many there are, and how many did what, are as published."""

import asyncio
from collections.abc import Iterator

import pytest

from functions.query_count.logic import CountQuery, count
from functions.query_people.logic import Did, ExportQuery, PeopleQuery, search, table
from shared.clock import SYSTEM_CLOCK
from shared.query.filters import Filter
from shared.warehouse.client import Warehouse
from tests.integration.data_sets import ABSENT, PRESENT, SETS, project_of, published, warehouse_of_sets

pytestmark = pytest.mark.skipif(not PRESENT, reason=ABSENT)
PROJECT = project_of("cdnow")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_of_sets(tmp_path_factory.mktemp("people")) as found:
        yield found


def test_customers_are_counted_as_published(warehouse: Warehouse) -> None:
    async def customers(start: str, end: str) -> object:
        query = CountQuery(start=start, end=end, measure="users")
        return (await count(query, PROJECT, warehouse)).value

    known = published("cdnow")
    assert asyncio.run(customers(**SETS["cdnow"].range)) == known["totals"]["customers"]
    for month, [_, wanted, _] in known["monthly"].items():
        year, number = map(int, month.split("-"))
        until = f"{year + number // 12}-{number % 12 + 1:02}-01T00:00:00"
        assert asyncio.run(customers(f"{month}-01", until)) == wanted, month


def test_customers_are_found_as_published(warehouse: Warehouse) -> None:
    known = published("cdnow")["totals"]
    everybody = asyncio.run(table(ExportQuery(), PROJECT, warehouse, SYSTEM_CLOCK)).people
    assert len(everybody) == known["customers"]
    assert sum(one.events for one in everybody) == known["transactions"]
    assert sum(one.revenue for one in everybody) == pytest.approx(known["dollars"])
    once = ExportQuery(did=[Did(event="purchase", op="eq", times=1)])
    found = asyncio.run(table(once, PROJECT, warehouse, SYSTEM_CLOCK)).people
    assert len(found) == known["customers_with_one_transaction"]
    most = known["max_transactions_one_customer"]
    best = asyncio.run(search(PeopleQuery(sort="events", limit=1), PROJECT, warehouse, SYSTEM_CLOCK)).items[0].events
    assert best == (most if isinstance(most, int) else max(one for one in most if isinstance(one, int)))
    rich = PeopleQuery(filters=[Filter("events", "gte", best)], limit=10)
    assert len(asyncio.run(search(rich, PROJECT, warehouse, SYSTEM_CLOCK)).items) == 1
