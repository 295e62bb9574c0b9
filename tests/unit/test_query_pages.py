"""Pages: a cursor goes on where the last page ended, and with nothing but its own query."""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.query_events.logic import EventsQuery, Key
from shared.query.filters import Filter
from shared.query.pages import MAX_LIMIT, Micros, Page, UInt64, newest, open_page, widening
from shared.query.period import Period, parse_period
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
OTHER = uuid.UUID("018f0000-0000-7000-8000-00000000000b")
KEY = Key(1_795_224_000_000_000, uuid.UUID(int=7), "it's", 2**64 - 1)


def opened(query: EventsQuery, project: uuid.UUID = PROJECT, now: datetime = NOW, listed: str = "events") -> Page[Key]:
    return open_page(query, Key, listed=listed, project_id=project, now=now)


@given(
    st.builds(
        Key,
        st.integers(0, 5_000_000_000_000_000),
        st.uuids(),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(0, 2**64 - 1),
    )
)
def test_a_cursor_carries_any_key(key: Key) -> None:
    query = EventsQuery(events=["a"])
    again = opened(msgspec.structs.replace(query, cursor=opened(query).cursor(key)))
    assert again.after == key


def test_the_range_of_the_first_page_holds_on_all_pages() -> None:
    first = opened(EventsQuery())
    later = opened(EventsQuery(cursor=first.cursor(KEY)), now=NOW + timedelta(days=3))
    assert later.period == first.period
    assert first.period.end == NOW + timedelta(hours=24)


def test_another_limit_is_the_same_query() -> None:
    assert opened(EventsQuery(limit=7, cursor=opened(EventsQuery()).cursor(KEY))).after == KEY


@pytest.mark.parametrize(
    "changed",
    [
        EventsQuery(events=["a"]),
        EventsQuery(users=["a"]),
        EventsQuery(user_id="a"),
        EventsQuery(filters=[Filter("event", "eq", "a")]),
        EventsQuery(start="2026-01-01"),
        EventsQuery(end="2026-05-01"),
        EventsQuery(timezone="Europe/Berlin"),
    ],
)
def test_a_cursor_of_another_question_is_refused(changed: EventsQuery) -> None:
    _refused(lambda: opened(msgspec.structs.replace(changed, cursor=opened(EventsQuery()).cursor(KEY))))


def test_a_cursor_of_another_project_or_list_is_refused() -> None:
    query = EventsQuery(cursor=opened(EventsQuery()).cursor(KEY))
    _refused(lambda: opened(query, OTHER))
    _refused(lambda: opened(query, listed="rejected"))


def forged(*key: object, start: int = 0, end: int = 1, digest: bytes | None = None) -> str:
    own = opened(EventsQuery()).digest if digest is None else digest
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((own, start, end, key))).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ключ",
        "a b",
        "=",
        "A" * 10_000,
        base64.urlsafe_b64encode(b"\xdc\xff\xff").decode(),
        base64.urlsafe_b64encode(b"\x91" * 100_000).decode(),
        forged(),
        forged(1, "no uuid", "a", 1),
        forged(-1, str(PROJECT), "a", 1),
        forged(2**63, str(PROJECT), "a", 1),
        forged(1, str(PROJECT), "a", -1),
        forged(1, str(PROJECT), 5, 1),
        forged(1, str(PROJECT), "a", 1, "more"),
        forged(1, str(PROJECT), "a", 1, start=-1),
        forged(1, str(PROJECT), "a", 1, end=2**62),
        forged(1, str(PROJECT), "a", 1, digest=b""),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    _refused(lambda: opened(EventsQuery(cursor=cursor)))


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    if text:
        _refused(lambda: opened(EventsQuery(cursor=text)))


def _refused(work: object) -> None:
    with pytest.raises(Rejected) as caught:
        work()  # type: ignore[operator]  # a lambda
    assert caught.value.refusal is Refusal.BAD_CURSOR


@pytest.mark.parametrize(
    ("query", "days", "start", "end"),
    [
        (EventsQuery(), None, "1970-01-01T00:00:00+00:00", "2026-04-01T12:00:00+00:00"),
        (EventsQuery(), 30, "2026-03-02T12:00:00+00:00", "2026-04-01T12:00:00+00:00"),
        (EventsQuery(start="2026-01-01"), 30, "2026-01-01T00:00:00+00:00", "2026-04-01T12:00:00+00:00"),
        (EventsQuery(end="2026-01-31"), 30, "2026-01-02T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        (EventsQuery(end="2026-01-31"), None, "1970-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        (EventsQuery(end="1970-01-02"), 30, "1970-01-01T00:00:00+00:00", "1970-01-03T00:00:00+00:00"),
        (
            EventsQuery(start="2026-01-01", end="2026-01-01", timezone="Europe/Berlin"),
            30,
            "2025-12-31T23:00:00+00:00",
            "2026-01-01T23:00:00+00:00",
        ),
    ],
)
def test_what_nobody_gave_of_a_range_is_filled(query: EventsQuery, days: int | None, start: str, end: str) -> None:
    found = open_page(query, Key, listed="events", project_id=PROJECT, now=NOW, days=days).period
    assert (found.start.isoformat(), found.end.isoformat(), found.zone.key) == (start, end, query.timezone or "UTC")


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        (EventsQuery(start="2026-06-01"), Refusal.BAD_RANGE),
        (EventsQuery(start="2026-01-02", end="2026-01-01"), Refusal.BAD_RANGE),
        (EventsQuery(start="yesterday"), Refusal.BAD_RANGE),
        (EventsQuery(timezone="Mars/Base"), Refusal.BAD_TIMEZONE),
    ],
)
def test_a_range_without_an_event_is_refused(query: EventsQuery, refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        opened(query)
    assert caught.value.refusal is refusal


@pytest.mark.parametrize("limit", ["0", "-1", str(MAX_LIMIT + 1), "1000000000", "1.5", "many", ""])
def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    with pytest.raises(Rejected) as caught:
        from_address(f"limit={limit}", EventsQuery)
    assert caught.value.refusal is Refusal.BAD_REQUEST


# --- the newest rows


def test_windows_grow_backwards_from_the_end_to_the_whole_range() -> None:
    period = parse_period("2026-01-01", "2026-03-31T12:00:00")
    found = list(widening(period))
    assert {window.end for window in found} == {period.end}
    starts = [window.start for window in found]
    assert starts == sorted(starts, reverse=True)
    assert (starts[-1], len(set(starts))) == (period.start, len(starts))


@given(st.integers(1, 10_000))
def test_the_last_window_is_always_the_whole_range(hours: int) -> None:
    period = Period(NOW - timedelta(hours=hours), NOW, parse_period("2026-01-01", "2026-01-01").zone)
    found = list(widening(period))
    assert found[-1] == period
    assert all(window.start > period.start for window in found[:-1])


async def test_no_more_is_asked_once_there_are_enough() -> None:
    period = parse_period("2020-01-01", "2026-03-31")
    asked: list[datetime] = []

    async def ask(window: Period) -> list[int]:
        asked.append(window.start)
        return list(range(len(asked) * 3))

    assert await newest(period, 5, ask) == list(range(6))
    assert len(asked) == 2
    assert await newest(period, 100, ask) == list(range(len(asked) * 3))
    assert asked[-1] == period.start


class Tiny(NamedTuple):
    at: Micros
    hash: UInt64


def test_a_key_of_another_shape_is_refused() -> None:
    cursor = opened(EventsQuery()).cursor(KEY)
    with pytest.raises(Rejected) as caught:
        open_page(EventsQuery(cursor=cursor), Tiny, listed="events", project_id=PROJECT, now=NOW)
    assert caught.value.refusal is Refusal.BAD_CURSOR
