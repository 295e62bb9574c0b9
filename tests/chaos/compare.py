"""Acknowledged = stored = counted: by id in the warehouse, by event and hour in the answers, also through rollups."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.ledger import CHANGED
from tests.chaos.clients import Fact, Told
from tests.chaos.product import ChaosError, Product
from tests.e2e.running import Project

ROLLED_SECONDS = 60.0
_HOUR = 3_600


class Compared(NamedTuple):
    """The outcome for one project; everything but the first four is to be empty."""

    acked: int
    unknown: int
    stored: int
    counted: int
    lost: list[str]
    doubled: list[str]
    strange: list[str]
    wrong_counts: list[str]

    @property
    def right(self) -> bool:
        return not (self.lost or self.doubled or self.strange or self.wrong_counts)


def compare(product: Product, told: Told) -> Compared:
    """Compare all three; first as the answers are now, then once every hour that is over is rolled up."""
    stored, doubled, strange = _stored(product, told)
    wrong = _wrong_counts(product, told.project, stored, "at once")
    roll_up(product, told.project, stored)
    wrong += _wrong_counts(product, told.project, stored, "from rollups", rolled=True)
    counted = sum(_counted(product, told.project, stored)[0].values())
    lost = sorted(told.acked.keys() - stored.keys())
    return Compared(len(told.acked), len(told.unknown), len(stored), counted, lost, doubled, strange, wrong)


def compare_late(product: Product, told: Told, late: Mapping[str, dict[str, object]]) -> list[str]:
    """Send events of hours that are rolled up; what is wrong in the very next answer after each is stored."""
    wrong = []
    for name, event in late.items():
        product.probe(told.project, event)
        moment = datetime.fromisoformat(str(event["timestamp"]))
        told.acked[name] = Fact(str(event["event"]), int(moment.timestamp()) // _HOUR * _HOUR)
        stored = _stored(product, told)[0]
        if name not in stored:
            wrong.append(f"late event {name} is not stored")
        wrong += _wrong_counts(product, told.project, stored, "after a late event")
    return wrong


def roll_up(product: Product, project: Project, stored: Mapping[str, Fact]) -> None:
    """Let rollup run until the hours that are over are read from it; raises ChaosError where that does not happen."""
    over = {fact.hour for fact in stored.values() if fact.hour + _HOUR <= time.time() - 1}
    deadline = time.monotonic() + ROLLED_SECONDS
    while over:
        product.post_to("rollup", CHANGED)
        plan = _counted(product, project, stored)[1]
        if plan["hours_rolled"] >= len(over):
            return
        if time.monotonic() > deadline:
            raise ChaosError(f"{len(over)} hours are over, after {ROLLED_SECONDS:.0f} s the plan is {plan}")
        time.sleep(0.2)


def stored_of(product: Product, told: Told) -> dict[str, Fact]:
    """Each id in the warehouse and what it is."""
    return _stored(product, told)[0]


def _stored(product: Product, told: Told) -> tuple[dict[str, Fact], list[str], list[str]]:
    """Each id in the warehouse with what it is; ids there more than once; ids nobody sent, or sent otherwise."""
    rows = product.instance.warehouse(
        "SELECT toString(event_id), event, toUInt32(toStartOfHour(timestamp)), toUInt32(count())"
        f" FROM events FINAL WHERE {told.project.rows} GROUP BY ALL"
    )
    times = Counter[str]()
    stored: dict[str, Fact] = {}
    for name, event, hour, count in rows:
        times[name] += int(count)
        stored[name] = Fact(event, int(hour))
    sent = {**told.unknown, **told.acked}
    doubled = sorted(name for name, count in times.items() if count != 1)
    strange = [f"{name} {fact}" for name, fact in stored.items() if sent.get(name) != fact]
    return stored, doubled, strange


def _wrong_counts(
    product: Product, project: Project, stored: Mapping[str, Fact], when: str, *, rolled: bool = False
) -> list[str]:
    counted, plan = _counted(product, project, stored)
    expected = Counter(stored.values())
    wrong = [
        f"{when}: {fact.event} {datetime.fromtimestamp(fact.hour, UTC):%d.%m. %H h} counts"
        f" {counted[fact]}, {expected[fact]} are stored"
        for fact in sorted(expected.keys() | counted.keys())
        if counted[fact] != expected[fact]
    ]
    if rolled and not plan["hours_rolled"] and len({fact.hour for fact in stored.values()}) > 1:
        wrong.append(f"{when}: nothing was read from rollups: {plan}")
    total = product.ask(project, "POST", "/api/v1/query/count", _range(stored))["value"]
    if total != len(stored):
        wrong.append(f"{when}: the count is {total}, {len(stored)} are stored")
    return wrong


def _counted(
    product: Product, project: Project, stored: Mapping[str, Fact]
) -> tuple["Counter[Fact]", Mapping[str, Any]]:
    """The counts by event and hour as the time series has them, and its plan."""
    question = {**_range(stored), "interval": "hour", "group_by": "event", "limit": 100}
    answer = product.ask(project, "POST", "/api/v1/query/timeseries", question)
    counts = Counter[Fact]()
    for series in answer["series"]:
        for at, value in series["points"]:
            counts[Fact(str(series["key"]), int(datetime.fromisoformat(at).timestamp()))] += value or 0
    return +counts, answer["plan"]


def _range(stored: Mapping[str, Fact]) -> dict[str, str]:
    hours: Sequence[int] = [fact.hour for fact in stored.values()] or [int(time.time()) // _HOUR * _HOUR]
    start, end = (datetime.fromtimestamp(hour, UTC).isoformat() for hour in (min(hours), max(hours) + _HOUR))
    return {"from": start, "to": end}
