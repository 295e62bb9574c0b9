"""The made-up shop: the same events every time, inside its days, believable, and taken by ingest."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest

from functions.ingest.enrich import Enricher
from functions.ingest.enrich.place import Sender
from functions.ingest.validate import arrival, validate
from shared.clock import to_micros
from shared.demo.shop import DAYS, EXPERIMENT, Event, first_day, outage_day, shop_events, today_in_shop
from shared.demo.stock import PRODUCTS, ZONE
from shared.demo.visit import OUTAGE_HOURS
from shared.events import Row
from shared.ids import uuid7

BERLIN = ZoneInfo(ZONE)
TODAY = date(2024, 2, 29)
SESSION_GAP = timedelta(minutes=30)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return sorted(shop_events(TODAY), key=lambda event: event.timestamp)


@pytest.fixture(scope="module")
def sessions(events: list[Event]) -> Mapping[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.session_id:
            found[event.session_id].append(event)
    return found


def local(event: Event) -> datetime:
    return event.timestamp.astimezone(BERLIN)


def share(sessions: Mapping[str, Sequence[Event]], of: str, among: str) -> float:
    """The share of the sessions with the event `among` in which `of` happens too."""
    kinds = [{event.event for event in session} for session in sessions.values()]
    return sum(of in kind for kind in kinds if among in kind) / sum(among in kind for kind in kinds)


def test_the_same_day_makes_the_same_events(events: list[Event]) -> None:
    assert sorted(shop_events(TODAY), key=lambda event: event.timestamp) == events


@pytest.mark.parametrize("today", [TODAY, date(2024, 10, 26)])
def test_the_next_day_only_adds_and_forgets_a_day(today: date) -> None:
    before = {event.id: event for event in shop_events(today)}
    after = {event.id: event for event in shop_events(today + timedelta(days=1))}
    kept = before.keys() & after.keys()
    assert all(before[key] == after[key] for key in kept)
    assert {local(after[key]).date() for key in after.keys() - kept} == {today + timedelta(days=1)}
    assert {local(before[key]).date() for key in before.keys() - kept} == {first_day(today)}


def test_ids_are_unique_and_the_size_is_that_of_a_demo(events: list[Event]) -> None:
    assert len({event.id for event in events}) == len(events)
    assert 12_000 < len(events) < 60_000
    assert 600 < len({event.user_id or event.anonymous_id for event in events}) < 1_600


def test_events_lie_in_the_sixty_days_of_the_shop_that_end_today(events: list[Event]) -> None:
    assert {local(event).date() for event in events} == {TODAY - timedelta(days=back) for back in range(DAYS)}


def test_today_is_the_day_of_the_shop() -> None:
    assert today_in_shop(datetime(2024, 2, 28, 23, 30, tzinfo=UTC)) == TODAY


@pytest.mark.parametrize("later", [0, 1, 399])
def test_every_period_holds_one_outage_in_which_nothing_but_errors_happens(later: int) -> None:
    today = TODAY + timedelta(days=later)
    day = outage_day(today)
    assert first_day(today) <= day <= today
    down = [e for e in shop_events(today) if local(e).date() == day and local(e).hour in OUTAGE_HOURS]
    assert {event.event for event in down} == {"error"}
    assert {event.properties["status"] for event in down} == {503}


def test_the_outage_is_the_only_evening_without_a_visitor_who_gets_on(events: list[Event]) -> None:
    seen = {local(event).date() for event in events if local(event).hour in OUTAGE_HOURS and event.event != "error"}
    assert {TODAY - timedelta(days=back) for back in range(DAYS)} - seen == {outage_day(TODAY)}


def test_new_people_come_on_every_day(events: list[Event]) -> None:
    first: dict[str, date] = {}
    for event in events:
        first.setdefault(event.anonymous_id, local(event).date())
    arrivals = Counter(first.values())
    assert min(arrivals.get(TODAY - timedelta(days=back), 0) for back in range(DAYS)) >= 5


def test_people_come_again_less_and_less(events: list[Event]) -> None:
    days: dict[str, set[date]] = defaultdict(set)
    for event in events:
        if event.session_id:
            days[event.anonymous_id].add(local(event).date())
    cohort = {who: seen for who, seen in days.items() if first_day(TODAY) <= min(seen) < TODAY - timedelta(days=21)}
    back = Counter((day - min(seen)).days // 7 for seen in cohort.values() for day in seen if day != min(seen))
    assert back[0] > back[1] > back[2] > 0


def test_evenings_and_weekends_are_busy_and_nights_are_quiet(events: list[Event]) -> None:
    people = [local(event) for event in events if event.session_id]
    hours, weekdays = Counter(moment.hour for moment in people), Counter(moment.weekday() for moment in people)
    assert hours[20] > 2 * hours[7]
    assert sum(hours[hour] for hour in range(1, 5)) < len(people) / 100
    assert weekdays[6] > 1.15 * weekdays[2]


def test_a_session_has_no_pause_of_thirty_minutes_and_lies_that_far_from_the_next(
    sessions: Mapping[str, list[Event]],
) -> None:
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for session in sessions.values():
        assert len({event.anonymous_id for event in session}) == 1
        assert all(after.timestamp - before.timestamp < SESSION_GAP for before, after in pairwise(session))
        spans[session[0].anonymous_id].append((session[0].timestamp, session[-1].timestamp))
    for found in spans.values():
        assert all(after[0] - before[1] >= SESSION_GAP for before, after in pairwise(sorted(found)))


def test_the_funnel_narrows_as_in_a_real_shop(sessions: Mapping[str, list[Event]]) -> None:
    assert 0.45 < share(sessions, "product_view", "page_view") < 0.7
    assert 0.1 < share(sessions, "add_to_cart", "product_view") < 0.4
    assert 0.4 < share(sessions, "checkout_start", "add_to_cart") < 0.8
    assert 0.4 < share(sessions, "purchase", "checkout_start") < 0.85
    assert 0.02 < share(sessions, "purchase", "page_view") < 0.12


def test_one_checkout_sells_better(sessions: Mapping[str, list[Event]]) -> None:
    by = {
        variant: {key: found for key, found in sessions.items() if found[0].properties[EXPERIMENT] == variant}
        for variant in ("classic", "one_page")
    }
    assert share(by["one_page"], "purchase", "checkout_start") > share(by["classic"], "purchase", "checkout_start")


def test_a_purchase_follows_its_cart_and_a_return_takes_its_revenue_back(events: list[Event]) -> None:
    bought = {(event.properties["order_id"], event.timestamp): event for event in events if event.event == "purchase"}
    for event in bought.values():
        price, quantity = event.properties["price"], event.properties["quantity"]
        assert event.properties["revenue"] == pytest.approx(price * quantity)
        assert event.properties["currency"] == "EUR"
    by_order = {event.properties["order_id"]: event for event in reversed(bought.values())}
    returned = [event for event in events if event.event == "return"]
    assert len(bought) / 4 > len(returned) >= 5
    for event in returned:
        if purchase := by_order.get(event.properties["order_id"]):
            assert timedelta(days=2) < event.timestamp - purchase.timestamp < timedelta(days=14)
            assert event.properties["revenue"] == -purchase.properties["revenue"] < 0
            assert (event.user_id, event.anonymous_id) == (purchase.user_id, purchase.anonymous_id)


def test_a_sign_up_links_what_was_anonymous_and_some_people_have_two_devices(events: list[Event]) -> None:
    devices: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.event == "identify":
            assert event.user_id
            assert event.anonymous_id
            assert {"name", "email"} <= event.properties.keys()
            devices[event.user_id].add(event.anonymous_id)
    assert len(devices) > 100
    assert sum(len(found) > 1 for found in devices.values()) >= 5
    for _, mine in groupby(sorted(events, key=lambda e: (e.anonymous_id, e.timestamp)), lambda e: e.anonymous_id):
        known = [bool(event.user_id) for event in mine]
        assert known == sorted(known), "who has signed in stays known on that device"


def test_campaigns_referrers_browsers_and_both_languages_are_there(events: list[Event]) -> None:
    queries = [parse_qs(urlsplit(event.context["page"]["url"]).query) for event in events]
    campaigns = Counter(query["utm_campaign"][0] for query in queries if "utm_campaign" in query)
    assert {"brand", "kitchen", "garden-tips", "partners", "weekly", "sale"} <= campaigns.keys()
    referrers = {urlsplit(event.context["page"].get("referrer", "")).hostname for event in events}
    assert {"www.google.com", "yandex.ru", "chatgpt.com", "www.pinterest.com", None} <= referrers
    agents = Counter(event.context["userAgent"] for event in events)
    assert len(agents) >= 15
    names = {event.properties["product_name"] for event in events if event.event == "product_view"}
    assert names == {name for product in PRODUCTS for name in (product.name, product.name_ru)}


def test_crawlers_read_a_little_and_buy_nothing(events: list[Event]) -> None:
    crawled = [event for event in events if "bot" in event.context["userAgent"].lower()]
    assert 0.01 < len(crawled) / len(events) < 0.1
    assert {event.event for event in crawled} == {"page_view"}


def test_enrichment_finds_the_countries_the_devices_and_the_crawlers_that_are_meant(events: list[Event]) -> None:
    enricher = Enricher()
    meant = {(event.context["userAgent"], event.context.get("ip", "")[:5]): event for event in events}
    for event in meant.values():
        row = Row(event=event.event, event_id=event.id, timestamp="", received_at="", user_id=event.user_id)
        enricher.enrich(row, Sender("", "", "", False), event.properties, event.context)
        assert row.hostname == "demo-shop.example"
        assert row.bot == (not event.session_id)
        assert row.country == event.context.get("locale", "")[3:]
        assert (row.device in {"mobile", "desktop", "tablet"}) == bool(event.session_id)


@pytest.mark.parametrize("today", [date(2024, 10, 27), date(2024, 3, 31)])
def test_ingest_takes_every_event_even_at_the_first_moment_of_the_day(today: date) -> None:
    begun = datetime.combine(today, time(), BERLIN).astimezone(UTC)
    arrived = arrival(uuid7(), to_micros(begun))
    for event in shop_events(today):
        if event.timestamp > begun - timedelta(days=2):
            assert validate(msgspec.json.encode(event), arrived, bytes(10)).row.event == event.event
