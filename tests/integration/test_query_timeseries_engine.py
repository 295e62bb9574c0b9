"""Time series on the real engine, against plain Python over the same rows."""

import asyncio
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from functions.query_timeseries.logic import Series, TimeseriesAnswer, TimeseriesQuery, timeseries
from shared.clock import FixedClock, to_micros
from shared.query.buckets import MAX_POINTS
from shared.query.filters import Filter
from shared.query.period import Period, parse_period
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.calendar_cases import CASES, Case, first_shown, shown
from tests.count_cases import SIMPLE_MEASURES, measures_of
from tests.integration.door_process import PASSWORD, warehouse_process
from tests.integration.test_query_count_engine import ABSENT, Event, lines, measured, text_of, value_of

CLOCKS = uuid.UUID("018f0000-0000-7000-8000-0000000000c1")
SHOP = uuid.UUID("018f0000-0000-7000-8000-0000000000c2")
MICRO = timedelta(microseconds=1)
LATE = FixedClock(to_micros(datetime(2100, 1, 1, tzinfo=UTC)))
RANGE: dict[str, Any] = {"start": "2024-03-29", "end": "2024-04-02", "timezone": "Europe/Berlin"}
PERIOD = parse_period("2024-03-29", "2024-04-02", "Europe/Berlin")
PLANS = ["pro", "free", "other", "null", "", "1", 1, True, "it's", "ключ", "a\tb\\", None, ABSENT]


class Store(NamedTuple):
    warehouse: Warehouse
    clocks: list[Event]
    shop: list[Event]

    def ask(self, project: uuid.UUID = SHOP, clock: FixedClock = LATE, **more: Any) -> TimeseriesAnswer:
        query = TimeseriesQuery(**{**RANGE, **more})
        return asyncio.run(timeseries(query, project, self.warehouse, clock))


def on_the_clocks(chance: random.Random) -> Iterator[Event]:
    """Events in, at and around every range of CASES: each minute's edge is as likely as any microsecond."""
    for case in CASES:
        period = parse_period(case.start, case.end, case.zone)
        length = period.end - period.start
        edges = [period.start - MICRO, period.start, period.end - MICRO, period.end]
        hours = [period.start + timedelta(minutes=30) * number for number in range(int(length / timedelta(minutes=30)))]
        near = [hour + MICRO * chance.choice([-1, 0, 1]) for hour in chance.sample(hours, min(40, len(hours)))]
        anywhere = [period.start + length * chance.random() for _ in range(40)]
        for at in edges + near + anywhere:
            yield Event(uuid.UUID(int=chance.getrandbits(128)), "tick", at, "u", "", "", {}, received=1)


def in_the_shop(chance: random.Random) -> Iterator[Event]:
    first = PERIOD.start - timedelta(days=8)
    for _ in range(900):
        properties = {
            "plan": chance.choices(PLANS, weights=range(13, 0, -1))[0],
            "price": chance.choice([1, 2.5, -3, "7.5", "x", ABSENT]),
        }
        yield Event(
            id=uuid.UUID(int=chance.getrandbits(128)),
            name=chance.choice(["view", "view", "purchase", "it's"]),
            at=first + timedelta(days=14) * chance.random(),
            user_id=chance.choice(["", "u1", "u2", "u3", "u4"]),
            anonymous_id=chance.choice(["", "a1", "a2"]),
            session_id=chance.choice(["", "s1", "s2", "s3"]),
            properties={name: value for name, value in properties.items() if value is not ABSENT},
            received=1,
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with warehouse_process(tmp_path_factory.mktemp("timeseries")) as process:
        warehouse = Warehouse(process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default")
        clocks, shop = list(on_the_clocks(random.Random(1))), list(in_the_shop(random.Random(2)))
        asyncio.run(fill(warehouse, clocks, shop))
        yield Store(warehouse, clocks, shop)
        asyncio.run(warehouse.close())


async def fill(warehouse: Warehouse, clocks: list[Event], shop: list[Event]) -> None:
    await migrate(warehouse)
    await warehouse.insert_json_lines("events", lines(clocks, CLOCKS))
    await warehouse.insert_json_lines("events", lines(clocks[::7], CLOCKS))
    await warehouse.insert_json_lines("events", lines(shop, SHOP))
    again = [event._replace(received=0, properties={"plan": "old", "price": -77}) for event in shop[::9]]
    await warehouse.insert_json_lines("events", lines(again, SHOP))
    await warehouse.insert_json_lines("events", lines(shop, uuid.uuid4()))


# --- the reference


def drawn(events: Sequence[Event], period: Period, interval: str, measure: str) -> list[tuple[str, Any]]:
    """The points of one series, each computed from the rows its clock shows."""
    buckets = first_shown(period.start, period.end, period.zone, interval)
    rows: dict[Any, list[Event]] = {key: [] for key in buckets}
    for event in events:
        if period.start <= event.at < period.end:
            rows[shown(event.at, period.zone, interval)].append(event)
    return [
        (buckets[key].astimezone(period.zone).isoformat(), close(measured(some, measure), measure))
        for key, some in rows.items()
    ]


def close(value: float | None, measure: str) -> Any:
    if value is None:
        return 0 if measure.startswith("sum:") else None
    return pytest.approx(value)


def text_in(event: Event, field: str) -> str | None:
    value = value_of(event, field)
    return None if value is ABSENT else text_of(value)


def within(events: Sequence[Event], period: Period) -> list[Event]:
    return [event for event in events if period.start <= event.at < period.end]


def largest_first(events: Sequence[Event], field: str, measure: str) -> list[str | None]:
    def order(key: str | None) -> tuple[bool, float, bool, bytes]:
        value = measured([event for event in events if text_in(event, field) == key], measure)
        return value is None, -(value or 0), key is None, (key or "").encode()

    return sorted({text_in(event, field) for event in events}, key=order)


# --- clocks


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.zone} {case.start} {case.interval}")
def test_every_row_is_in_the_bucket_its_clock_shows(case: Case, store: Store) -> None:
    answer = store.ask(CLOCKS, start=case.start, end=case.end, timezone=case.zone, interval=case.interval)
    period = parse_period(case.start, case.end, case.zone)
    assert answer.series == [
        Series(None, False, len(within(store.clocks, period)), drawn(store.clocks, period, case.interval, "count"))
    ]
    assert not answer.incomplete_last
    assert answer.range == period.echo()


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"])
@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_a_range_of_years_is_cut_as_its_calendar_is(zone: str, interval: str, store: Store) -> None:
    """Every day of 55 years would be too many points to look at: years with rows in them."""
    for year in (1972, 2010, 2011, 2024):
        answer = store.ask(CLOCKS, start=f"{year}-01-01", end=f"{year}-12-31", timezone=zone, interval=interval)
        period = parse_period(f"{year}-01-01", f"{year}-12-31", zone)
        found = {label: value for label, value in answer.series[0].points if value}
        expected: dict[tuple[Any, ...], int] = {}
        for event in within(store.clocks, period):
            key = shown(event.at, ZoneInfo(zone), interval)
            expected[key] = expected.get(key, 0) + 1
        assert {
            shown(datetime.fromisoformat(label), period.zone, interval): n for label, n in found.items()
        } == expected


def test_as_many_buckets_as_are_allowed_are_answered(store: Store) -> None:
    days = store.ask(CLOCKS, start="1997-01-01", end="2024-05-18", timezone="America/St_Johns")
    assert MAX_POINTS - 10 < len(days.series[0].points) <= MAX_POINTS
    end = datetime(2024, 3, 31, 22, 40, tzinfo=UTC)
    minutes = store.ask(CLOCKS, start="2024-03-25T00:00:00Z", end=end.isoformat(), interval="minute")
    assert len(minutes.series[0].points) == MAX_POINTS
    assert sum(value for _, value in minutes.series[0].points) == minutes.series[0].total  # type: ignore[misc]  # counts


# --- measures and groups


@pytest.mark.parametrize("measure", [*SIMPLE_MEASURES, *measures_of("price")])
@pytest.mark.parametrize("interval", ["hour", "day"])
def test_a_point_is_what_the_reference_measures_and_nothing_is_zero_or_null(
    measure: str, interval: str, store: Store
) -> None:
    answer = store.ask(measure=measure, interval=interval)
    assert [series.key for series in answer.series] == [None]
    assert answer.series[0].points == drawn(store.shop, PERIOD, interval, measure)
    assert answer.series[0].total == close(measured(within(store.shop, PERIOD), measure), measure)


@pytest.mark.parametrize(
    "measure", ["count", "users", "sum:price", "avg:price", "p95:price", "unique:plan", "max:price"]
)
@pytest.mark.parametrize("field", ["event", "properties.plan", "user_id", "properties.never"])
@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_groups_are_the_largest_and_the_rest_is_exact(measure: str, field: str, limit: int, store: Store) -> None:
    answer = store.ask(measure=measure, group_by=field, limit=limit)
    rows = within(store.shop, PERIOD)
    keys = largest_first(rows, field, measure)
    top = keys[:limit]
    assert [series.key for series in answer.series if not series.other] == top
    assert [series.other for series in answer.series] == [False] * len(top) + [True] * (len(keys) > limit)
    for series in answer.series:
        kept = [event for event in rows if (text_in(event, field) not in top) is series.other]
        mine = kept if series.other else [event for event in kept if text_in(event, field) == series.key]
        assert series.points == drawn(mine, PERIOD, "day", measure)
        assert series.total == close(measured(mine, measure), measure)


def test_a_value_called_other_and_a_missing_one_are_groups_of_their_own(store: Store) -> None:
    answer = store.ask(group_by="properties.plan", limit=1_000)
    keys = [series.key for series in answer.series]
    assert {None, "other", "null", "", "1", "true"} <= set(keys)
    assert len(keys) == len(set(keys))
    few = store.ask(group_by="properties.plan", limit=2)
    assert [(series.key, series.other) for series in few.series][-1] == (None, True)


def test_events_and_filters_narrow_every_series(store: Store) -> None:
    filters = [Filter("properties.price", "gt", 0)]
    answer = store.ask(events=["view", "it's"], filters=filters, group_by="event", measure="count")
    for series in answer.series:
        mine = [
            event
            for event in store.shop
            if event.name == series.key and text_in(event, "properties.price") in {"1", "2.5", "7.5"}
        ]
        assert series.points == drawn(mine, PERIOD, "day", "count")
    assert {series.key for series in answer.series} == {"view", "it's"}


def test_no_event_at_all_is_a_line_of_zeros_and_no_group(store: Store) -> None:
    assert [value for _, value in store.ask(uuid.uuid4()).series[0].points] == [0] * 5
    assert store.ask(uuid.uuid4()).series[0].total == 0
    assert store.ask(uuid.uuid4(), measure="avg:price").series[0].points[0][1] is None
    assert store.ask(uuid.uuid4(), group_by="event").series == []


# --- the unfinished one, comparisons, bounds


@pytest.mark.parametrize(
    ("now", "unfinished"),
    [
        ("2024-04-02T23:59:59.999999+02:00", "2024-04-02T00:00:00+02:00"),
        ("2024-04-03T00:00:00+02:00", None),
        ("2024-03-31T12:00:00+02:00", "2024-03-31T00:00:00+01:00"),
    ],
)
def test_the_unfinished_bucket_is_marked(now: str, unfinished: str | None, store: Store) -> None:
    clock = FixedClock(to_micros(datetime.fromisoformat(now)))
    answer = store.ask(clock=clock)
    assert answer.incomplete_from == unfinished
    assert answer.incomplete_last is (unfinished is not None)


def test_a_comparison_has_the_same_series_over_its_own_range(store: Store) -> None:
    answer = store.ask(group_by="properties.plan", limit=2, compare="previous_period")
    before = parse_period("2024-03-24", "2024-03-28", "Europe/Berlin")
    assert answer.compare is not None
    assert answer.compare.range == before.echo()
    assert [(one.key, one.other) for one in answer.compare.series] == [(one.key, one.other) for one in answer.series]
    top = {one.key for one in answer.series if not one.other}
    for series in answer.compare.series:
        mine = [
            event
            for event in store.shop
            if (
                text_in(event, "properties.plan") not in top
                if series.other
                else text_in(event, "properties.plan") == series.key
            )
        ]
        assert series.points == drawn(mine, before, "day", "count")


def test_points_of_all_series_are_bounded(store: Store) -> None:
    with pytest.raises(Rejected) as caught:
        store.ask(start="2023-09-01", end="2024-05-01", interval="hour", group_by="event", limit=1)
    assert caught.value.refusal is Refusal.QUERY_TOO_EXPENSIVE
    assert "in each of 2 series" in caught.value.detail
    assert "take interval=day or a shorter range or a smaller `limit`" in caught.value.detail


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"group_by": "nonsense"}, Refusal.UNKNOWN_FIELD),
        ({"measure": "nonsense"}, Refusal.BAD_MEASURE),
        ({"filters": [Filter("event", "regex", "(")]}, Refusal.BAD_FILTER),
        ({"timezone": "Mars/Olympus"}, Refusal.BAD_TIMEZONE),
    ],
)
def test_what_cannot_be_asked_is_refused(fields: dict[str, Any], refusal: Refusal, store: Store) -> None:
    with pytest.raises(Rejected) as caught:
        store.ask(**fields)
    assert caught.value.refusal is refusal
