"""Addresses with named segments reach their function, here and behind the edge."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from shared.http import Reply, Request
from shared.local.host import Host
from shared.wiring import Function, load_wiring


class Edge(Host):
    """The edge; what it would pass on it only notes."""

    def __init__(self) -> None:
        super().__init__(load_wiring(), "edge")
        self.passed_on: list[str] = []

    async def _forward(self, request: Request, row: Function) -> Reply:
        self.passed_on.append(request.address)
        return Reply(200)


async def asked(app: Host, method: str, path: str) -> int:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/receipts/abc", 200),
        ("GET", "/api/v1/rejected/reasons", 200),
        ("POST", "/api/v1/receipts/abc", 405),
        ("GET", "/api/v1/receipts/", 404),
        ("GET", "/api/v1/receipts", 404),
        ("GET", "/api/v1/receipts/a/b", 404),
        ("GET", "/api/v1/rejected/other", 404),
    ],
)
async def test_the_edge_passes_on_what_fits_a_named_segment(method: str, path: str, status: int) -> None:
    edge = Edge()
    assert await asked(edge, method, path) == status
    assert edge.passed_on == ([path] if status == 200 else [])
