"""A made-up shop's events: 60 days of visits, campaigns, purchases and returns, the same on every machine.

A calendar day always holds the same events, whenever it is generated: twice on one day changes nothing, and a
day later only that day is new.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import msgspec

SEED = "demo-shop-1"
DAYS = 60
CURRENCY = "EUR"
OUTAGE_HOURS = range(12, 17)

# One day in DAYS is the outage's, so that every period of DAYS days holds exactly one.
_OUTAGE_REST = 17
_SALE_CYCLE, _SALE_DAYS = 30, 4
_VISITS = (44, 42, 43, 46, 52, 62, 58)  # Monday to Sunday
_SALE_MORE = 24
_PEOPLE, _CUSTOMERS = 1_600, 600
# The last visit begins early enough to end on its own day.
_FIRST_SECOND, _BUSIEST_SECOND, _LAST_SECOND = 5 * 3600, 19 * 3600, 23 * 3600
_MOST_LOOKS, _MOST_PAUSE = 9, 150
_CART, _BUYS, _RETURNED = 0.14, 0.55, 0.08
_RETURN_DAYS = range(2, 10)

_PAGES = ("/", "/new", "/sale", "/kitchen", "/garden", "/help", "/about")
# Product, category and price in cents.
_PRODUCTS = (
    ("teapot", "kitchen", 3490),
    ("kettle", "kitchen", 5900),
    ("bread-knife", "kitchen", 2750),
    ("apron", "kitchen", 1995),
    ("watering-can", "garden", 2400),
    ("seed-box", "garden", 1250),
    ("secateurs", "garden", 4199),
    ("lantern", "garden", 1890),
    ("desk-lamp", "home", 7900),
    ("blanket", "home", 6450),
)
# Source, medium and campaign; nothing is a visit that came by itself.
_SOURCES: tuple[tuple[str, ...], ...] = (
    (),
    ("search", "cpc", "brand"),
    ("search", "cpc", "kitchen"),
    ("newsletter", "email", "weekly"),
    ("social", "post", "garden-tips"),
)
_SOURCE_WEIGHTS = (50, 16, 12, 12, 10)
_SALE_SOURCE = ("newsletter", "email", "sale")
_SALE_SHARE = 0.4


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as the HTTP door takes it; `id` is stable: the seed, the day it was made of and its position."""

    id: str
    event: str
    timestamp: datetime
    anonymous_id: str
    session_id: str
    user_id: str = ""
    properties: dict[str, Any]


class _Step(NamedTuple):
    event: str
    moment: datetime
    properties: dict[str, Any]


def shop_events(today: date) -> Iterator[Event]:
    """The events of the DAYS days that end with `today` (UTC), the whole of it; about 20,000.

    None lies after `today`, and none in the outage. `price` is that of one piece, in CURRENCY; a `refund` is of
    a purchase some days before and names its `order`.
    """
    end = datetime.combine(today + timedelta(days=1), time(), UTC)
    for back in reversed(range(DAYS)):
        for event in _day(today - timedelta(days=back)):
            if event.timestamp < end and not in_outage(event.timestamp):
                yield event


def in_outage(moment: datetime) -> bool:
    """Whether the shop sent nothing at that time."""
    return moment.toordinal() % DAYS == _OUTAGE_REST and moment.hour in OUTAGE_HOURS


def _day(day: date) -> Iterator[Event]:
    chance = random.Random(f"{SEED}:{day}")  # noqa: S311 (a made-up shop, no cryptography)
    sale = day.toordinal() % _SALE_CYCLE < _SALE_DAYS
    position = 0
    for visit in range(_VISITS[day.weekday()] + _SALE_MORE * sale):
        person = int(_PEOPLE * chance.random() ** 2)  # a square: some come often, most seldom
        session = f"{day}-{visit}"
        for step in _visit(chance, day, session, _source(chance, sale=sale)):
            yield Event(
                id=f"{SEED}:{day}:{position}",
                event=step.event,
                timestamp=step.moment,
                anonymous_id=f"visitor-{person:04}",
                session_id=session,
                user_id=f"customer-{person:04}" if person < _CUSTOMERS else "",
                properties=step.properties,
            )
            position += 1


def _source(chance: random.Random, *, sale: bool) -> dict[str, str]:
    """Where a visit comes from, as its utm_ properties."""
    parts = chance.choices(_SOURCES, _SOURCE_WEIGHTS)[0]
    if sale and chance.random() < _SALE_SHARE:
        parts = _SALE_SOURCE
    return dict(zip(("utm_source", "utm_medium", "utm_campaign"), parts, strict=False))


def _visit(chance: random.Random, day: date, session: str, source: dict[str, str]) -> Iterator[_Step]:
    second = int(chance.triangular(_FIRST_SECOND, _LAST_SECOND, _BUSIEST_SECOND))
    moment = datetime.combine(day, time(), UTC) + timedelta(seconds=second)
    device = {"device": chance.choices(("mobile", "desktop", "tablet"), (58, 36, 6))[0]}
    yield _Step("page_view", moment, {"page": chance.choice(_PAGES), **device, **source})
    cart: list[dict[str, Any]] = []
    for _ in range(chance.randint(1, _MOST_LOOKS)):
        moment += _pause(chance)
        if chance.random() < 0.4:  # noqa: PLR2004 (the share of plain pages)
            yield _Step("page_view", moment, {"page": chance.choice(_PAGES), **device})
            continue
        item = _item(chance)
        yield _Step("product_view", moment, item)
        if chance.random() < _CART:
            moment += _pause(chance)
            cart.append({**item, "quantity": chance.choices((1, 2, 3), (80, 15, 5))[0]})
            yield _Step("add_to_cart", moment, cart[-1])
    if cart and chance.random() < _BUYS:
        yield from _checkout(chance, moment, session, [{**item, **source} for item in cart])


def _checkout(chance: random.Random, moment: datetime, session: str, cart: list[dict[str, Any]]) -> Iterator[_Step]:
    moment += _pause(chance)
    yield _Step("page_view", moment, {"page": "/checkout"})
    moment += _pause(chance)
    for number, item in enumerate(cart):
        bought = {"order": f"{session}-{number}", **item}
        yield _Step("purchase", moment, bought)
        if chance.random() < _RETURNED:
            yield _Step("refund", moment + timedelta(days=chance.choice(_RETURN_DAYS)), bought)


def _item(chance: random.Random) -> dict[str, Any]:
    product, category, cents = chance.choice(_PRODUCTS)
    return {"product": product, "category": category, "price": cents / 100, "currency": CURRENCY}


def _pause(chance: random.Random) -> timedelta:
    return timedelta(seconds=chance.randint(5, _MOST_PAUSE))
