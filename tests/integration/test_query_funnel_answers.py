"""The funnels of three real data sets: every published number, in every window and with both readings of ties."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from functions.query_funnel.logic import funnel
from shared.query.filters import Filter
from shared.query.funnel.question import FunnelQuery, Step
from shared.warehouse.client import Warehouse
from tests.integration.data_sets import ABSENT, PRESENT, SETS, project_of, published, warehouse_of_sets

pytestmark = pytest.mark.skipif(not PRESENT, reason=ABSENT)

TIES = {"any_strict": "after", "any_nonstrict": "at_or_after", "any_nonstrict_distinct_rows": "at_or_after"}
PURCHASE, CANCEL = Step(event="purchase"), Step(event="cancel")
NAMESPACES = [Step(filters=[Filter("properties.namespace", "eq", name)]) for name in ("Main", "Talk", "User talk")]
FUNNELS = {
    "funnel_invoice_purchase_then_cancel": ("online_retail", [PURCHASE, CANCEL]),
    "funnel_three_purchases": ("online_retail", [PURCHASE] * 3),
    "funnel_three_purchase_days": ("cdnow", [PURCHASE] * 3),
    "funnel_namespace": ("wikiticker", NAMESPACES),
}


def numbers() -> list[Any]:
    """(funnel, reading of ties, window in seconds, counts); no window is longer than 366 days."""
    return [
        pytest.param(title, TIES[ties], window, counts, id=f"{title} {ties} {window}")
        for title, (name, _) in FUNNELS.items()
        for ties, by_window in published(name).get(title, {}).items()
        if ties in TIES
        for window, counts in by_window.items()
        if window != "unlimited"
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_of_sets(tmp_path_factory.mktemp("funnels")) as opened:
        yield opened


@pytest.mark.parametrize(("title", "ties", "window", "counts"), numbers())
def test_a_funnel_has_the_published_numbers(
    warehouse: Warehouse, title: str, ties: Any, window: str, counts: list[int]
) -> None:
    name, steps = FUNNELS[title]
    query = FunnelQuery(**SETS[name].range, steps=steps, window=f"{window}s", ties=ties)
    answer = asyncio.run(funnel(query, project_of(name), warehouse))
    assert [step.count for step in answer.steps] == counts
