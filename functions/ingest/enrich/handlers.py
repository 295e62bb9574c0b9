"""What an event's name says about its content: one registry of the kinds Sluice knows, everything else is custom.

A handler may fill columns and may refuse; it never changes the event's name nor its properties.
"""

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.events import Row
from shared.refusals import Refusal, Rejected

Properties = Mapping[str, Any]

MOST_REVENUE = 1e15
_REMEMBERED = 4_096
_DECIMALS = 9
_ADDRESSES = ("url", "page_url")
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_TOTALS = ("revenue", "total", "value", "amount")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def _any(row: Row, properties: Properties) -> None:
    """What every event may bring: a property `revenue`, so that returns and cancellations count against it."""
    if row.revenue is None and (value := properties.get("revenue")) is not None:
        row.revenue = _amount(value)
    currency = properties.get("currency")
    if not row.currency and isinstance(currency, str) and _CURRENCY.fullmatch(currency):
        row.currency = currency.upper()


@dataclass(frozen=True)
class Handler:
    """How one kind of event is read: the properties that may hold the page's address, best first, and what to fill."""

    kind: str
    addresses: tuple[str, ...] = _ADDRESSES
    apply: Callable[[Row, Properties], None] = _any

    @functools.cached_property
    def page_properties(self) -> frozenset[str]:
        """Every property that says something of the page or of how its visitor came."""
        return frozenset({*self.addresses, "referrer", *UTM})


def _purchase(row: Row, properties: Properties) -> None:
    """Revenue and currency; what is no usable amount leaves them empty, the purchase itself still counts."""
    if row.revenue is None:
        row.revenue = _revenue(properties)
    _any(row, properties)


def _revenue(properties: Properties) -> float | None:
    for name in _TOTALS:
        if (value := properties.get(name)) is not None:
            return _amount(value)
    price, quantity = _amount(properties.get("price")), _amount(properties.get("quantity", 1))
    if price is None or quantity is None:
        return None
    return _amount(round(price * quantity, _DECIMALS))


def _amount(value: object) -> float | None:
    """A number, or a text that is one; None for anything else and for what is no amount of money."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= MOST_REVENUE else None


def _identify(row: Row, _properties: Properties) -> None:
    """Says who somebody is, so it needs to name them; the traits stay properties."""
    if not row.user_id:
        raise Rejected(Refusal.USER_ID_MISSING, f"{row.event!r} says who somebody is: send it with `user_id`")


_PAGE_VIEW = Handler(
    "page_view", (*_ADDRESSES, "page_location", "current_url", "$current_url", "page", "path", "location", "href")
)
_CLICK = Handler("click", (*_ADDRESSES, "page_location", "current_url", "$current_url", "page"))
_PURCHASE = Handler("purchase", apply=_purchase)
_IDENTIFY = Handler("identify", apply=_identify)
CUSTOM = Handler("custom")

# Names in lower case without `$`, spaces, dots, hyphens and underscores: `Order Completed` is `ordercompleted`.
HANDLERS: dict[str, Handler] = {
    "pageview": _PAGE_VIEW,
    "pageviewed": _PAGE_VIEW,
    "viewedpage": _PAGE_VIEW,
    "viewpage": _PAGE_VIEW,
    "loadedapage": _PAGE_VIEW,
    "mpwebpageview": _PAGE_VIEW,
    "page": _PAGE_VIEW,
    "click": _CLICK,
    "clicked": _CLICK,
    "elementclick": _CLICK,
    "elementclicked": _CLICK,
    "buttonclick": _CLICK,
    "buttonclicked": _CLICK,
    "linkclick": _CLICK,
    "linkclicked": _CLICK,
    "outboundlinkclick": _CLICK,
    "purchase": _PURCHASE,
    "purchased": _PURCHASE,
    "ordercompleted": _PURCHASE,
    "completedorder": _PURCHASE,
    "checkoutcompleted": _PURCHASE,
    "purchasecompleted": _PURCHASE,
    "inapppurchase": _PURCHASE,
    "ecommercepurchase": _PURCHASE,
    "identify": _IDENTIFY,
}


@functools.lru_cache(_REMEMBERED)
def handler_of(event: str) -> Handler:
    """The handler of an event of that name, however it is spelt."""
    return HANDLERS.get(_BETWEEN_WORDS.sub("", event).lower(), CUSTOM)
