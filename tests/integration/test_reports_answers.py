"""Built-in and custom reports of two real data sets: their numbers are the published ones."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import psycopg
import pytest

from functions.report_run.asked import ReportRequest
from functions.report_run.making import Maker
from functions.report_run.results import ReportSection
from shared.catalog.client import Catalog
from shared.query.request import from_json
from shared.warehouse.client import Warehouse
from tests.integration.data_sets import ABSENT, DATA, PRESENT, project_of, published, warehouse_of_sets
from tests.integration.exporting import make_project
from tests.integration.reporting import InProcess, part

pytestmark = pytest.mark.skipif(not PRESENT, reason=ABSENT)

AFTER_INVOICES = datetime(2011, 12, 10, 8, tzinfo=UTC)
AFTER_EDITS = datetime(2015, 9, 13, 8, tzinfo=UTC)
# Sums of sums in another order: equal to the penny.
PENNY = 0.005


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_of_sets(tmp_path_factory.mktemp("report-sets")) as opened:
        yield opened


def made(
    warehouse: Warehouse, catalog_url: str, monkeypatch: pytest.MonkeyPatch, name: str, due: datetime, **asked: Any
) -> dict[str, ReportSection]:
    """The sections of a report of a data set, by id."""
    environment = {"SLUICE_WAREHOUSE_URL": warehouse._url.geturl(), "SLUICE_CATALOG_URL": catalog_url}
    for key, value in {**environment, "SLUICE_BUS_URL": "memory://"}.items():
        monkeypatch.setenv(key, value)
    make_project(catalog_url, project_of(name))

    async def make() -> dict[str, ReportSection]:
        catalog, asking = Catalog(catalog_url), InProcess()
        own = Warehouse(warehouse._url.geturl())
        request = from_json(msgspec.json.encode({"name": "r", "timezone": "UTC", **asked}), ReportRequest).checked()
        found = await Maker(catalog, own, asking).make(request, project_of(name), due, strict=True)
        for one in (asking, own, catalog):
            await one.close()
        return {section.id: section for section in found.result.sections}

    return asyncio.run(make())


def test_daily_active_users_are_the_published_ones(
    warehouse: Warehouse, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = published("online_retail")
    found = made(warehouse, catalog_url, monkeypatch, "online_retail", AFTER_INVOICES, report="dau", last="374d")
    values = dict(zip(found["daily"].labels, found["daily"].lines[0].values, strict=True))
    known = answers["daily_dau_known_customers"]
    busy = [value for value in values.values() if value]
    assert (max(busy), values[known["max"][0]]) == (known["max"][1], known["max"][1])
    assert (min(busy), values[known["min"][0]]) == (known["min"][1], known["min"][1])
    assert (len(busy), round(sum(busy) / len(busy), 6)) == (answers["daily_rows"]["days_with_events"], known["mean"])
    numbers = {number.label: number.value for number in found["numbers"].numbers}
    assert numbers["Highest"] == known["max"][1]
    [edits] = [
        made(warehouse, catalog_url, monkeypatch, "wikiticker", AFTER_EDITS, report=report, last="1d")["daily"]
        for report in ("dau",)
    ]
    assert edits.lines[0].values == [published("wikiticker")["totals"]["users"]]
    with psycopg.connect(catalog_url) as connection:  # the key it asked with is gone
        assert connection.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)


def test_revenue_is_what_the_invoices_add_up_to(
    warehouse: Warehouse, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = DATA / "online_retail" / "online_retail.csv.gz"
    lines = f"read_csv('{file}', all_varchar = true)"  # the set's own file
    total = "sum(Quantity::INT * UnitPrice::DOUBLE)"
    with duckdb.connect() as connection:
        everything = connection.execute(f"SELECT {total} FROM {lines}").fetchone()
        known = connection.execute(
            f"SELECT strftime(InvoiceDate::TIMESTAMP, '%Y-%m'), {total} FROM {lines} WHERE CustomerID <> '' GROUP BY 1"
        ).fetchall()
    assert everything is not None
    assert abs(everything[0] - published("online_retail")["totals"]["revenue_all_rows"]) < PENNY
    months = dict(known)
    found = made(
        warehouse, catalog_url, monkeypatch, "online_retail", datetime(2011, 12, 1, 6, tzinfo=UTC), report="revenue"
    )
    november = months["2011-11"]
    assert abs(found["numbers"].numbers[0].value - november) < PENNY
    assert abs(sum(value or 0 for value in found["daily"].lines[0].values) - november) < PENNY
    assert [row[0] for row in found["events"].rows] == ["purchase", "cancel"]


def test_retention_is_the_published_table(
    warehouse: Warehouse, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime(2011, 1, 31, 6, tzinfo=UTC)  # nine whole weeks
    found = made(warehouse, catalog_url, monkeypatch, "online_retail", due, report="retention", last="63d")
    table = {str(row[0]): row for row in found["cohorts"].rows}
    for cohort in published("online_retail")["retention_week_all_rows_known_customers"][:5]:
        users, row = cohort["users"], table[cohort["cohort"]]
        weeks = (datetime(2011, 1, 31, tzinfo=UTC).date() - datetime.fromisoformat(cohort["cohort"]).date()).days // 7
        expected = [count / users[0] for count in users[:weeks]]
        assert row[1] == users[0]
        assert [value for value in row[2 : 2 + weeks] if value is not None] == expected[: len(row) - 2]


def test_a_custom_report_shows_the_published_pages_and_totals(
    warehouse: Warehouse, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = published("wikiticker")
    parts = [
        part("count", {"measure": "users"}, id="people"),
        part("breakdown", {"by": "properties.page", "limit": 10}, id="pages", title="Pages of {{ from }}"),
        part("timeseries", {"interval": "hour"}, id="hours"),
    ]
    found = made(
        warehouse, catalog_url, monkeypatch, "wikiticker", AFTER_EDITS, report="custom", parts=parts, last="1d"
    )
    assert found["people"].numbers[0].value == answers["totals"]["users"]
    top = {str(row[0]): int(row[1] or 0) for row in found["pages"].rows[:10]}
    assert sorted(top.values(), reverse=True) == [count for _, count in answers["top_page"]]
    assert all(top[name] == count for name, count in answers["top_page"] if count > min(top.values()))
    assert (found["pages"].title, found["pages"].rows[-1][0]) == ("Pages of 2015-09-12", "all others")
    assert found["hours"].lines[0].values == list(answers["hourly"].values())
