"""Traces: what became of a request on its way through the functions, by OpenTelemetry's words and W3C's context.

Off by default (SLUICE_TRACE_SAMPLE=0): then nothing is recorded, and nothing imported. A trace's root decides once
whether it is recorded; the flag in its traceparent carries the decision through HTTP, the bus and its sources. A span
is recorded when it is over, under the id that its traceparent has had from the beginning.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from shared.config import DATA, load, setting
from shared.ids import noise

TRACES = "traces"
FILE = "file"
# Other requests that a span worked for, too: whoever joins thousands names some.
MOST_LINKS = 8
# The extension attribute of an event that has more than one cause: their traceparents, separated by commas.
LINKS = "tracelinks"
_SAMPLED = frozenset("13579bdf")

Attribute = str | int | float | bool
Kind = Literal["server", "client", "producer", "consumer", "internal"]


@dataclass(frozen=True, kw_only=True)
class TracingSettings:
    trace_sample: float = setting(
        "SLUICE_TRACE_SAMPLE",
        "Share of requests whose traces are recorded, 0 to 1; 0 switches tracing off.",
        default=0.0,
    )
    trace_to: str = setting(
        "SLUICE_TRACE_TO",
        "Where traces go: file (JSON lines in SLUICE_DATA/traces), or a collector that takes OTLP over HTTP:"
        " http(s)://host:4318.",
        default=FILE,
    )


@dataclass(frozen=True, kw_only=True)
class TraceFiles(TracingSettings):
    """The same, and where files of traces are."""

    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))


class Span(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One piece of work: times in microseconds since 1970, `links` the traceparents of other causes."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    process: str = ""
    kind: Kind = "internal"
    start: int
    end: int
    attributes: dict[str, Attribute] = {}
    links: list[str] = []
    failed: bool = False


class Exporter(Protocol):
    """Where spans go; never raises and never waits."""

    def export(self, span: Span) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Tracer:
    """The tracing of one process."""

    process: str
    sample: float
    exporter: Exporter


tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
# The traceparent of the work at hand, where it is less than a whole request.
_inner: ContextVar[str] = ContextVar("inner", default="")


def configure_tracing(process: str) -> None:
    """Trace this process by its settings; without them nothing happens. Raises ConfigError for an unusable one."""
    settings = load(TraceFiles)
    if settings.trace_sample <= 0:
        return
    tracer.set(Tracer(process, settings.trace_sample, _exporter(settings, process)))


def end_tracing() -> None:
    """Send what was recorded."""
    if (known := tracer.get()) is not None:
        known.exporter.close()


def _exporter(settings: TraceFiles, process: str) -> Exporter:
    if settings.trace_to == FILE:
        from shared.trace_file import TraceFile

        return TraceFile(settings.data / TRACES / f"{process}.jsonl")
    from shared.trace_otlp import OtlpExporter

    return OtlpExporter(settings.trace_to)


def root_flag(chance: str) -> str:
    """The flag of a new trace whose id these digits are: 01 where it is recorded."""
    known = tracer.get()
    if known is None:
        return "00"
    return "01" if int(chance[:13], 16) < known.sample * 16**13 else "00"


def is_sampled(traceparent: str) -> bool:
    """Whether whoever began this trace wants it recorded."""
    return traceparent[-1:] in _SAMPLED


def exemplar(traceparent: str) -> dict[str, str] | None:
    """What leads from a measurement to the trace it was made in; None where that is not recorded."""
    if tracer.get() is None or not is_sampled(traceparent):
        return None
    return {"trace_id": traceparent[3:35], "span_id": traceparent[36:52]}


def record(
    traceparent: str,
    name: str,
    seconds: float,
    *,
    parent: str = "",
    kind: Kind = "internal",
    links: Iterable[str] = (),
    failed: bool = False,
    attributes: Mapping[str, Attribute] | None = None,
) -> None:
    """Record a span that has just ended; nothing happens unless its trace is recorded.

    `parent` of another trace is none.
    """
    known = tracer.get()
    if known is None or not is_sampled(traceparent):
        return
    end = time.time_ns() // 1_000
    trace = traceparent[3:35]
    known.exporter.export(
        Span(
            trace_id=trace,
            span_id=traceparent[36:52],
            parent_id=parent[36:52] if parent[3:35] == trace else "",
            name=name,
            process=known.process,
            kind=kind,
            start=end - round(seconds * 1_000_000),
            end=end,
            attributes=dict(attributes or {}),
            links=list(links)[:MOST_LINKS],
            failed=failed,
        )
    )


def current() -> str:
    """The traceparent of the work at hand; '' where it belongs to no request, and in a process that is not traced."""
    if tracer.get() is None:
        return ""
    from shared.telemetry import current_request

    if inner := _inner.get():
        return inner
    request = current_request.get()
    return "" if request is None else request.traceparent


@contextmanager
def span(
    name: str,
    causes: Iterable[str] | None = None,
    *,
    kind: Kind = "internal",
    attributes: Mapping[str, Attribute] | None = None,
) -> Iterator[str]:
    """Record what is done inside as a part of the work at hand, or of what `causes` (traceparents) asked for.

    Of several causes the first whose trace is recorded is the parent, the others are links. Yields the traceparent
    of the new span, '' where none is recorded.
    """
    if tracer.get() is None:
        yield ""
        return
    wanted = list(dict.fromkeys(filter(is_sampled, [current()] if causes is None else causes)))
    if not wanted:
        yield ""
        return
    parent, *links = wanted
    ours = f"{parent[:36]}{noise(8).hex()}{parent[52:]}"
    token, started, failed = _inner.set(ours), time.perf_counter(), True
    try:
        yield ours
        failed = False
    finally:
        _inner.reset(token)
        seconds = time.perf_counter() - started
        record(ours, name, seconds, parent=parent, kind=kind, links=links, failed=failed, attributes=attributes)
