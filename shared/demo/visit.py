"""One visit to the made-up shop: landing, products, cart, checkout, purchase, and where most people leave."""

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from shared.demo.stock import (
    NAMES,
    PAGE_WEIGHTS,
    PAGES,
    PRODUCT_WEIGHTS,
    PRODUCTS,
    SEARCHES,
    Home,
    Product,
    Source,
)

CLASSIC, ONE_PAGE = "classic", "one_page"

# Shares of one: who leaves at once, looks at a product, puts it into the cart, goes to the checkout, and buys.
_BOUNCE, _LOOK, _SEARCH, _CART, _CHECKOUT = 0.36, 0.56, 0.08, 0.085, 0.62
_BUY = {CLASSIC: 0.58, ONE_PAGE: 0.70}
_SIGN_UP, _SIGN_UP_AT_CHECKOUT, _BROKEN = 0.03, 0.7, 0.003
_MOST_STEPS, _MOST_PAUSE = 11, 120
_MOST_TRIES = 3
OUTAGE_DAYS = 60
OUTAGE_HOURS = range(16, 21)
_OUTAGE_REST = 17


class Person(NamedTuple):
    """Who visits; `loyalty` multiplies how often people come back and how easily they buy (1 on average)."""

    number: str
    home: Home
    address: str
    name: str
    checkout: str
    loyalty: float

    @property
    def user_id(self) -> str:
        """The id the shop knows them by once they have signed up."""
        return f"customer-{self.number}"

    @property
    def language(self) -> str:
        return "ru" if self.home.language == "ru" else "en"


class Step(NamedTuple):
    """One event of a visit: its name, when, on which page, as whom, and what it says."""

    event: str
    moment: datetime
    path: str
    user_id: str
    properties: Mapping[str, Any]


def named_person(chance: random.Random, number: str, home: Home) -> Person:
    """A new person of that home."""
    first, last = NAMES["ru" if home.language == "ru" else "en"]
    return Person(
        number=number,
        home=home,
        address=f"{home.network}.{chance.randrange(256)}.{chance.randrange(1, 255)}",
        name=f"{chance.choice(first)} {chance.choice(last)}",
        checkout=chance.choice((CLASSIC, ONE_PAGE)),
        loyalty=chance.choices((0.3, 1.0, 2.8), (50, 35, 15))[0],
    )


def in_outage(moment: datetime) -> bool:
    """Whether the shop answered nobody at that time of its own zone; one day in OUTAGE_DAYS has such hours."""
    return moment.toordinal() % OUTAGE_DAYS == _OUTAGE_REST and moment.hour in OUTAGE_HOURS


def visit(
    chance: random.Random, person: Person, start: datetime, source: Source, *, user_id: str, known: bool, sale: bool
) -> list[Step]:
    """The steps of a visit that begins at `start` (the shop's zone); never a pause of 30 minutes in it.

    `user_id` is empty until the person signs up; `known` says that the person did so, perhaps on another device
    and then signs in here. In the outage every page is an error instead, and people give up.
    """
    walk = _Walk(chance, person, start, source, user_id)
    steps = list(walk.steps(known=known, sale=sale))
    healthy = list(takewhile(lambda step: not in_outage(step.moment), steps))
    who = healthy[-1].user_id if healthy else user_id
    tries = [step for step in steps[len(healthy) :] if in_outage(step.moment)][: chance.randint(1, _MOST_TRIES)]
    answer = {"status": 503, "message": "Service Unavailable"}
    return healthy + [step._replace(event="error", user_id=who, properties=answer) for step in tries]


def giving_back(chance: random.Random, person: Person, bought: Step, start: datetime) -> list[Step]:
    """A visit in which a purchase is sent back; its revenue is what the purchase was, below zero."""
    walk = _Walk(chance, person, start, Source(), bought.user_id)
    reason = chance.choice(("damaged", "not_as_shown", "changed_mind", "too_late"))
    properties = {**bought.properties, "revenue": -bought.properties["revenue"], "reason": reason}
    return [walk.page("/account/orders"), walk.step("return", "/account/orders", properties)]


class _Walk:
    """A visit as it goes: where the person is, when, and as whom."""

    def __init__(self, chance: random.Random, person: Person, start: datetime, source: Source, user_id: str) -> None:
        self._chance = chance
        self._person = person
        self._moment = start
        self._tags = f"?{source.tags}" if source.tags else ""
        self._user_id = user_id
        self._path = ""
        self._cart: list[tuple[Product, int]] = []

    def step(self, event: str, path: str, properties: Mapping[str, Any]) -> Step:
        """The next event, a while after the one before."""
        if self._path:
            pause = self._chance.triangular(2, _MOST_PAUSE, 12)
            self._moment += timedelta(milliseconds=int(pause * 1_000))
        self._path = path
        return Step(event, self._moment, path, self._user_id, properties)

    def page(self, path: str) -> Step:
        return self.step("page_view", path, {"language": self._person.language})

    def steps(self, *, known: bool, sale: bool) -> Iterator[Step]:
        """The whole visit."""
        yield self.page(self._landing() + self._tags)
        if self._chance.random() < _BOUNCE:
            return
        if known and not self._user_id:
            yield from self._identified("sign_in")
        for _ in range(self._chance.randint(1, _MOST_STEPS)):
            yield from self._browse()
        if not self._user_id and self._chance.random() < _SIGN_UP:
            yield from self._identified("sign_up")
        if self._cart and self._chance.random() < _CHECKOUT * (1.15 if sale else 1):
            yield from self._check_out()

    def _landing(self) -> str:
        if self._tags and self._chance.random() < _LOOK:
            return self._product().path
        return self._chance.choices(PAGES, PAGE_WEIGHTS)[0]

    def _product(self) -> Product:
        return self._chance.choices(PRODUCTS, PRODUCT_WEIGHTS)[0]

    def _browse(self) -> Iterator[Step]:
        """A look at something: a page, a search or a product, which may go into the cart."""
        if self._chance.random() < _BROKEN:
            yield self.step("error", self._path, {"status": 500, "message": "Internal Server Error"})
        if self._chance.random() < _SEARCH:
            query = self._chance.choice(SEARCHES[self._person.language])
            yield self.step("search", "/search", {"query": query, "results": self._chance.randint(0, 9)})
            return
        if self._chance.random() > _LOOK:
            yield self.page(self._chance.choices(PAGES, PAGE_WEIGHTS)[0])
            return
        product = self._product()
        yield self.step("product_view", product.path, product.described(self._person.language))
        if self._chance.random() < _CART * min(1.6, 0.7 + 0.4 * self._person.loyalty):
            quantity = self._chance.choices((1, 2, 3), (80, 15, 5))[0]
            self._cart.append((product, quantity))
            yield self.step(
                "add_to_cart", product.path, {**product.described(self._person.language), "quantity": quantity}
            )

    def _check_out(self) -> Iterator[Step]:
        yield self.page("/checkout")
        value = sum(product.cents * quantity for product, quantity in self._cart) / 100
        yield self.step("checkout_start", "/checkout", {"cart_value": value, "items": len(self._cart)})
        if not self._user_id and self._chance.random() < _SIGN_UP_AT_CHECKOUT:
            yield from self._identified("sign_up")
        if self._chance.random() > _BUY[self._person.checkout]:
            return
        order = f"{self._person.number}-{self._moment:%y%m%d%H%M}"
        for product, quantity in self._cart:
            line = {"quantity": quantity, "revenue": product.cents * quantity / 100, "order_id": order}
            yield self.step("purchase", "/checkout/thanks", {**product.described(self._person.language), **line})

    def _identified(self, event: str) -> Iterator[Step]:
        """From here on the person is known: `identify` names both ids."""
        self._user_id = self._person.user_id
        yield self.step(event, "/account", {"method": "email"})
        traits = {"name": self._person.name, "email": f"{self._user_id}@mail.example"}
        yield self.step("identify", "/account", {**traits, "language": self._person.language})


def purchases(steps: Iterable[Step]) -> list[Step]:
    """The purchases among the steps."""
    return [step for step in steps if step.event == "purchase"]
