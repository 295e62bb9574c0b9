"""What the embedded runtime answers itself, beside the functions it hosts."""

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
import structlog

from shared.http import Request
from shared.local.host import Host
from shared.telemetry import configure_logging, current_request, identify
from shared.wiring import load_wiring

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def asked(process: str, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = _scope(method, path, headers)
    await Host(load_wiring(), process)(scope, receive, send)
    start, body = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(found) == len(start["headers"])
    return start["status"], found, body["body"]


def _scope(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}


@pytest.mark.parametrize(
    ("process", "method", "path", "status"),
    [
        ("edge", "GET", "/", 200),
        ("edge", "GET", "/healthz", 200),
        ("edge", "GET", "/nowhere", 404),
        ("edge", "DELETE", "/api/v1/events", 405),
        ("work", "GET", "/metrics", 200),
        ("work", "GET", "/nowhere", 404),
    ],
)
async def test_an_answer_of_the_host_itself_names_its_request_and_trace(
    process: str, method: str, path: str, status: int
) -> None:
    ours = {"host": "localhost", "x-request-id": "mine", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    found, headers, body = await asked(process, method, path, ours)
    assert (found, headers["x-request-id"], headers["traceparent"][3:35]) == (status, "mine", TRACE)
    if status >= 400:
        assert json.loads(body)["request_id"] == "mine"
    _, headers, body = await asked(process, method, path, {"host": "localhost"})
    assert headers["x-request-id"]
    assert headers["x-request-id"] != "mine"


async def test_a_port_behind_the_edge_refuses_other_hosts_with_a_request_id() -> None:
    status, headers, body = await asked("work", "GET", "/metrics", {"host": "elsewhere.example"})
    assert (status, json.loads(body)["request_id"]) == (400, headers["x-request-id"])


def test_a_log_line_names_the_function_that_handles_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    class Handled(Request):
        function = ""

    configure_logging("work")
    try:
        structlog.get_logger().info("outside")
        request = Handled(_scope("GET", "/", {}), None)  # type: ignore[arg-type]  # nothing is received
        identify(request)
        request.function = "ingest"
        structlog.get_logger().info("inside")
    finally:
        structlog.reset_defaults()
        current_request.set(None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["function"] for line in lines] == ["work", "ingest"]
    assert lines[1]["request_id"] == request.request_id


def test_metrics_have_no_series_that_say_when_they_began() -> None:
    from prometheus_client import generate_latest

    from shared import metrics

    metrics.INGEST_EVENTS.labels("accepted").inc(0)
    shown = generate_latest().decode()
    assert "sluice_ingest_events_total" in shown
    assert "_created" not in shown
