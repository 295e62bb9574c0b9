"""Traces to a collector: OTLP over HTTP as JSON, which needs no package of OpenTelemetry's in any image.

The protocol is stable (opentelemetry-proto 1.x, `ExportTraceServiceRequest`); docs/tracing.md says why not its library.
"""

import contextlib
import queue
import threading
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shared.config import ConfigError
from shared.tracing import Attribute, Span

PATH = "/v1/traces"
_SECONDS = 5.0
_AT_ONCE = 512
_MOST_WAITING = 4_096
_GATHER_SECONDS = 1.0
_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_FAILED = 2


class OtlpExporter:
    """Sends spans from a thread of its own, many at a time; what a collector that is away does not take is dropped."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ConfigError([f"SLUICE_TRACE_TO={url!r} is not usable: give file or http(s)://host:4318"])
        self._url = url.rstrip("/").removesuffix(PATH) + PATH
        self._waiting: queue.Queue[Span | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def export(self, span: Span) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(span)

    def close(self) -> None:
        """Send what waits, for some seconds at most."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
            self._thread.join(2 * _SECONDS)

    def _run(self) -> None:
        while True:
            spans, ended = self._gather()
            if spans:
                self._send(spans)
            if ended:
                return

    def _gather(self) -> tuple[list[Span], bool]:
        """Wait for a span, then take those that come within a moment; whether it was the end."""
        found: list[Span] = []
        next_one = self._waiting.get()
        while next_one is not None:
            found.append(next_one)
            if len(found) == _AT_ONCE:
                return found, False
            try:
                next_one = self._waiting.get(timeout=_GATHER_SECONDS)
            except queue.Empty:
                return found, False
        return found, True

    def _send(self, spans: list[Span]) -> None:
        body = msgspec.json.encode(request_of(spans))
        asked = urllib.request.Request(self._url, body, {"content-type": "application/json"})  # noqa: S310 (checked)
        with contextlib.suppress(OSError, HTTPException), urllib.request.urlopen(asked, timeout=_SECONDS):  # noqa: S310
            pass


def request_of(spans: Iterable[Span]) -> dict[str, Any]:
    """An ExportTraceServiceRequest as OTLP's JSON has it: ids in hex, 64-bit numbers as texts."""
    by_process = groupby(sorted(spans, key=lambda span: span.process), key=lambda span: span.process)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.namespace": "sluice", "service.name": process})},
                "scopeSpans": [{"scope": {"name": "sluice"}, "spans": [_span(span) for span in members]}],
            }
            for process, members in by_process
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start * 1_000),
        "endTimeUnixNano": str(span.end * 1_000),
        "attributes": _attributes(span.attributes),
        "links": [{"traceId": link[3:35], "spanId": link[36:52]} for link in span.links],
    }
    if span.parent_id:
        made["parentSpanId"] = span.parent_id
    if span.failed:
        made["status"] = {"code": _FAILED}
    return made


def _attributes(values: dict[str, Any] | dict[str, Attribute]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Attribute) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}
