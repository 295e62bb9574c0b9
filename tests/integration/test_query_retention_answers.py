"""Retention of two real data sets by week and month, and what a customer is worth: every published number."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.query_retention.logic import RetentionAnswer, retention
from functions.query_retention.question import RetentionQuery
from shared.query.acts import Act
from shared.warehouse.client import Warehouse
from tests.integration.data_sets import ABSENT, PRESENT, SETS, project_of, published, warehouse_of_sets

pytestmark = pytest.mark.skipif(not PRESENT, reason=ABSENT)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PURCHASE = Act(event="purchase")
TABLES = {
    "retention_month_all_rows_known_customers": ("online_retail", "month", Act()),
    "retention_month_purchases_only": ("online_retail", "month", PURCHASE),
    "retention_week_all_rows_known_customers": ("online_retail", "week", Act()),
    "retention_month": ("cdnow", "month", PURCHASE),
    "retention_week": ("cdnow", "week", PURCHASE),
}


def tables() -> list[Any]:
    return [
        pytest.param(
            title, name, interval, act, cohort["cohort"], cohort["users"], id=f"{name} {title} {cohort['cohort']}"
        )
        for title, (name, interval, act) in TABLES.items()
        for cohort in published(name).get(title, [])
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_of_sets(tmp_path_factory.mktemp("retention")) as opened:
        yield opened


def ask(warehouse: Warehouse, name: str, **asked: Any) -> RetentionAnswer:
    query = RetentionQuery(**SETS[name].range, **asked)
    return asyncio.run(retention(query, project_of(name), warehouse, NOW))


@pytest.mark.parametrize(("title", "name", "interval", "act", "date", "users"), tables())
def test_a_cohort_has_the_published_numbers(  # noqa: PLR0917 (a row of the table)
    warehouse: Warehouse, title: str, name: str, interval: str, act: Act, date: str, users: list[int]
) -> None:
    answer = ask(warehouse, name, interval=interval, starting=act, returning=act, periods=len(users) - 1)
    [found] = [one for one in answer.cohorts if one.date.startswith(date)]
    assert (found.values, found.size) == (users, users[0])


def test_a_customer_of_cdnow_is_worth_what_is_published(warehouse: Warehouse) -> None:
    values = published("cdnow")["ltv_cumulative_dollars_per_customer_by_30d_since_first"]
    answer = ask(
        warehouse,
        "cdnow",
        interval="month",
        starting=PURCHASE,
        returning=PURCHASE,
        rolling=True,
        measure="sum:revenue",
        cumulative=True,
        periods=len(values) - 1,
    )
    assert answer.mean == pytest.approx(values, abs=1e-6)
    assert sum(one.size for one in answer.cohorts) == published("cdnow")["totals"]["customers"]
