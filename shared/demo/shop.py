"""A made-up shop's events: 60 days of people, visits, campaigns, purchases and returns, the same on every machine.

What happens on a calendar day never depends on the day it is made on: twice on one day is the same, and a day
later only that day is new. Whole lives are made, from a first visit on, and what lies outside the 60 days is left out.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL
from zoneinfo import ZoneInfo

import msgspec

from shared.demo import stock
from shared.demo.stock import Home, Source
from shared.demo.visit import (
    OUTAGE_DAYS,
    OUTAGE_HOURS,
    Step,
    giving_back,
    in_outage,
    named_person,
    purchases,
    visit,
)
from shared.ids import named

# Its number grows whenever something else is made: what an older one made has other ids.
SEED = "demo-shop-2"
DAYS = OUTAGE_DAYS  # so that every period of DAYS days holds exactly one outage
EXPERIMENT = "ab_checkout"

_MOST_AHEAD = timedelta(hours=24)
_WEEKDAYS = (1.0, 0.94, 0.95, 1.0, 1.02, 1.24, 1.3)  # Monday to Sunday
# Visits by the hour they begin in; nobody comes at night, so that no visit meets the next day's.
_WORKDAY_HOURS = (0, 0, 0, 0, 0, 0, 2, 4, 5, 5, 5, 6, 8, 6, 5, 5, 6, 7, 9, 11, 12, 10, 5, 0)
_WEEKEND_HOURS = (0, 0, 0, 0, 0, 0, 1, 2, 4, 7, 9, 10, 9, 8, 8, 8, 8, 8, 8, 9, 10, 8, 5, 0)
_SATURDAY = 5
_NEW_PEOPLE = 14
_SALE_CYCLE, _SALE_DAYS, _SALE_MORE, _SALE_SHARE = 30, 5, 1.45, 0.45
# Who was here comes again within so many days; the chance of a day falls with the days since the first visit.
_HORIZON, _AGAIN, _FADING = 45, 0.22, 0.72
_TWICE_A_DAY, _SECOND_DEVICE, _AT_FIRST_DEVICE, _YANDEX = 0.06, 0.22, 0.6, 0.4
_RETURNED, _RETURN_DAYS = 0.09, range(3, 13)
_LONGEST_LIFE = _HORIZON + _RETURN_DAYS.stop
_BOT_VISITS = range(10, 24)


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as the HTTP door takes it; its `id` follows from everything else in it."""

    id: str = ""
    event: str
    timestamp: datetime
    anonymous_id: str
    session_id: str
    user_id: str = ""
    properties: dict[str, Any]
    context: dict[str, Any]


class _Device(NamedTuple):
    user_agent: str
    anonymous_id: str


def today_in_shop(now: datetime) -> date:
    """The shop's calendar day at an aware time."""
    return now.astimezone(ZoneInfo(stock.ZONE)).date()


def first_day(today: date) -> date:
    """The first of the DAYS days that end with `today`."""
    return today - timedelta(days=DAYS - 1)


def outage_day(today: date) -> date:
    """The one day of those with an outage, in OUTAGE_HOURS of the shop's clock."""
    hour = time(OUTAGE_HOURS.start)
    days = (today - timedelta(days=back) for back in range(DAYS))
    return next(day for day in days if in_outage(datetime.combine(day, hour)))


def shop_events(today: date) -> Iterator[Event]:
    """The events of the DAYS days that end with `today`, all of it, a person after the other; about 16,000.

    Days are the shop's (stock.ZONE). Today's later hours are there already, so that charts move on during the day;
    nothing is further ahead of today's first moment than an event may be. A `purchase` is a line of an order:
    `revenue` is its price in CURRENCY, and a `return` some days later takes the same away.
    """
    zone = ZoneInfo(stock.ZONE)
    start = datetime.combine(first_day(today), time(), zone).astimezone(UTC)
    begun = datetime.combine(today, time(), zone).astimezone(UTC)
    end = min(datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC), begun + _MOST_AHEAD)
    for back in reversed(range(DAYS + _LONGEST_LIFE)):
        day = today - timedelta(days=back)
        for event in _everything_of(day):
            if start <= event.timestamp < end:
                yield event


def _everything_of(day: date) -> Iterator[Event]:
    """All events ever of the people who come first on that day, and that day's bots."""
    crowd = random.Random(f"{SEED}:{day}")  # noqa: S311 (a made-up shop, no cryptography)
    people = _NEW_PEOPLE * _WEEKDAYS[day.weekday()] * crowd.uniform(0.8, 1.2)
    for number in range(round(people * (_SALE_MORE if _is_sale(day) else 1))):
        yield from _Life(day, number).events()
    yield from _bots(day)


class _Life:
    """One person from the first visit on."""

    def __init__(self, first: date, number: int) -> None:
        self._chance = random.Random(f"{SEED}:{first}:{number}")  # noqa: S311 (a made-up shop, no cryptography)
        self._first = first
        home = self._chance.choices(stock.HOMES, stock.HOME_WEIGHTS)[0]
        self._person = named_person(self._chance, f"{first:%y%m%d}-{number:02}", home)
        more = self._chance.random() < _SECOND_DEVICE
        self._devices = [self._device(home, place) for place in range(2 if more else 1)]
        self._known_on: set[_Device] = set()
        self._nights: set[date] = set()

    def events(self) -> Iterator[Event]:
        for day in self._days():
            start = _moment(self._chance, day)
            yield from self._visit(start)
            if self._chance.random() < _TWICE_A_DAY:
                yield from self._visit(start + timedelta(minutes=self._chance.randint(90, 300)))

    def _days(self) -> Iterator[date]:
        yield self._first
        for later in range(1, _HORIZON):
            day = self._first + timedelta(days=later)
            wish = _AGAIN * self._person.loyalty * later**-_FADING * _WEEKDAYS[day.weekday()]
            if self._chance.random() < wish * (_SALE_MORE if _is_sale(day) else 1):
                yield day

    def _visit(self, start: datetime) -> Iterator[Event]:
        device = self._devices[0] if self._chance.random() < _AT_FIRST_DEVICE else self._devices[-1]
        source = self._source(start.date())
        user_id = self._person.user_id if device in self._known_on else ""
        steps = visit(
            self._chance,
            self._person,
            start,
            source,
            user_id=user_id,
            known=bool(self._known_on),
            sale=_is_sale(start.date()),
        )
        if steps[-1].user_id:
            self._known_on.add(device)
        yield from self._sent(steps, device, source)
        for bought in purchases(steps)[:1]:
            yield from self._return_of(bought, device)

    def _return_of(self, bought: Step, device: _Device) -> Iterator[Event]:
        """A line of an order sent back, seldom, and at an hour at which no other visit is under way."""
        later = bought.moment.date() + timedelta(days=self._chance.choice(_RETURN_DAYS))
        if self._chance.random() < _RETURNED and later not in self._nights:
            self._nights.add(later)
            night = datetime.combine(later, time(5, self._chance.randrange(15)), bought.moment.tzinfo)
            yield from self._sent(giving_back(self._chance, self._person, bought, night), device, stock.DIRECT)

    def _sent(self, steps: Sequence[Step], device: _Device, source: Source) -> Iterator[Event]:
        session = str(named(NAMESPACE_URL, SEED, device.anonymous_id, steps[0].moment))
        common = {
            "userAgent": device.user_agent,
            "ip": self._person.address,
            "locale": self._person.home.locale,
        }
        before = source.referrer
        for step in steps:
            page = {"url": stock.HOST + step.path, **({"referrer": before} if before else {})}
            before = page["url"]
            yield _with_id(
                Event(
                    event=step.event,
                    timestamp=step.moment.astimezone(UTC),
                    anonymous_id=device.anonymous_id,
                    session_id=session,
                    user_id=step.user_id,
                    properties={**step.properties, EXPERIMENT: self._person.checkout},
                    context={**common, "page": page},
                )
            )

    def _source(self, day: date) -> Source:
        if _is_sale(day) and self._known_on and self._chance.random() < _SALE_SHARE:
            return stock.SALE_SOURCE
        if day != self._first:
            return self._chance.choices(stock.BACK_SOURCES, stock.BACK_WEIGHTS)[0]
        source = self._chance.choices(stock.FIRST_SOURCES, stock.FIRST_WEIGHTS)[0]
        searched = source.referrer.startswith("https://www.google.") and not source.tags
        return stock.RUSSIAN_SEARCH if searched and self._person.language == "ru" else source

    def _device(self, home: Home, place: int) -> _Device:
        """A phone more often than not; the second one is a computer."""
        kind = "computer" if place else self._chance.choices(("phone", "computer", "tablet"), (58, 36, 6))[0]
        if kind == "phone":
            agent = self._chance.choices(stock.PHONES, stock.PHONE_WEIGHTS)[0]
        elif kind == "tablet":
            agent = self._chance.choice(stock.TABLETS)
        elif home.language == "ru" and self._chance.random() < _YANDEX:
            agent = stock.YANDEX
        else:
            agent = self._chance.choices(stock.COMPUTERS, stock.COMPUTER_WEIGHTS)[0]
        return _Device(agent, str(named(NAMESPACE_URL, SEED, self._person.number, place)))


def _bots(day: date) -> Iterator[Event]:
    """What crawlers read on a day, at any hour; they have no session and buy nothing."""
    chance = random.Random(f"{SEED}:{day}:bots")  # noqa: S311 (a made-up shop, no cryptography)
    start = datetime.combine(day, time(), ZoneInfo(stock.ZONE)).astimezone(UTC)
    paths = [*stock.PAGES, *(product.path for product in stock.PRODUCTS)]
    for _ in range(chance.choice(_BOT_VISITS)):
        agent = chance.choice(stock.BOTS)
        moment = start + timedelta(milliseconds=chance.randrange(86_400_000))
        if in_outage(moment.astimezone(ZoneInfo(stock.ZONE))):
            continue
        yield _with_id(
            Event(
                event="page_view",
                timestamp=moment,
                anonymous_id=f"crawler-{stock.BOTS.index(agent)}",
                session_id="",
                properties={},
                context={"userAgent": agent, "page": {"url": stock.HOST + chance.choice(paths)}},
            )
        )


def _is_sale(day: date) -> bool:
    return day.toordinal() % _SALE_CYCLE < _SALE_DAYS


def _moment(chance: random.Random, day: date) -> datetime:
    """A time of that day at which a visit begins, in the shop's zone."""
    hours = _WORKDAY_HOURS if day.weekday() < _SATURDAY else _WEEKEND_HOURS
    hour = chance.choices(range(24), hours)[0]
    millis = timedelta(milliseconds=chance.randrange(3_600_000))
    return datetime.combine(day, time(hour), ZoneInfo(stock.ZONE)) + millis


def _with_id(event: Event) -> Event:
    return msgspec.structs.replace(event, id=str(named(NAMESPACE_URL, SEED, msgspec.json.encode(event))))
