"""A query as people write it: its range, and the same names by POST and by GET."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.query_count.logic import CountQuery
from shared.query.filters import Filter
from shared.query.period import Period, parse_period
from shared.query.request import from_address, from_json
from shared.refusals import Refusal, Rejected

RANGE = {"from": "2026-01-01", "to": "2026-01-31"}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day and so on


def refused(work: Any, *given_to: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        work(*given_to)
    return caught.value


# --- ranges


@pytest.mark.parametrize(
    ("start", "end", "zone", "first", "last"),
    [
        ("2026-01-10", "2026-01-12", "UTC", utc(2026, 1, 10), utc(2026, 1, 13)),
        ("2026-01-10", "2026-01-10", "UTC", utc(2026, 1, 10), utc(2026, 1, 11)),
        ("2026-01-10", "2026-01-12T00:00:00", "UTC", utc(2026, 1, 10), utc(2026, 1, 12)),
        (
            "2026-01-10T12:00:00Z",
            "2026-01-10T12:00:00.000001Z",
            "UTC",
            utc(2026, 1, 10, 12),
            utc(2026, 1, 10, 12, 0, 0, 1),
        ),
        ("2026-01-10", "2026-01-12", "Europe/Berlin", utc(2026, 1, 9, 23), utc(2026, 1, 12, 23)),
        ("2026-07-10", "2026-07-10", "Europe/Berlin", utc(2026, 7, 9, 22), utc(2026, 7, 10, 22)),
        ("2026-01-10T12:00:00+05:30", "2026-01-11", "Asia/Kolkata", utc(2026, 1, 10, 6, 30), utc(2026, 1, 11, 18, 30)),
        # a day in any of ISO 8601's spellings is included whole
        ("20210329", "20210329", "UTC", utc(2021, 3, 29), utc(2021, 3, 30)),
        ("2021-W13-1", "2021W131", "UTC", utc(2021, 3, 29), utc(2021, 3, 30)),
        ("2021-W13", "2021W13", "UTC", utc(2021, 3, 29), utc(2021, 4, 5)),
        ("20210329", "20210329T12", "UTC", utc(2021, 3, 29), utc(2021, 3, 29, 12)),
        # what no event can be beyond is bounded
        ("0001-01-01", "9999-12-31", "Asia/Kolkata", utc(1970, 1, 1), utc(2149, 6, 6)),
        ("2026-01-01", "9999-12-31T23:59:59-11:00", "UTC", utc(2026, 1, 1), utc(2149, 6, 6)),
        # the days on which Berlin changes its clocks have 23 and 25 hours
        ("2026-03-29", "2026-03-29", "Europe/Berlin", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        ("2026-10-25", "2026-10-25", "Europe/Berlin", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
    ],
)
def test_a_range_is_the_instants_its_words_mean(
    start: str, end: str, zone: str, first: datetime, last: datetime
) -> None:
    period = parse_period(start, end, zone)
    assert (period.start, period.end, period.zone.key) == (first, last, zone)


def test_an_answer_repeats_the_range_in_local_times_with_their_offset() -> None:
    assert parse_period("2026-03-29", "2026-03-29", "Europe/Berlin").echo() == {
        "from": "2026-03-29T00:00:00+01:00",
        "to": "2026-03-30T00:00:00+02:00",
        "timezone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-02", "2026-01-01"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("yesterday", "2026-01-01"),
        ("2026-01-01", ""),
        ("2026-13-01", "2026-12-01"),
        ("2026-02-30", "2026-12-01"),
        ("2300-01-01", "2400-01-01"),
        ("0001-01-01", "1969-12-30"),
        ("2026-01-01", "2026-01-01T25:00:00"),
        ("2026-01-01", "2026-01-02\0"),
        ("1767225600", "1767312000"),
        ("1612121212000", "1712121212000"),
    ],
)
def test_a_range_that_is_none_is_refused(start: str, end: str) -> None:
    assert refused(parse_period, start, end).refusal is Refusal.BAD_RANGE


@pytest.mark.parametrize(
    "zone",
    [
        "Berlin",
        "",
        "localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "UTC+1",
        "\0",
        "ü",
        "x" * 10_000,
    ],
)
def test_a_timezone_that_is_none_is_refused(zone: str) -> None:
    assert refused(parse_period, "2026-01-01", "2026-01-02", zone).refusal is Refusal.BAD_TIMEZONE


@given(st.text(max_size=30) | st.datetimes().map(str), st.dates().map(str), st.sampled_from(["UTC", "Asia/Kolkata"]))
def test_any_text_is_a_range_or_a_refusal(start: str, end: str, zone: str) -> None:
    try:
        period = parse_period(start, end, zone)
    except Rejected as rejected:
        assert rejected.refusal is Refusal.BAD_RANGE  # noqa: PT017 (most texts are simply no range)
    else:
        assert isinstance(period, Period)
        assert utc(1970, 1, 1) <= period.start <= period.end < utc(2149, 6, 7)


# --- the same query by POST and by GET


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"measure": "users", "timezone": "Europe/Berlin"},
        {"events": ["view", "purchase"]},
        {"filters": [{"property": "user_id", "op": "in", "value": ["5", 5, 5.5, True]}]},
        {"filters": [{"property": "properties.a", "value": "true"}, {"property": "event", "op": "is_set"}]},
    ],
)
def test_a_query_is_the_same_by_post_and_by_get(fields: dict[str, Any]) -> None:
    address = {name: value for name, value in fields.items() if isinstance(value, str)}
    if "events" in fields:
        address["events"] = ",".join(fields["events"])
    if "filters" in fields:
        address["filters"] = json.dumps(fields["filters"])
    posted = from_json(json.dumps({**RANGE, **fields}).encode(), CountQuery)
    asked = from_address(urlencode({**RANGE, **address}), CountQuery)
    assert posted == asked
    assert [type(wanted.value) for wanted in posted.filters] == [type(wanted.value) for wanted in asked.filters]


@pytest.mark.parametrize("again", ["events=m", "from=2026-01-02", "events=", "fro%6d=2026-01-02"])
def test_a_name_that_an_address_repeats_is_refused_by_that_name(again: str) -> None:
    rejected = refused(from_address, f"{urlencode(RANGE)}&events=n&{again}", CountQuery)
    assert rejected.refusal is Refusal.BAD_REQUEST
    assert ("`events`" if again.startswith("events") else "`from`") in rejected.detail


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ('"to":"2026-01-03"', "to"),
        ('"t\\u006f":"2026-01-03"', "to"),
        ('"filters":[{"property":"event","op":"ne","op":"eq","value":"x"}]', "op"),
    ],
)
def test_a_name_that_a_body_repeats_is_refused_by_that_name(more: str, name: str) -> None:
    rejected = refused(from_json, f"{json.dumps(RANGE)[:-1]},{more}}}".encode(), CountQuery)
    assert (rejected.refusal, f"`{name}`" in rejected.detail) == (Refusal.BAD_REQUEST, True)


def test_an_empty_list_in_an_address_is_an_absent_one() -> None:
    asked = from_address(urlencode({**RANGE, "events": "", "filters": ""}), CountQuery)
    assert asked == from_address(urlencode(RANGE), CountQuery)


def test_a_filter_without_an_operator_asks_for_equality() -> None:
    body = json.dumps({**RANGE, "filters": [{"property": "event", "value": "x"}]}).encode()
    assert from_json(body, CountQuery).filters == [Filter("event", "eq", "x")]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", Refusal.MALFORMED_JSON),
        (b"{", Refusal.MALFORMED_JSON),
        (b'{"from":"\xff"}', Refusal.MALFORMED_JSON),
        (b"[" * 100_000, Refusal.BAD_REQUEST),
        (b"[]", Refusal.BAD_REQUEST),
        (b"{}", Refusal.BAD_REQUEST),
        (b'{"from":1,"to":2}', Refusal.BAD_REQUEST),
        (b'{"from":"a","to":"b","events":"view"}', Refusal.BAD_REQUEST),
        (b'{"from":"a","to":"b","mesure":"users"}', Refusal.UNKNOWN_FIELD),
        (b'{"from":"a","to":"b","filters":[{"property":"event","op":"like","value":"x"}]}', Refusal.BAD_FILTER),
        (b'{"from":"a","to":"b","filters":[{"property":"event","value":{"a":1}}]}', Refusal.BAD_FILTER),
        (b'{"from":"a","to":"b","filters":[{"property":"event","valeu":"x"}]}', Refusal.UNKNOWN_FIELD),
        (b'{"from":"a","to":"b","filters":[{"value":"x"}]}', Refusal.BAD_FILTER),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_its_fault(body: bytes, refusal: Refusal) -> None:
    assert refused(from_json, body, CountQuery).refusal is refusal


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        ({}, Refusal.BAD_REQUEST),
        ({**RANGE, "filters": "x"}, Refusal.BAD_FILTER),
        ({**RANGE, "filters": "[" * 100_000}, Refusal.BAD_FILTER),
        ({**RANGE, "filters": "{}"}, Refusal.BAD_FILTER),
        ({**RANGE, "filter": "[]"}, Refusal.UNKNOWN_FIELD),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_by_its_fault(address: dict[str, str], refusal: Refusal) -> None:
    assert refused(from_address, urlencode(address), CountQuery).refusal is refusal
