"""The made-up shop: the same events every time, inside its days, without its outage."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import pytest

from functions.ingest.validate import arrival, validate
from shared.clock import to_micros
from shared.demo_shop import DAYS, Event, in_outage, shop_events
from shared.ids import uuid7

TODAY = date(2024, 2, 29)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(shop_events(TODAY))


def test_the_same_day_makes_the_same_events(events: list[Event]) -> None:
    assert list(shop_events(TODAY)) == events


def test_the_next_day_only_adds_and_forgets_a_day(events: list[Event]) -> None:
    today = {event.id: event for event in events}
    tomorrow = {event.id: event for event in shop_events(TODAY + timedelta(days=1))}
    kept = today.keys() & tomorrow.keys()
    assert all(today[key] == tomorrow[key] for key in kept)
    assert {tomorrow[key].timestamp.date() for key in tomorrow.keys() - kept} == {TODAY + timedelta(days=1)}


def test_ids_are_unique_and_there_are_about_twenty_thousand(events: list[Event]) -> None:
    assert len({event.id for event in events}) == len(events)
    assert 18_000 < len(events) < 24_000


def test_events_lie_in_sixty_days_that_end_today(events: list[Event]) -> None:
    days = {event.timestamp.date() for event in events}
    assert days == {TODAY - timedelta(days=back) for back in range(DAYS)}


@pytest.mark.parametrize("later", [0, 1, 31, 59, 400])
def test_every_period_holds_exactly_one_outage(later: int) -> None:
    last = TODAY + timedelta(days=later)
    noons = [datetime.combine(last - timedelta(days=back), time(13), UTC) for back in range(DAYS)]
    assert sum(map(in_outage, noons)) == 1


def test_the_outage_has_no_events(events: list[Event]) -> None:
    assert not [event for event in events if in_outage(event.timestamp)]
    silent = next(day for day in {event.timestamp.date() for event in events} if day.toordinal() % DAYS == 17)
    hours = {event.timestamp.hour for event in events if event.timestamp.date() == silent}
    assert hours
    assert not hours & set(range(12, 17))


def test_the_shop_sells_and_a_little_comes_back(events: list[Event]) -> None:
    count = Counter(event.event for event in events)
    assert count["product_view"] > count["add_to_cart"] > count["purchase"] > 10 * count["refund"] > 0
    bought = {event.properties["order"]: event for event in events if event.event == "purchase"}
    assert all({"price", "quantity", "currency"} <= event.properties.keys() for event in bought.values())
    assert len(bought) == count["purchase"]
    for refund in (event for event in events if event.event == "refund"):
        if purchase := bought.get(refund.properties["order"]):
            assert purchase.timestamp < refund.timestamp
            assert purchase.properties == refund.properties


def test_ingest_takes_every_event_even_at_the_first_moment_of_the_day(events: list[Event]) -> None:
    arrived = arrival(uuid7(), to_micros(datetime.combine(TODAY, time(), UTC)))
    for event in events[-600:]:
        assert validate(msgspec.json.encode(event), arrived, bytes(10)).event == event.event
