"""`--from`: a sample of each product's export becomes the events it means."""

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.ingest.enrich import Enricher, Sender
from shared.cli import importing
from shared.cli.import_run import ingest_check
from shared.events import Row
from shared.importing.formats import Format, ReadOptions
from shared.importing.job import Importer, Job
from shared.importing.mapping import parse_mapping
from shared.importing.preset import NAMES, load_preset
from shared.importing.progress import RefusedRow
from shared.importing.selection import parse_select

SAMPLES = Path(__file__).parents[1] / "samples" / "import"
Event = dict[str, Any]


class Nobody:
    """A watcher that does not look."""

    def reading(self, file: str, done: int, size: int) -> None: ...

    def importing(self, file: str, rows: int, already: int) -> None: ...

    def advanced(self, rows: int) -> None: ...

    def refused(self, row: RefusedRow) -> None: ...


def events_of(path: Path, preset: str, *, timezone: str = "UTC") -> list[Event]:
    """What the preset makes of a file; ingest would take all of it."""
    loaded = load_preset(preset)
    select = parse_select(loaded.select)
    mapping = parse_mapping([], named=select.names)
    read = ReadOptions(format=loaded.format)
    importer = Importer(Job(mapping, read=read, select=select, columns=loaded.columns, timezone=timezone), Nobody())
    made: list[Event] = []
    importer.rehearse([str(path)], ingest_check(), lambda event: made.append(json.loads(event)), None)
    assert not importer.totals.examples
    return made


def sample(preset: str, file: str, **options: str) -> list[Event]:
    return events_of(SAMPLES / file, preset, **options)


def field(events: list[Event], name: str) -> list[Any]:
    return [event.get(name) for event in events]


def test_the_command_offers_every_preset_and_format() -> None:
    assert set(typing.get_args(importing.PresetName)) == set(NAMES)
    assert set(typing.get_args(importing.FormatName)) == set(Format)
    files = (Path(importing.__file__).parents[1] / "importing" / "presets").glob("*.sql")
    assert {path.stem for path in files} == set(NAMES)


def test_mixpanel_tells_known_people_from_devices_and_seconds_from_milliseconds() -> None:
    events = sample("mixpanel", "mixpanel.ndjson")
    assert field(events, "event") == ["Sign Up", "Page View", "Purchase"]
    assert field(events, "user_id") == ["maria@example.org", None, "maria@example.org"]
    assert field(events, "anonymous_id") == ["19f2-aa", "19f2-aa", None]
    assert field(events, "id") == ["b2a1c9e0d4f7", "0c11fe02aa91", "77aa01"]
    assert field(events, "timestamp") == [
        "2024-05-06T12:53:20.000000Z",
        "2024-05-06T12:53:10.000000Z",
        "2024-05-06T13:53:20.123000Z",
    ]
    assert events[2]["properties"]["items"] == [{"sku": "A-1", "n": 2}]
    assert events[0]["properties"]["seats"] == 3


def test_mixpanel_times_of_an_older_project_are_in_its_own_zone() -> None:
    events = sample("mixpanel", "mixpanel.ndjson", timezone="America/Los_Angeles")
    assert events[0]["timestamp"] == "2024-05-06T19:53:20.000000Z"


def test_amplitude_keeps_event_properties_apart_from_what_it_adds_itself() -> None:
    events = sample("amplitude", "amplitude.ndjson")
    assert field(events, "user_id") == ["u-204", None]
    assert field(events, "anonymous_id") == ["d-9981", "d-1"]
    assert field(events, "session_id") == ["1715000000123", None]
    assert field(events, "timestamp") == ["2024-05-06 12:53:20.000000", "2024-05-06 13:00:00.250000"]
    first = events[0]["properties"]
    assert (first["country"], first["amplitude"]["country"]) == ("chosen by the user", "France")
    assert "203.0.113.77" not in json.dumps(events)


def test_posthog_knows_a_device_that_is_nobody_yet_from_a_person() -> None:
    events = sample("posthog", "posthog.jsonl")
    assert field(events, "user_id") == [None, "user-12"]
    assert field(events, "anonymous_id") == ["018f4d2a-dev", "018f4d2a-dev"]
    assert field(events, "session_id") == ["s-77", "s-77"]
    assert events[0]["context"]["page"]["referrer"] == "https://search.example.com/"
    assert events[1]["properties"]["posthog"]["person_properties"] == {"email": "a@example.org"}


def test_posthog_as_parquet_gives_the_same_events(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "events.parquet"
    source = SAMPLES / "posthog.jsonl"
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "COPY (SELECT * REPLACE (timestamp::TIMESTAMPTZ AS timestamp, properties::VARCHAR AS properties,"
            f" person_properties::VARCHAR AS person_properties) FROM read_ndjson('{source}', columns = {{"
            "uuid: 'VARCHAR', event: 'VARCHAR', distinct_id: 'VARCHAR', timestamp: 'VARCHAR', person_id: 'VARCHAR',"
            " person_properties: 'JSON', elements_chain: 'VARCHAR', properties: 'JSON'}))"
            f" TO '{path}' (FORMAT parquet)"
        )
    events, wanted = events_of(path, "posthog"), sample("posthog", "posthog.jsonl")
    assert field(events, "timestamp") == ["2024-05-06T12:00:00.123456Z", "2024-05-06T12:05:00.000000Z"]
    for event in (*events, *wanted):
        del event["timestamp"]
    assert events == wanted


def test_ga4_parameters_become_properties_of_their_own_types() -> None:
    events = sample("ga4", "ga4.ndjson")
    assert field(events, "event") == ["page_view", "purchase"]
    assert field(events, "timestamp") == [1715000000123456, 1715000010000000]
    assert field(events, "session_id") == ["1122.3344.1714999000"] * 2
    assert field(events, "user_id") == [None, "crm-5"]
    first, second = field(events, "properties")
    assert (first["engagement_time_msec"], first["score"]) == (4210, 0.75)
    assert second["value"] == 19.5
    assert second["ga4"]["items"] == [{"item_id": "SKU1", "quantity": "2"}]
    assert first["ga4"]["geo"] == {"country": "Brazil", "city": "Recife"}


def test_umami_sessions_are_people_and_its_visits_are_sessions() -> None:
    events = sample("umami", "umami.csv")
    assert field(events, "event") == ["page_view", "signup"]
    assert field(events, "timestamp") == ["2024-05-06T12:00:00.120000Z", "2024-05-06T12:00:10.000000Z"]
    assert events[0]["anonymous_id"] == "aaaa0000-3333-4a4a-9b9b-000000000001"
    assert events[0]["session_id"] == "bbbb0000-4444-4a4a-9b9b-000000000001"
    assert events[0]["properties"]["url"] == "/pricing?ref=mail"
    assert events[0]["properties"]["referrer"] == "https://search.example.com/search?q=analytics"
    assert "referrer" not in events[1]["properties"]


def test_plausible_gives_sums_of_days_and_nobody() -> None:
    days = sample("plausible", "imported_visitors_20240501_20240502.csv")
    assert field(days, "event") == ["plausible_visitors"] * 2
    assert field(days, "timestamp") == ["2024-05-01", "2024-05-02"]
    assert sum(event["properties"]["visitors"] for event in days) == 218
    [source] = sample("plausible", "imported_sources_20240501_20240502.csv")
    assert (source["event"], source["properties"]["source"]) == ("plausible_sources", "Hacker News")
    assert not {"user_id", "anonymous_id"} & {name for event in (*days, source) for name in event}


def test_nginx_requests_have_a_visitor_of_the_day_and_their_address_for_the_country() -> None:
    events = sample("nginx", "nginx.log")
    assert field(events, "event") == ["http_request"] * 4
    assert [event["timestamp"][:19] for event in events] == [
        "2024-05-06T10:00:01",
        "2024-05-06T21:59:59",
        "2024-05-06T22:00:00",
        "2024-05-07T08:15:00",
    ]
    assert [event["properties"].get("url") for event in events] == ["/pricing?plan=pro", "/login", None, "/feed.xml"]
    assert [event["context"]["ip"] for event in events] == [
        "203.0.113.9",
        "203.0.113.9",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "198.51.100.23",
    ]
    assert not any("ip" in event["properties"] for event in events)
    visitors = field(events, "anonymous_id")
    assert visitors[0] == visitors[1]
    assert len(set(visitors)) == 3
    assert field(events, "user_id") == [None, "anna", None, None]
    assert events[0]["context"]["userAgent"].startswith("Mozilla/5.0 (X11")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("::1", "::1"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("host.of.a.net", None),
        ("-", None),
    ],
)
def test_what_an_access_log_has_for_an_address_is_left_whole_or_out(
    tmp_path: Path, host: str, address: str | None
) -> None:
    path = tmp_path / "access.log"
    path.write_text(f'{host} - - [06/May/2024:12:00:01 +0200] "GET / HTTP/1.1" 200 5\n')
    [event] = events_of(path, "nginx")
    assert event["context"].get("ip") == address


def test_a_line_of_a_log_gets_its_country_and_its_address_is_stored_without_the_last_part(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text('8.8.8.77 - - [06/May/2024:12:00:01 +0200] "GET / HTTP/1.1" 200 5\n')
    [event] = events_of(path, "nginx")
    context = msgspec.Raw(msgspec.json.encode(event["context"]))
    row = Row(event=event["event"], event_id="", timestamp="", received_at="", context_raw=context)
    Enricher().enrich(row, Sender("python-httpx", "77.88.8.8"), event["properties"], event["context"])
    assert (row.country, row.ip, json.loads(bytes(row.context_raw))) == ("US", "8.8.8.0", {"ip": "8.8.8.0"})


def test_the_address_of_posthog_moves_to_the_context_and_the_other_properties_stay(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    properties = {"$ip": "2001:db8::7", "none": None, "n": 7, "deep": {"$ip": "x"}}
    row = {"uuid": "u", "event": "e", "distinct_id": "d", "timestamp": "2024-05-06T12:00:00Z", "properties": properties}
    path.write_text(json.dumps(row) + "\n")
    [event] = events_of(path, "posthog")
    assert event["context"]["ip"] == "2001:db8::7"
    del event["properties"]["posthog"]
    assert event["properties"] == {"none": None, "n": 7, "deep": {"$ip": "x"}}


def test_a_log_line_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    path.write_text("2024/05/06 12:00:00 [error] 7#7: connect() failed\n")
    with pytest.raises(AssertionError, match="no event name"):
        events_of(path, "nginx")
