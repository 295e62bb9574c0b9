"""One event's way through the functions as one trace, on the running instance."""

import os
from collections.abc import Mapping

import httpx

from shared.trace_file import read_spans
from shared.tracing import TRACES, Span
from tests.e2e.running import Project, Running, wait_until


def wanted() -> str:
    """A traceparent whose sender wants the trace recorded."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def spans_of(instance: Running, traceparent: str) -> dict[str, Span]:
    """The newest span of each name in a trace."""
    found = [span for span in read_spans(instance.data / TRACES) if span.trace_id == traceparent[3:35]]
    return {span.name: span for span in sorted(found, key=lambda span: span.start)}


def send(instance: Running, project: Project, headers: Mapping[str, str]) -> httpx.Response:
    event = {"event": "traced", "user_id": "ada"}
    return instance.http.post("/api/v1/events", json=event, headers={"X-API-Key": project.write_key, **headers})


def test_one_event_is_one_trace_from_ingest_to_the_warehouse_and_its_query(instance: Running) -> None:
    project, caller = instance.new_project(), wanted()
    answer = send(instance, project, {"traceparent": caller})
    assert answer.status_code == 202, answer.text
    wait_until(lambda: instance.count(project) == 1, 30, "the event counts")
    query = {"from": "2020-01-01", "to": "2100-01-01"}
    headers = {"X-API-Key": project.secret_key, "traceparent": answer.headers["traceparent"]}
    asked = instance.http.get("/api/v1/query/count", params=query, headers=headers)
    assert asked.status_code == 200, asked.text
    names = {"ingest", "bus.publish", "deliver batch-write", "batch-write", "store records", "live", "query-count"}
    spans = wait_until(
        lambda: found if names <= (found := spans_of(instance, caller)).keys() else {}, 20, "every span is written"
    )
    assert spans["ingest"].span_id == answer.headers["traceparent"][36:52]
    assert spans["ingest"].parent_id == caller[36:52]
    assert spans["deliver batch-write"].parent_id == spans["ingest"].span_id
    assert spans["batch-write"].parent_id == spans["deliver batch-write"].span_id
    assert spans["store records"].parent_id == spans["batch-write"].span_id
    assert spans["edge"].parent_id == spans["ingest"].span_id
    assert spans["query-count"].parent_id == spans["edge"].span_id
    assert spans["warehouse.insert"].parent_id == spans["store records"].span_id
    assert len({span.process for span in spans.values()}) >= 3
    shown = instance.cli("trace", caller)
    assert shown.returncode == 0, shown.stderr
    assert all(name in shown.stdout for name in names)
    assert "no trace" in instance.cli("trace", "0" * 32).stderr


def test_an_exemplar_leads_from_a_latency_to_the_trace(instance: Running) -> None:
    project, caller = instance.new_project(), wanted()
    refused = instance.http.post(
        "/api/v1/query/count",
        content=b"{",
        headers={"X-API-Key": project.secret_key, "traceparent": caller, "content-type": "application/json"},
    )
    assert 400 <= refused.status_code < 500
    service = "query-count"
    accepted = {"accept": "application/openmetrics-text; version=1.0.0"}
    port = instance.env["SLUICE_WORK_PORT"]
    shown = httpx.get(f"http://127.0.0.1:{port}/{service}/metrics", headers=accepted, trust_env=False)
    assert shown.headers["content-type"].startswith("application/openmetrics-text")
    assert f'trace_id="{caller[3:35]}"' in shown.text
    plain = httpx.get(f"http://127.0.0.1:{port}/{service}/metrics", trust_env=False)
    assert "trace_id" not in plain.text


def test_what_nobody_wants_recorded_is_not(instance: Running) -> None:
    project = instance.new_project()
    caller = wanted()[:-2] + "00"
    assert send(instance, project, {"traceparent": caller}).status_code == 202
    answer = send(instance, project, {})
    assert answer.headers["traceparent"].endswith("-00")
    wait_until(lambda: instance.count(project) == 2, 30, "the events count")
    assert spans_of(instance, caller) == {}
