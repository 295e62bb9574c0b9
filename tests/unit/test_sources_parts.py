from datetime import UTC, datetime

import pytest

from shared.bus import MAX_MESSAGE_BYTES, Message
from shared.clock import to_datetime, to_micros
from shared.dead_letters import ONLY_FOR
from shared.events import ACCEPTED
from shared.local.broker import MAX_EVENT_BYTES
from shared.local.delivery import Answer, RetryPolicy, dead_letter
from shared.local.kafka_source import Binding
from shared.local.ping_source import next_due
from shared.local.sources import bindings
from shared.wiring import load_wiring


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy()
    assert [policy.wait(attempt) for attempt in range(1, 7)] == [0.5, 1, 2, 4, 5, 5]


def test_the_default_budget_is_what_the_real_schedule_waits() -> None:
    assert RetryPolicy().budget == sum(0.5 * 2**n for n in range(12))


def test_waiting_stays_computable_after_thousands_of_tries() -> None:
    assert RetryPolicy().wait(100_000) == 5


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_below_300_is_delivered(status: int) -> None:
    assert Answer(status, {}, b"").delivered


@pytest.mark.parametrize("status", [0, 404, 408, 409, 429])
def test_faults_and_some_client_errors_are_retried(status: int) -> None:
    assert Answer(status, {}, b"").retried


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 405, 410, 413, 415, 422, 451, 499])
def test_any_other_status_below_500_is_final(status: int) -> None:
    answer = Answer(status, {}, b"")
    assert not answer.delivered
    assert not answer.retried


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 507, 599])
def test_server_errors_are_retried(status: int) -> None:
    assert Answer(status, {}, b"").retried


def test_a_dead_letter_of_the_largest_event_fits_the_bus() -> None:
    event = Message({"id": "1", "type": "t", "source": "s"}, b"")
    event = Message(event.attributes, bytes(MAX_EVENT_BYTES - event.size))
    headers = {f"kne-{'x' * 60}{number}": "v" * 8_000 for number in range(100)}
    letter = dead_letter(event, "http://localhost:8081/batch-write/", Answer(400, headers, b"e" * 100_000))
    assert letter.size <= MAX_MESSAGE_BYTES
    assert letter.data == event.data


def test_only_usable_extension_names_are_taken_from_the_answer() -> None:
    headers = {
        "kne-refusal": "bad_id",
        "kne-not-a-name": "x",
        "kne-": "x",
        "x-kne-a": "x",
        "content-type": "text/plain",
    }
    letter = dead_letter(Message({"id": "1"}, b""), "http://w/f/", Answer(500, headers, b"Connection refused"))
    assert letter.attributes == {
        "id": "1",
        "knativeerrordest": "http://w/f/",
        "knativeerrorcode": "500",
        "knativeerrordata": "Q29ubmVjdGlvbiByZWZ1c2Vk",
        "refusal": "bad_id",
    }


def test_where_nobody_answered_a_dead_letter_has_no_code() -> None:
    letter = dead_letter(Message({"id": "1"}, b""), "http://w/f/", Answer(0, {}, b"Connection refused"))
    assert letter.attributes == {"id": "1", "knativeerrordest": "http://w/f/"}


def test_a_source_without_types_takes_every_type_and_only_what_is_meant_for_it() -> None:
    every, events = Binding("t", "dead-letter", frozenset()), Binding("events", "live", frozenset({ACCEPTED}))
    resent = Message({"type": ACCEPTED, ONLY_FOR: "batch-write"}, b"")
    assert [every.takes(message) for message in (Message({}, b""), resent)] == [True, True]
    assert [events.takes(message) for message in (Message({"type": ACCEPTED}, b""), resent)] == [True, False]


def test_every_topic_and_consumed_type_of_the_table_has_its_group() -> None:
    wiring = load_wiring()
    found = {(row.name, binding) for row, binding in bindings(wiring)}
    for row in wiring.functions:
        for topic in row.topics:
            assert (row.name, Binding(topic.topic, row.service, frozenset(topic.types))) in found
        assert bool(row.consumes) == any(name == row.name and b.topic == "broker" for name, b in found)
    assert len({(b.topic, b.group) for _, b in found}) == len(found)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("*/15 * * * *", "2026-03-29T00:59:59.999999", "2026-03-29T01:00:00"),
        ("*/15 * * * *", "2026-03-29T01:00:00", "2026-03-29T01:15:00"),
        ("*/15 * * * *", "2026-03-29T01:00:00.000001", "2026-03-29T01:15:00"),
        ("0 3 * * 1", "2026-12-31T12:00:00", "2027-01-04T03:00:00"),
    ],
)
def test_the_next_due_time_is_later_and_in_utc(schedule: str, after: str, due: str) -> None:
    start = to_micros(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert to_datetime(next_due(schedule, start)) == datetime.fromisoformat(due).replace(tzinfo=UTC)
