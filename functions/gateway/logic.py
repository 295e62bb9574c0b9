"""A request → the function that answers it → its answer, fit for a browser."""

from typing import Protocol

from shared.edge.front import Front
from shared.edge.reference import OPENAPI, Reference
from shared.edge.routes import Routes
from shared.http import Reply, Request, json_reply, problem
from shared.refusals import Refusal, Rejected

_READING = ("GET", "HEAD")


class Behind(Protocol):
    """What the gateway passes requests on with; `elsewhere` are public addresses that are not behind it."""

    @property
    def front(self) -> Front: ...
    @property
    def routes(self) -> Routes: ...
    @property
    def elsewhere(self) -> Routes: ...
    @property
    def reference(self) -> Reference: ...
    @property
    def most_bytes(self) -> int: ...


async def answer(request: Request, behind: Behind) -> Reply:
    """The answer of the function that owns the address, or the gateway's own.

    Raises Rejected for an address nobody answers, a limit that is reached and a body that is too large,
    UnavailableError where the function is silent or its breaker is open.
    """
    reply = await behind.front.preflight(request) or await _passed(request, behind)
    return await behind.front.dress(request, reply)


async def _passed(request: Request, behind: Behind) -> Reply:
    methods = behind.routes.find(request.path)
    if methods is None:
        return _own(request, behind)
    row = methods.get(request.method)
    if row is None:
        return problem(Refusal.METHOD_NOT_ALLOWED, request_id=request.request_id, allow=sorted(methods))
    return await behind.front.forward(request, row, behind.most_bytes)


def _own(request: Request, behind: Behind) -> Reply:
    if behind.elsewhere.find(request.path) is not None:
        detail = "events are not sent through the gateway: post them to the address of ingest"
        raise Rejected(Refusal.NOT_FOUND, detail)
    reply = behind.reference.answer(request.path)
    if reply is None and request.path == "/":
        reply = json_reply({"name": "Sluice", "api": "/api/v1", "openapi": OPENAPI, "docs": "/docs"})
    if reply is None:
        raise Rejected(Refusal.NOT_FOUND, f"no function answers {request.path!r}; {OPENAPI} lists what is there")
    if request.method not in _READING:
        return problem(Refusal.METHOD_NOT_ALLOWED, request_id=request.request_id, allow=_READING)
    return reply
