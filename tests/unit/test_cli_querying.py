"""What people type after `sluice query count` → what the API takes."""

from typing import Any

import msgspec
import pytest

from shared.cli.client import CliError
from shared.cli.querying import parse_filter, resolve_day
from shared.clock import FixedClock
from shared.query.filters import Filter, condition
from shared.query.parameters import Parameters

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "field", "op", "value"),
    [
        ("properties.page=Foo", "properties.page", "eq", "Foo"),
        ("properties.page = Talk:a=b", "properties.page", "eq", "Talk:a=b"),
        ("properties.page!=Foo", "properties.page", "ne", "Foo"),
        ("properties.delta>=10", "properties.delta", "gte", 10),
        ("properties.delta<-1.5", "properties.delta", "lt", -1.5),
        ("properties.delta>x", "properties.delta", "gt", "x"),
        ("properties.price=1.10", "properties.price", "eq", 1.1),
        ("properties.zip='01234'", "properties.zip", "eq", "01234"),
        ("properties.zip=01234", "properties.zip", "eq", "01234"),
        ("properties.big=1234567890123456789", "properties.big", "eq", "1234567890123456789"),
        ("properties.robot=true", "properties.robot", "eq", "true"),
        ("properties.page*=24", "properties.page", "contains", "24"),
        ("properties.page!*=Foo", "properties.page", "not_contains", "Foo"),
        ("properties.page^=Talk:", "properties.page", "starts_with", "Talk:"),
        ("properties.page~=^T.*k$", "properties.page", "regex", "^T.*k$"),
        ("event in a, b", "event", "in", ["a", "b"]),
        ("event not in a,'b c'", "event", "not_in", ["a", "b c"]),
        ("properties.page=", "properties.page", "eq", ""),
    ],
)
def test_filters_read_as_people_write_them(text: str, field: str, op: str, value: Any) -> None:
    assert parse_filter(text) == {"property": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("properties.city", {"property": "properties.city", "op": "is_set"}),
        ("!properties.city", {"property": "properties.city", "op": "not_set"}),
    ],
)
def test_a_bare_field_asks_whether_it_is_set(text: str, expected: dict[str, Any]) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize("text", ["a=1", "a!=1", "a>1", "a*=1", "a!*=1", "a^=1", "a~=1", "a in 1", "a", "!a"])
def test_every_filter_is_one_the_server_knows(text: str) -> None:
    sent = parse_filter(text.replace("a", "properties.a", 1))
    assert condition(msgspec.convert(sent, Filter), Parameters())


@pytest.mark.parametrize("text", ["", "!", "  ", "a;b"])
def test_what_is_no_filter_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(CliError, match="is not a filter"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "timezone", "day"),
    [
        ("today", "UTC", "2026-01-01"),
        ("today", "America/New_York", "2025-12-31"),
        ("yesterday", "UTC", "2025-12-31"),
        ("7d", "UTC", "2025-12-25"),
        ("2015-09-12T10:00:00Z", "UTC", "2015-09-12T10:00:00Z"),
    ],
)
def test_days_are_named_in_the_given_zone(text: str, timezone: str, day: str) -> None:
    assert resolve_day(text, timezone, FixedClock(NEW_YEAR)) == day


def test_an_unknown_zone_is_a_sentence() -> None:
    with pytest.raises(CliError, match="Europe/Berlin"):
        resolve_day("today", "Mars/Olympus")
