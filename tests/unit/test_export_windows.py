"""How an export is cut: without a gap or an overlap, and so that no file grows beyond its bounds."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.export.asked import ExportPageQuery, ExportRequest
from functions.export.columns import NAMES, columns, select_list
from functions.export.reading import HOUR, Events, Versions, Window, cut
from shared.clock import to_datetime, to_micros
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.refusals import Rejected

START = to_micros(datetime(2026, 3, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def period(start: int, end: int) -> Period:
    return Period(to_datetime(start), to_datetime(end), ZoneInfo("UTC"))


@st.composite
def days(draw: st.DrawFn) -> tuple[Period, list[tuple[int, int, int]]]:
    """A range that begins and ends anywhere in an hour, and hours with events within it."""
    start = START + draw(st.integers(0, HOUR - 1))
    end = start + draw(st.integers(1, 200 * HOUR))
    first, last = start // HOUR, (end - 1) // HOUR
    found = draw(st.lists(st.integers(first, last), unique=True, max_size=60))
    counts = st.integers(1, 500)
    return period(start, end), [(hour, draw(counts), draw(st.integers(1, 50_000))) for hour in sorted(found)]


@given(days(), st.integers(1, 300), st.integers(100, 40_000))
def test_windows_cover_the_range_once(drawn: tuple[Period, list[tuple[int, int, int]]], rows: int, size: int) -> None:
    asked, hours = drawn
    windows = cut(hours, asked, rows=rows, size=size)
    at = to_micros(asked.start)
    position = 0
    while position < len(windows):
        window = windows[position]
        shards = windows[position : position + window.shards]
        assert [one.shard for one in shards] == list(range(window.shards))
        assert {(one.start, one.end, one.shards) for one in shards} == {(window.start, window.end, window.shards)}
        assert (window.start, window.start < window.end) == (at, True)
        at = window.end
        position += window.shards
    assert at == to_micros(asked.end)


@given(days(), st.integers(1, 300), st.integers(100, 40_000))
def test_no_window_holds_more_than_its_bounds(
    drawn: tuple[Period, list[tuple[int, int, int]]], rows: int, size: int
) -> None:
    asked, hours = drawn
    for window in cut(hours, asked, rows=rows, size=size):
        inside = [one for one in hours if window.start < (one[0] + 1) * HOUR and one[0] * HOUR < window.end]
        assert sum(one[1] for one in inside) <= rows * window.shards
        assert sum(one[2] for one in inside) <= size * window.shards


def test_a_range_without_events_is_one_window() -> None:
    assert cut([], period(START, START + HOUR), rows=10, size=10) == [Window(START, START + HOUR)]


def test_the_same_hours_are_always_cut_the_same_way() -> None:
    chance = random.Random(7)
    hours = [(START // HOUR + n, chance.randint(1, 900), chance.randint(1, 900)) for n in range(100)]
    asked = period(START, START + 100 * HOUR)
    assert cut(hours, asked, rows=400, size=10_000) == cut(list(hours), asked, rows=400, size=10_000)


def test_the_version_of_a_window_is_that_of_every_hour_it_touches() -> None:
    hour = START // HOUR * 3_600
    versions = Versions({hour - 3_600: 1, hour: 10, hour + 3_600: 100, hour + 7_200: 1_000})
    assert versions.of(Window(START, START + HOUR)) == 10
    assert versions.of(Window(START, START + HOUR + 1)) == 110
    assert versions.of(Window(START + 5, START + 6)) == 10
    assert versions.of(Window(START + HOUR, START + 3 * HOUR)) == 1_100
    assert versions.all == 1_111


def test_every_value_of_a_window_is_bound() -> None:
    parameters = Parameters()
    events = Events(uuid.UUID(int=1), period(START, START + HOUR), ["a'b"], [])
    sql = events.where(parameters, Window(START, START + HOUR, 2, 5))
    assert "a'b" not in sql
    assert sql.endswith("AND cityHash64(event_id) % {p4:UInt32} = {p5:UInt32}")
    assert (parameters.values["p4"], parameters.values["p5"]) == (5, 2)


# --- what is asked for


def test_without_columns_every_column_is_exported_in_its_order() -> None:
    assert [column.name for column in columns([])] == list(NAMES)
    assert select_list(columns(["event", "bot"])) == "nullIf(toString(event), '') AS c0, bot AS c1"


def test_no_name_of_a_property_is_read_as_sql() -> None:
    [column] = columns(["properties.a`, b) FROM events --"])
    assert "`a\\`, b) FROM events --`" in column.sql


@pytest.mark.parametrize("name", ["", "nope", "properties.", "lookups.", "user_key", "project_id", "toString(1)", "*"])
def test_a_column_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as caught:
        columns([name])
    assert caught.value.refusal == "unknown_field"


def test_a_request_keeps_the_moment_it_was_made_at() -> None:
    asked = ExportRequest(start="2026-03-01", timezone="Europe/Berlin").settled(NOW)
    assert (asked.start, asked.end) == ("2026-02-28T23:00:00+00:00", "2026-03-31T12:00:00+00:00")
    assert asked.compression == "zstd"
    later = asked.settled(NOW + timedelta(days=400))
    assert later == asked
    assert msgspec.json.decode(msgspec.json.encode(asked), type=ExportRequest) == asked
    assert asked.query()["from"] == "2026-03-01T00:00:00+01:00"


@pytest.mark.parametrize("older", ["start_date", "end_date", "event_type"])
def test_two_words_for_one_thing_are_refused(older: str) -> None:
    ours = {"start_date": "start", "end_date": "end", "event_type": "events"}[older]
    value = ["x"] if ours == "events" else "2026-01-01"
    with pytest.raises(Rejected) as caught:
        ExportPageQuery(**{older: "2026-01-01", ours: value}).settled()
    assert older in caught.value.detail
