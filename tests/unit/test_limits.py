"""Rates: counted here without waiting, agreed upon with other processes now and then."""

import uuid

import pytest

from functions.ingest.limiting import IngestLimits
from shared.catalog.client import Catalog, CatalogUnavailableError, Row
from shared.clock import SYSTEM_CLOCK, FixedClock
from shared.config import ConfigError
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security.keys import Key
from shared.security.limits import CountsAwayError, Meter, Rate, parse_rate
from shared.security.project_limits import LimitSettings, ProjectLimits

NOON = 1_785_000_000_000_000 - 1_785_000_000_000_000 % 86_400_000_000
PROJECT, OTHER = uuid7(), uuid7()
KEY = Key(uuid7(), PROJECT, "public", "k", "slp_abcd", frozenset({"ingest"}), None)  # type: ignore[arg-type]  # no time
SECOND = Key(uuid7(), OTHER, "secret", "k", "sls_abcd", frozenset({"ingest"}), None)  # type: ignore[arg-type]  # no time


class Shared:
    """What the cache would hold; away where told so."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.away = False
        self.asked = 0

    async def add(self, key: str, seconds: int, amount: int) -> int:
        self.asked += 1
        if self.away:
            raise CountsAwayError
        self.held[key] = self.held.get(key, 0) + amount
        return self.held[key]

    async def close(self) -> None:
        pass


class Limited(Catalog):
    """A catalog with these rows in project_limits."""

    def __init__(self, *rows: Row) -> None:
        super().__init__("")
        self._rows = rows
        self.away = False

    async def rows(self, query: str, parameters: object = None) -> list[Row]:
        if self.away:
            raise CatalogUnavailableError
        return list(self._rows)


def test_a_window_lets_so_many_through_and_then_says_when_to_come_back() -> None:
    clock = FixedClock(NOON + 10_000_000)
    meter = Meter(clock=clock)
    rate = Rate(3, 60)
    taken = [meter.take("a", rate) for _ in range(4)]
    assert [one.allowed for one in taken] == [True, True, True, False]
    assert [one.remaining for one in taken] == [2, 1, 0, 0]
    assert taken[0].headers() == {
        "ratelimit-limit": "3",
        "ratelimit-remaining": "2",
        "ratelimit-reset": "50",
        "ratelimit-policy": "3;w=60",
    }
    assert meter.take("b", rate).allowed, "others have a window of their own"
    clock.advance(50)
    assert meter.take("a", rate).allowed


def test_what_does_not_fit_whole_is_not_counted_at_all() -> None:
    meter = Meter(clock=FixedClock(NOON))
    assert meter.take("a", Rate(10, 60), 8).allowed
    assert not meter.take("a", Rate(10, 60), 3).allowed
    assert meter.take("a", Rate(10, 60), 2) == (True, Rate(10, 60), 0, 60)


async def test_processes_agree_by_what_each_brings() -> None:
    shared, clock = Shared(), FixedClock(NOON)
    first, second = Meter(shared, clock), Meter(shared, clock)
    for _ in range(6):
        assert first.take("a", Rate(10, 60)).allowed
    await first.sync()
    assert second.take("a", Rate(10, 60)).remaining == 9, "it has not heard of the others yet"
    await second.sync()
    assert second.take("a", Rate(10, 60)).remaining == 2
    await second.sync()
    await first.sync()
    first.take("a", Rate(10, 60))
    await first.sync()
    assert shared.held == {f"a:{NOON // 1_000_000}:60": 9}
    await first.close()
    await second.close()


async def test_no_request_waits_for_the_cache_and_many_are_one_question() -> None:
    shared = Shared()
    meter = Meter(shared, FixedClock(NOON))
    for _ in range(1_000):
        meter.take("a", Rate(10_000, 60))
    assert shared.asked == 0
    await meter.sync()
    assert (shared.asked, list(shared.held.values())) == (1, [1_000])
    await meter.close()


async def test_without_the_cache_each_counts_alone_and_brings_it_over_later() -> None:
    shared = Shared()
    shared.away = True
    meter = Meter(shared, FixedClock(NOON))
    assert [meter.take("a", Rate(2, 60)).allowed for _ in range(3)] == [True, True, False]
    await meter.sync()
    assert not meter.take("a", Rate(2, 60)).allowed
    shared.away = False
    await meter.sync()
    assert list(shared.held.values()) == [2]
    await meter.close()


@pytest.mark.parametrize(
    ("text", "rate"), [("100/second", (100, 1)), ("6000 per minute", (6_000, 60)), ("1/day", (1, 86_400)), ("", None)]
)
def test_a_rate_reads_as_people_write_it(text: str, rate: tuple[int, int] | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["0/second", "fast", "10/week", "-1/minute", "10"])
def test_a_rate_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_X"):
        parse_rate(text, "SLUICE_X")


async def test_a_projects_own_limits_take_the_place_of_the_instances() -> None:
    own = {"project_id": PROJECT, "ingest_rate": "5/second", "read_rate": None, "events_per_day": 0}
    catalog = Limited(own)
    limits = ProjectLimits(catalog, LimitSettings(events_per_day=100), SYSTEM_CLOCK)
    await limits.refresh()
    assert limits.of(PROJECT).ingest == Rate(5, 1)
    assert limits.of(PROJECT).events_per_day is None, "0 is any number"
    assert limits.of(PROJECT).read_key == limits.of(None).read_key == Rate(12_000, 60)
    assert limits.of(OTHER).events_per_day == Rate(100, 86_400)
    catalog.away = True
    await limits.refresh()
    assert limits.of(PROJECT).ingest == Rate(5, 1), "what was known holds on"
    await limits.close()


async def test_a_quota_refuses_a_whole_request_with_the_counts() -> None:
    projects = ProjectLimits(Limited(), LimitSettings(events_per_day=100), SYSTEM_CLOCK)
    limits = IngestLimits(projects, Meter(clock=FixedClock(NOON)), None)
    limits.events(KEY, 90)
    with pytest.raises(Rejected) as raised:
        limits.events(KEY, 20)
    assert raised.value.refusal is Refusal.QUOTA_EXCEEDED
    assert raised.value.extra == {"quota": 100, "used": 90, "sent": 20, "resets_in": 86_400}
    assert raised.value.headers["retry-after"] == "86400"
    limits.events(KEY, 10)
    limits.events(SECOND, 100)
    await limits.close()


async def test_a_key_and_the_address_of_a_public_key_are_limited_and_nobody_else() -> None:
    projects = ProjectLimits(Limited(), LimitSettings(ingest_key_rate="3/minute"), SYSTEM_CLOCK)
    limits = IngestLimits(projects, Meter(clock=FixedClock(NOON)), Rate(2, 60))
    assert limits.request(KEY, "192.0.2.1")["ratelimit-remaining"] == "2"
    limits.request(KEY, "192.0.2.1")
    with pytest.raises(Rejected) as raised:
        limits.request(KEY, "192.0.2.1")
    assert "this address" in raised.value.detail
    for _ in range(3):
        limits.request(SECOND, "192.0.2.1")
    with pytest.raises(Rejected) as raised:
        limits.request(SECOND, "192.0.2.1")
    assert (raised.value.refusal, "this key" in raised.value.detail) == (Refusal.RATE_LIMITED, True)
    await limits.close()


def test_many_strangers_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.security import limits

    monkeypatch.setattr(limits, "_MOST_WINDOWS", 100)
    meter = Meter(clock=FixedClock(NOON))
    for _ in range(1_000):
        meter.take(str(uuid.uuid4()), Rate(1, 60))
    assert len(meter._windows) <= 100


async def test_what_is_used_of_a_window_is_asked_of_the_cache() -> None:
    shared, clock, quota = Shared(), FixedClock(NOON + 10_000_000), Rate(100, 86_400)
    counting, looking = Meter(shared, clock), Meter(shared, clock)
    assert await looking.used("quota:a", quota) == 0
    counting.take("quota:a", quota, 40)
    await counting.sync()
    assert await looking.used("quota:a", quota) == 40
    shared.away = True
    assert await looking.used("quota:a", quota) is None
    assert await Meter(clock=clock).used("quota:a", quota) is None
    await counting.close()
    await looking.close()
