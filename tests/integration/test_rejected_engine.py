"""Refused events on the real engine: kept byte for byte, listed once and newest first, counted by reason."""

import base64
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from functions.rejected.logic import (
    ReasonsAnswer,
    ReasonsQuery,
    RejectedAnswer,
    RejectedQuery,
    count_reasons,
    list_rejected,
)
from shared.bus import Message
from shared.clock import to_micros
from shared.events import MAX_RAW_BYTES, MAX_RECORD_BYTES, RefusedEvent, encode_line, record, rejected_records
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected, describe
from tests.integration.reading import NOW, Stored, row, stored

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("rejected")) as found:
        yield found


def refused(project: uuid.UUID, *events: RefusedEvent, ago: timedelta = timedelta(0)) -> list[Message]:
    micros = to_micros(NOW - ago)
    return rejected_records(
        project_id=str(project),
        batch_id=uuid7(micros // 1_000),
        events=events,
        micros=micros,
        key_prefix="slp_abcd",
        request_id="r-1",
    )


def ask(engine: Stored, project: uuid.UUID, **more: Any) -> RejectedAnswer:
    return engine.run(list_rejected(RejectedQuery(**more), project, engine.warehouse, engine.clock))


def reasons(engine: Stored, project: uuid.UUID, **more: Any) -> ReasonsAnswer:
    return engine.run(count_reasons(ReasonsQuery(**more), project, engine.warehouse, engine.clock))


def test_a_refused_event_is_shown_with_everything_that_is_known_of_it(engine: Stored) -> None:
    project = uuid.uuid4()
    [made] = refused(
        project, RefusedEvent(7, Refusal.BAD_TIMESTAMP, "year 1 ключ", b'{"event":"a","timestamp":"0001"}', "a")
    )
    engine.put(made)
    [item] = ask(engine, project, timezone="Europe/Berlin").items
    assert {name: getattr(item, name) for name in item.__struct_fields__} == {
        "batch_id": made.attributes["id"],
        "position": 7,
        "received_at": "2026-03-31T14:00:00.000000+02:00",
        "reason": "bad_timestamp",
        "title": describe(Refusal.BAD_TIMESTAMP).title,
        "detail": "year 1 ключ",
        "raw": '{"event":"a","timestamp":"0001"}',
        "raw_encoding": "utf-8",
        "key_prefix": "slp_abcd",
        "event": "a",
        "request_id": "r-1",
        "source": "ingest",
        "replayed_at": None,
        "replay_outcome": None,
    }


RAWS = [
    b"",
    b"{}",
    b'\x00\x01\r\n\t"\\',
    b"\xff\xfe\x00",
    b'{"a":"\xed\xa0\x80"}',
    "ключ 🙂".encode(),
    bytes(range(256)) * 100,
    b'{"a":"\\ud800"}',
    b"\0" * 600_000,
    b'"' * MAX_RAW_BYTES,
    ("a" + "ж" * MAX_RAW_BYTES).encode(),
    b"\xff" * (2 * MAX_RAW_BYTES),
]


@pytest.mark.parametrize("raw", RAWS, ids=range(len(RAWS)))
def test_the_bytes_that_were_sent_are_kept_up_to_a_limit_that_is_named(raw: bytes, engine: Stored) -> None:
    project = uuid.uuid4()
    made = refused(project, RefusedEvent(0, Refusal.MALFORMED_JSON, "why", raw))
    assert max(len(message.data) for message in made) <= MAX_RECORD_BYTES
    engine.put(*made)
    [item] = ask(engine, project).items
    kept = item.raw.encode() if item.raw_encoding == "utf-8" else base64.b64decode(item.raw)
    assert raw.startswith(kept)
    assert len(kept) >= min(len(raw), MAX_RAW_BYTES - 3)
    assert (item.detail == "why") == (kept == raw)
    assert str(len(raw)) in item.detail or kept == raw


def test_many_refused_events_of_one_request_become_records_that_fit(engine: Stored) -> None:
    project = uuid.uuid4()
    events = [RefusedEvent(place, Refusal.BAD_ID, "why", b"\xff" * 50_000) for place in range(40)]
    made = refused(project, *events)
    assert max(len(message.data) for message in made) <= MAX_RECORD_BYTES
    assert sum(int(message.attributes["eventcount"]) for message in made) == 40
    engine.put(*made)
    assert sorted(item.position for item in ask(engine, project).items) == list(range(40))


def test_a_record_delivered_again_is_listed_and_counted_once(engine: Stored) -> None:
    project = uuid.uuid4()
    made = refused(project, *(RefusedEvent(place, Refusal.BAD_ID, "", b"") for place in range(5)))
    engine.put(*made, *made)
    engine.put(*made)
    assert len(ask(engine, project).items) == 5
    assert reasons(engine, project).total == 5


def test_what_the_warehouse_refused_stands_beside_what_ingest_refused(engine: Stored) -> None:
    project = uuid.uuid4()
    poison = encode_line(row("bad", event_id="no uuid"))
    engine.put(
        record(project_id=str(project), batch_id=uuid.uuid4(), lines=[poison], micros=to_micros(NOW)),
        *refused(project, RefusedEvent(0, Refusal.BAD_ID, "", b"{}", "worse")),
    )
    [ours] = ask(engine, project, source="store").items
    assert (ours.reason, ours.event, ours.raw_encoding) == ("store_refused", "bad", "utf-8")
    assert '"event_id":"no uuid"' in ours.raw
    [theirs] = ask(engine, project, source="ingest").items
    assert (theirs.reason, theirs.event) == ("bad_id", "worse")


def test_pages_hold_every_refused_event_once_and_the_newest_first(engine: Stored) -> None:
    project = uuid.uuid4()
    for days in (0, 0, 3, 20, 300):
        engine.put(*refused(project, *(RefusedEvent(n, Refusal.BAD_ID, "", b"") for n in range(5)), ago=days * DAY))
    everything = _places(ask(engine, project, limit=1000))
    assert len(set(everything)) == 25
    assert [time for time, *_ in everything] == sorted((time for time, *_ in everything), reverse=True)
    for limit in (1, 4, 5, 24, 25):
        found: list[tuple[str, str, int]] = []
        cursor = ""
        while len(found) < 25:
            answer = ask(engine, project, limit=limit, cursor=cursor)
            found += _places(answer)
            cursor = answer.next_cursor or ""
        assert (found, cursor) == (everything, "")


def _places(answer: RejectedAnswer) -> list[tuple[str, str, int]]:
    return [(item.received_at, item.batch_id, item.position) for item in answer.items]


def filled(engine: Stored) -> uuid.UUID:
    project = uuid.uuid4()
    engine.put(
        *refused(project, RefusedEvent(0, "bad_id", "", b"", "a"), RefusedEvent(1, "bad_text", "", b"", "b")),
        *refused(project, RefusedEvent(0, "bad_id", "", b"", "b"), ago=2 * DAY),
        *refused(project, RefusedEvent(0, "bad_id", "", b"", "a"), ago=50 * DAY),
    )
    return project


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("bad_id", 3), ("bad_text", 1)]),
        ({"reason": "bad_text"}, [("bad_text", 1)]),
        ({"event": "b"}, [("bad_id", 1), ("bad_text", 1)]),
        ({"event": "never"}, []),
        ({"source": "ingest"}, [("bad_id", 3), ("bad_text", 1)]),
        ({"source": "store"}, []),
        ({"start": "2026-03-29T12:00:00Z"}, [("bad_id", 2), ("bad_text", 1)]),
        ({"start": "2026-03-29T12:00:00.000001Z"}, [("bad_id", 1), ("bad_text", 1)]),
        ({"end": "2026-03-31T12:00:00Z"}, [("bad_id", 2)]),
        ({"end": "2026-03-31"}, [("bad_id", 3), ("bad_text", 1)]),
    ],
)
def test_the_list_and_the_counts_are_narrowed_in_the_same_way(
    more: dict[str, Any], expected: Sequence[tuple[str, int]], engine: Stored
) -> None:
    project = filled(engine)
    found = reasons(engine, project, **more)
    assert [(item.reason, item.count) for item in found.items] == expected
    assert found.total == sum(count for _, count in expected)
    listed = [item.reason for item in ask(engine, project, **more).items]
    assert {(reason, listed.count(reason)) for reason in listed} == set(expected)


def test_a_reason_says_what_it_means_and_when_it_was_seen(engine: Stored) -> None:
    first = reasons(engine, filled(engine)).items[0]
    assert (first.reason, first.title) == ("bad_id", describe(Refusal.BAD_ID).title)
    assert first.first_seen == "2026-02-09T12:00:00.000000+00:00"
    assert first.last_seen == "2026-03-31T12:00:00.000000+00:00"


@pytest.mark.parametrize("more", [{"reason": "bad"}, {"source": "client"}])
def test_a_filter_that_can_match_nothing_is_refused(more: dict[str, str], engine: Stored) -> None:
    for asked in (ask, reasons):
        with pytest.raises(Rejected) as caught:
            asked(engine, uuid.uuid4(), **more)
        assert caught.value.refusal is Refusal.BAD_FILTER


def test_another_projects_refused_events_are_never_shown(engine: Stored) -> None:
    project = filled(engine)
    assert ask(engine, uuid.uuid4()).items == []
    with pytest.raises(Rejected) as caught:
        ask(engine, uuid.uuid4(), cursor=ask(engine, project, limit=1).next_cursor)
    assert caught.value.refusal is Refusal.BAD_CURSOR


def test_the_reasons_over_time_have_every_bucket_and_the_same_counts(engine: Stored) -> None:
    project = filled(engine)
    asked = {"start": "2026-03-28", "end": "2026-03-31", "timezone": "Europe/Berlin"}
    assert reasons(engine, project, **asked).series is None
    found = reasons(engine, project, **asked, interval="day")
    assert found.series is not None
    assert [(one.reason, sum(count for _, count in one.points)) for one in found.series] == [
        (item.reason, item.count) for item in found.items
    ]
    assert [label for label, _ in found.series[0].points] == [
        "2026-03-28T00:00:00+01:00",
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-03-31T00:00:00+02:00",
    ]


def test_more_points_than_a_chart_can_hold_are_refused(engine: Stored) -> None:
    with pytest.raises(Rejected) as caught:
        reasons(engine, uuid.uuid4(), interval="minute")
    assert caught.value.refusal is Refusal.QUERY_TOO_EXPENSIVE
