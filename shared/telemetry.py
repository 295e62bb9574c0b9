"""Logs as JSON lines that know their request, and W3C trace context."""

import contextlib
import logging
import re
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

import structlog

from shared.ids import new_request_id, noise
from shared.security.masking import mask_event
from shared.tracing import LINKS, record, root_flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

    from shared.at_once import Head
    from shared.http import Request

# The request being handled; one context variable instead of a bind per request keeps the hot path short.
current_request: ContextVar["Request | None"] = ContextVar("current_request", default=None)

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_IDS_BYTES = 24  # of a trace and a span
_SERVER_ERROR = 500
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class _Lines(structlog.PrintLogger):
    """Writes lines to stdout; one that a full disk does not take is left out, rather than a request failing for it."""

    def __init__(self, *_names: str) -> None:
        super().__init__()

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def configure_logging(function: str, level: str = "info") -> None:
    """Make every log line one JSON object on stdout, with the function's name and its request's ids."""

    def add_context(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
        event["function"] = function
        request = current_request.get()
        if request is not None:
            event["function"] = getattr(request, "function", "") or function  # one process may host several
            event["request_id"] = request.request_id
            event["trace_id"] = request.traceparent[3:35]
            event["span_id"] = request.traceparent[36:52]
        return event

    chain: list[Processor] = [
        add_context,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*chain, mask_event, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    _configure_libraries(chain)


def _configure_libraries(chain: "list[Processor]") -> None:
    """What libraries log (warnings and worse) comes in the same lines as ours."""
    end: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        mask_event,
        structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=end))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def child_traceparent(incoming: str | None) -> str:
    """The traceparent of our part of the work: the caller's trace id if valid, a new span id."""
    chance = noise(_IDS_BYTES).hex()
    if incoming is not None and _TRACEPARENT.fullmatch(incoming):
        return f"{incoming[:36]}{chance[:16]}{incoming[52:]}"
    return f"00-{chance[16:]}-{chance[:16]}-{root_flag(chance)}"


def identify(request: "Request") -> None:
    """Give a request its id (the client's where it is usable) and trace context, and its log lines both."""
    request.request_id = request_id_of(request.headers.get("x-request-id"))
    request.traceparent = child_traceparent(caller_of(request.headers))
    current_request.set(request)


def record_request(name: str, request: "Request | Head", status: int, seconds: float) -> None:
    """Record the span of a request that `name` has just answered; nothing happens unless its trace is recorded."""
    links = request.headers.get(f"ce-{LINKS}", "")
    record(
        request.traceparent,
        name,
        seconds,
        parent=caller_of(request.headers) or "",
        kind="server",
        links=filter(_TRACEPARENT.fullmatch, links.split(",")) if links else (),
        failed=status >= _SERVER_ERROR,
        attributes={"http.response.status_code": status, "sluice.request_id": request.request_id},
    )


def caller_of(headers: "Mapping[str, str]") -> str | None:
    """The traceparent a request came with: a source that has no trace of its own only has the event's."""
    return headers.get("traceparent") or headers.get("ce-traceparent")


def request_id_of(incoming: str | None) -> str:
    """A request's id: the client's where it is usable."""
    return incoming if incoming and usable_request_id(incoming) else new_request_id()


def usable_request_id(incoming: str | None) -> bool:
    """Whether a client's X-Request-Id may be taken over: short, and nothing that could forge a log line."""
    return incoming is not None and _REQUEST_ID.fullmatch(incoming) is not None
