"""Realistic events of about 415 bytes, prebuilt as HTTP requests that lack only their ids."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

PAGES = (
    "",
    "pricing",
    "docs",
    "docs/install",
    "blog",
    "blog/exact-counts",
    "signup",
    "account",
    "search",
    "cart",
)
SITES = ("https://www.example.com/", "https://news.example.net/", "https://search.example.org/?q=")
BROWSERS = ("Chrome", "Firefox", "Safari", "Edge")
SYSTEMS = ("Windows", "macOS", "Linux", "iOS", "Android")
EVENTS = ("page_view", "page_view", "page_view", "click", "search", "add_to_cart", "signup", "purchase")
_COUNTER_DIGITS = 12


class TargetError(Exception):
    """The load generator only ever talks to this machine."""


class Target(msgspec.Struct, frozen=True):
    """Where requests go: always 127.0.0.1."""

    port: int
    path: str


def target_of(url: str, path: str) -> Target:
    """Parse the target of `url`; raises TargetError for anything but http on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"}:
        raise TargetError(f"{url} is not http://127.0.0.1:PORT: load is only made against this machine")
    return Target(parts.port or 80, path)


def new_run() -> str:
    """Make the first 24 characters of the ids of one run; no other run has them."""
    return str(uuid.uuid4())[:24]


def event_id(run: str, number: int) -> str:
    """Name the run's `number`-th event with a canonical UUID."""
    return f"{run}{number:0{_COUNTER_DIGITS}x}"


def make_event(dice: random.Random, moment: datetime) -> dict[str, object]:
    """One event as a browser SDK would send it, without its id."""
    page = dice.choice(PAGES)
    return {
        "event": dice.choice(EVENTS),
        "user_id": f"user-{dice.randrange(200_000):06d}",
        "session_id": f"{dice.getrandbits(64):016x}",
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "properties": {
            "url": f"https://shop.example.com/{page}?ref={dice.getrandbits(32):08x}",
            "referrer": f"{dice.choice(SITES)}{dice.getrandbits(24):06x}",
            "title": f"Example Shop - {page or 'home'}",
            "browser": dice.choice(BROWSERS),
            "os": dice.choice(SYSTEMS),
            "screen": f"{dice.choice((1280, 1440, 1920))}x{dice.choice((800, 900, 1080))}",
            "price": round(dice.uniform(1, 500), 2),
            "scroll": dice.randrange(101),
            "load_ms": dice.randrange(40, 4000),
        },
    }


def make_events(*, seed: int, count: int, now: datetime, hours: int = 1) -> list[dict[str, object]]:
    """Make events of the `hours` before `now`, without their ids; the same again from the same arguments."""
    dice = random.Random(seed)
    span = hours * 3_600_000
    return [make_event(dice, now - timedelta(milliseconds=dice.randrange(span))) for _ in range(count)]


def make_bodies(
    *, run: str, seed: int, pool: int, batch: int, now: datetime | None = None, hours: int = 1
) -> list[bytes]:
    """Make request bodies of `batch` events out of `pool` distinct ones, with `%012x` for an id's counter.

    A batch of one is the bare event; larger ones are `{"events":[…]}`.
    """
    events = []
    for event in make_events(seed=seed, count=max(pool, batch), now=now or datetime.now(tz=UTC), hours=hours):
        text = msgspec.json.encode(event).replace(b"%", b"%%")
        events.append(b'{"id":"%s%%0%dx",' % (run.encode(), _COUNTER_DIGITS) + text[1:])
    if batch == 1:
        return events
    chunks = (events[at : at + batch] for at in range(0, len(events) - batch + 1, batch))
    return [b'{"events":[' + b",".join(chunk) + b"]}" for chunk in chunks]


def make_requests(bodies: list[bytes], *, target: Target, key: str, batch: int) -> list[bytes]:
    """Wrap bodies into HTTP/1.1 requests; `request % tuple_of_counters` is what goes on the wire."""
    authorisation = f"X-API-Key: {key}\r\n" if key else ""
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n{authorisation}"
        "Content-Type: application/json\r\nContent-Length: "
    ).replace("%", "%%")
    zeros = (0,) * batch
    return [head.encode() + b"%d\r\n\r\n" % len(body % zeros) + body for body in bodies]
