"""`sluice trace [ID]`: what became of one request, function by function, from the trace files of this machine."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console

from shared.cli.client import CliError, settings_from_here
from shared.trace_file import read_spans
from shared.tracing import TRACES, Span, TraceFiles

_SHOWN = 10
_NAME = 52


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(trace)


def trace(
    trace_id: Annotated[str, typer.Argument(help="Its id, the beginning of one, or a traceparent.")] = "",
) -> None:
    """Print a trace as a tree with its times; without an id, the newest traces."""
    folder = settings_from_here(TraceFiles).data / TRACES
    spans = list(read_spans(folder))
    out = Console(highlight=False, markup=False, soft_wrap=True)
    if not trace_id:
        for line in newest(spans):
            out.print(line)
        return
    wanted = trace_id[3:35] if trace_id.startswith("00-") else trace_id
    found = [span for span in spans if span.trace_id.startswith(wanted)]
    if not found:
        raise CliError(f"no trace {wanted} in {folder}; record some with SLUICE_TRACE_SAMPLE=1 ./task up")
    if len({span.trace_id for span in found}) > 1:
        raise CliError(f"several traces begin with {wanted}: give more of the id")
    for line in tree(found):
        out.print(line)


def newest(spans: Iterable[Span]) -> Iterator[str]:
    """A line for each of the newest traces, the newest first."""
    by_trace: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    ordered = sorted(by_trace.items(), key=lambda item: min(span.start for span in item[1]), reverse=True)
    for trace_id, members in ordered[:_SHOWN]:
        first = min(members, key=lambda span: span.start)
        took = (max(span.end for span in members) - first.start) / 1_000
        yield f"{trace_id}  {len(members):>4} spans  {took:>10,.1f} ms  {first.name}"


def tree(spans: Sequence[Span]) -> Iterator[str]:
    """The spans of one trace as lines: when each began and how long it took, in ms, its name, what it says.

    A span whose parent is not here (another process has it, or the client) stands at the top.
    """
    known = {span.span_id for span in spans}
    children: defaultdict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        children[span.parent_id if span.parent_id in known else ""].append(span)
    begin = min(span.start for span in spans)
    processes = len({span.process for span in spans})
    yield f"trace {spans[0].trace_id}: {len(spans)} spans in {processes} processes"
    yield f"{'at':>10} {'ms':>9}  "
    yield from _below(children, "", begin, 0)


def _below(children: Mapping[str, Sequence[Span]], parent: str, begin: int, depth: int) -> Iterator[str]:
    for span in children.get(parent, ()):
        name = f"{'  ' * depth}{span.name}"
        at, took = (span.start - begin) / 1_000, (span.end - span.start) / 1_000
        yield f"{at:>10,.1f} {took:>9,.1f}  {name:<{_NAME}} {_said(span)}".rstrip()
        yield from _below(children, span.span_id, begin, depth + 1)


def _said(span: Span) -> str:
    said = [str(value) for key, value in span.attributes.items() if key != "sluice.request_id"]
    said += [f"+{len(span.links)} causes"] if span.links else []
    said += ["failed"] if span.failed else []
    return " ".join([f"[{span.process}]", *said])
