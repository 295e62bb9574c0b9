import math
from typing import Any

import pytest

from functions.ingest.enrich.handlers import CUSTOM, HANDLERS, MOST_REVENUE, handler_of
from shared.events import Row
from shared.refusals import Refusal, Rejected


def handled(event: str, properties: dict[str, Any], user_id: str = "") -> Row:
    row = Row(event=event, event_id="", timestamp="", received_at="", user_id=user_id)
    handler_of(event).apply(row, properties)
    return row


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("page_view", "page_view"),
        ("$pageview", "page_view"),
        ("Pageview", "page_view"),
        ("Page Viewed", "page_view"),
        ("$mp_web_page_view", "page_view"),
        ("click", "click"),
        ("Button Clicked", "click"),
        ("purchase", "purchase"),
        ("Order Completed", "purchase"),
        ("orderCompleted", "purchase"),
        ("order-completed", "purchase"),
        ("in_app_purchase", "purchase"),
        ("$identify", "identify"),
        ("signup", "custom"),
        ("purchase_intent", "custom"),
        ("___", "custom"),
        ("покупка", "custom"),
    ],
)
def test_common_spellings_of_an_event_have_one_handler(event: str, kind: str) -> None:
    assert handler_of(event).kind == kind


def test_the_registry_holds_each_kind_under_a_name_without_separators() -> None:
    assert {handler.kind for handler in HANDLERS.values()} | {CUSTOM.kind} == {
        "page_view",
        "click",
        "purchase",
        "identify",
        "custom",
    }
    assert all(name.isalnum() and name == name.lower() for name in HANDLERS)


def test_a_handler_never_changes_the_name() -> None:
    assert handled("Order Completed", {"revenue": 1}).event == "Order Completed"


@pytest.mark.parametrize(
    ("properties", "revenue"),
    [
        ({"revenue": 12.5, "total": 99, "price": 1}, 12.5),
        ({"total": 99, "value": 1}, 99.0),
        ({"value": "12.50"}, 12.5),
        ({"amount": 0}, 0.0),
        ({"revenue": None, "total": 7}, 7.0),
        ({"revenue": -10}, -10.0),
        ({"price": 2.55, "quantity": 6}, 15.3),
        ({"price": "2.55", "quantity": "6"}, 15.3),
        ({"price": 2.55}, 2.55),
        ({"price": 2.55, "quantity": -6}, -15.3),
        ({"price": 2.55, "quantity": "many"}, None),
        ({"revenue": "a lot", "total": 7}, None),
        ({"revenue": "NaN"}, None),
        ({"revenue": "inf"}, None),
        ({"revenue": True}, None),
        ({"revenue": [1]}, None),
        ({"revenue": {"amount": 1}}, None),
        ({"revenue": 10**400}, None),
        ({"revenue": 2 * MOST_REVENUE}, None),
        ({"price": 1e15, "quantity": 1e15}, None),
        ({"revenue": "12,50"}, None),
        ({}, None),
    ],
)
def test_revenue_is_the_first_amount_given_and_nothing_where_that_is_none(
    properties: dict[str, Any], revenue: float | None
) -> None:
    found = handled("purchase", properties).revenue
    assert found == revenue
    assert found is None or math.isfinite(found)


@pytest.mark.parametrize(
    ("currency", "kept"), [("EUR", "EUR"), ("rub", "RUB"), ("€", ""), ("EURO", ""), ("", ""), (978, ""), (None, "")]
)
def test_a_currency_is_three_letters(currency: object, kept: str) -> None:
    assert handled("purchase", {"currency": currency}).currency == kept


def test_of_any_other_event_only_the_property_revenue_counts() -> None:
    row = handled("return", {"revenue": -5, "currency": "EUR"})
    assert (row.revenue, row.currency) == (-5.0, "EUR")
    assert handled("refund_requested", {"total": 5, "value": 6, "price": 7}).revenue is None


def test_identify_without_a_user_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="user_id") as refused:
        handled("$identify", {"plan": "pro"})
    assert refused.value.refusal is Refusal.USER_ID_MISSING
    assert handled("identify", {"plan": "pro"}, user_id="anna").user_id == "anna"
