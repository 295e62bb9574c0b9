"""What a trace records: nothing when it is off, every cause when it is on, in a file or at a collector."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from shared import tracing
from shared.cli.tracing import newest, tree
from shared.config import ConfigError
from shared.ledger import changed
from shared.telemetry import caller_of, child_traceparent
from shared.trace_file import TraceFile, read_spans
from shared.trace_otlp import PATH, OtlpExporter
from shared.tracing import LINKS, MOST_LINKS, Span, Tracer, configure_tracing, current, exemplar, record, span, tracer

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"
UNRECORDED = f"00-{TRACE}-b7ad6b7169203332-00"


class Kept:
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def export(self, span: Span) -> None:
        self.spans.append(span)

    def close(self) -> None:
        pass


@pytest.fixture
def kept() -> Iterator[Kept]:
    exporter = Kept()
    token = tracer.set(Tracer("here", 1.0, exporter))
    yield exporter
    tracer.reset(token)


def test_a_process_that_is_not_traced_records_nothing_and_says_so_in_new_traces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SLUICE_TRACE_SAMPLE", raising=False)
    configure_tracing("here")
    assert tracer.get() is None
    with span("work", [CALLER]) as ours:
        assert (ours, current()) == ("", "")
    record(CALLER, "request", 1.0)
    assert exemplar(CALLER) is None
    assert child_traceparent(None).endswith("-00")
    assert child_traceparent(CALLER)[52:] == "-01"  # whoever else records may go on


@pytest.mark.parametrize(("sample", "least", "most"), [(0.0001, 0, 20), (0.5, 800, 1_200), (1.0, 2_000, 2_000)])
def test_the_share_of_new_traces_that_is_recorded_is_the_setting(sample: float, least: int, most: int) -> None:
    token = tracer.set(Tracer("here", sample, Kept()))
    flags = [child_traceparent(None)[-2:] for _ in range(2_000)]
    tracer.reset(token)
    assert least <= flags.count("01") <= most
    assert set(flags) <= {"00", "01"}


def test_the_caller_decides_for_a_trace_that_goes_on(kept: Kept) -> None:
    for traceparent in (UNRECORDED, CALLER):
        ours = child_traceparent(traceparent)
        record(ours, "request", 0.5, parent=traceparent, attributes={"a": 1})
    [found] = kept.spans
    assert (found.trace_id, found.parent_id, found.name, found.process) == (
        TRACE,
        "b7ad6b7169203331",
        "request",
        "here",
    )
    assert (found.end - found.start, found.attributes) == (500_000, {"a": 1})


def test_work_for_many_is_part_of_the_first_that_is_recorded_and_names_the_others(kept: Kept) -> None:
    others = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 20)]
    with span("together", [UNRECORDED, CALLER, CALLER, *others]) as ours, span("a part of it"):
        assert current() != ours
    inner, outer = kept.spans
    assert (outer.trace_id, outer.parent_id, outer.links) == (TRACE, "b7ad6b7169203331", others[:MOST_LINKS])
    assert (inner.trace_id, inner.parent_id) == (TRACE, outer.span_id)
    with span("unrecorded", [UNRECORDED]) as nothing:
        assert nothing == ""
    assert len(kept.spans) == 2


def test_what_fails_is_recorded_as_failed(kept: Kept) -> None:
    with pytest.raises(KeyError), span("work", [CALLER]):
        raise KeyError
    assert [found.failed for found in kept.spans] == [True]


def test_news_of_changed_hours_go_on_in_the_first_trace_and_name_the_others() -> None:
    assert "traceparent" not in changed(1, "/s").attributes
    one = changed(1, "/s", [CALLER])
    assert (one.attributes["traceparent"], LINKS in one.attributes) == (CALLER, False)
    two = changed(1, "/s", [CALLER, UNRECORDED, CALLER])
    assert two.attributes[LINKS] == f"{UNRECORDED},{CALLER}"


def test_a_file_keeps_spans_and_makes_room_when_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.trace_file.MOST_BYTES", 2_000)
    file = TraceFile(tmp_path / "traces" / "here.jsonl")
    for number in range(60):
        file.export(Span(trace_id=TRACE, span_id=f"{number:016x}", name="work", start=1, end=2))
    (tmp_path / "traces" / "torn.jsonl").write_bytes(b'{"trace_id":"')
    numbers = [int(found.span_id, 16) for found in read_spans(tmp_path / "traces")]
    assert 59 in numbers
    assert 10 < len(numbers) < 60
    assert sorted(path.name for path in (tmp_path / "traces").iterdir()) == [
        "here.jsonl",
        "here.old.jsonl",
        "torn.jsonl",
    ]


def test_a_full_disk_loses_the_span_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file where a folder should be")
    TraceFile(tmp_path / "traces" / "here.jsonl").export(Span(trace_id=TRACE, span_id="1", name="n", start=1, end=2))


def test_settings_say_where_spans_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_DATA", str(tmp_path))
    monkeypatch.setenv("SLUICE_TRACE_SAMPLE", "1")
    token = tracer.set(None)
    configure_tracing("one")
    record(CALLER, "request", 0.0)
    assert [found.process for found in read_spans(tmp_path / tracing.TRACES)] == ["one"]
    monkeypatch.setenv("SLUICE_TRACE_TO", "collector:4318")
    with pytest.raises(ConfigError, match="SLUICE_TRACE_TO"):
        configure_tracing("two")
    tracer.reset(token)


def test_a_collector_gets_the_spans_as_otlp() -> None:
    taken: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        exporter = OtlpExporter(f"http://127.0.0.1:{server.server_port}")
        exporter.export(
            Span(
                trace_id=TRACE,
                span_id="b7ad6b7169203331",
                name="ingest",
                process="edge",
                kind="server",
                start=1_700_000_000_000_000,
                end=1_700_000_000_000_002,
                attributes={"code": 503, "share": 0.5, "text": "t", "yes": True},
                links=[CALLER],
                failed=True,
            )
        )
        exporter.close()
        server.shutdown()
        serving.join()
    [(path, body)] = taken
    [resource] = msgspec.json.decode(body)["resourceSpans"]
    assert path == PATH
    assert {"key": "service.name", "value": {"stringValue": "edge"}} in resource["resource"]["attributes"]
    assert resource["scopeSpans"][0]["spans"] == [
        {
            "traceId": TRACE,
            "spanId": "b7ad6b7169203331",
            "name": "ingest",
            "kind": 2,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000000000002000",
            "attributes": [
                {"key": "code", "value": {"intValue": "503"}},
                {"key": "share", "value": {"doubleValue": 0.5}},
                {"key": "text", "value": {"stringValue": "t"}},
                {"key": "yes", "value": {"boolValue": True}},
            ],
            "links": [{"traceId": TRACE, "spanId": "b7ad6b7169203331"}],
            "status": {"code": 2},
        }
    ]


def test_a_collector_that_is_away_costs_no_request_anything() -> None:
    exporter = OtlpExporter("http://127.0.0.1:9")
    for _ in range(5_000):
        exporter.export(Span(trace_id=TRACE, span_id="1", name="n", start=1, end=2))


def test_a_trace_is_printed_as_a_tree_with_what_has_no_parent_here_at_the_top() -> None:
    spans = [
        Span(trace_id="t", span_id="b", parent_id="a", name="deliver", process="sources", start=3_000, end=9_000),
        Span(trace_id="t", span_id="a", parent_id="client", name="ingest", process="edge", start=1_000, end=2_500),
        Span(
            trace_id="t", span_id="c", parent_id="b", name="write", process="work", start=4_000, end=8_000, failed=True
        ),
    ]
    lines = [" ".join(line.split()) for line in tree(spans)]
    assert lines[0] == "trace t: 3 spans in 3 processes"
    assert lines[2:] == ["0.0 1.5 ingest [edge]", "2.0 6.0 deliver [sources]", "3.0 4.0 write [work] failed"]
    indented = [len(line) - len(line[20:].lstrip()) for line in list(tree(spans))[2:]]
    assert indented == sorted(indented)
    assert [line.split() for line in newest(spans)] == [["t", "3", "spans", "8.0", "ms", "ingest"]]


def test_a_source_without_a_trace_of_its_own_leaves_the_events_trace_going_on() -> None:
    assert caller_of({"traceparent": CALLER, "ce-traceparent": UNRECORDED}) == CALLER
    assert caller_of({"ce-traceparent": UNRECORDED}) == UNRECORDED
    assert caller_of({}) is None
