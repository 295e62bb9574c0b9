"""When a letter may be sent again: its function says so itself, Knative's own parts only answer at all."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions.dead_letter.sinks import Sinks
from shared.clock import SYSTEM_CLOCK


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """`/204/…` is answered 204."""
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Nothing on the console."""


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


async def test_the_broker_is_back_as_soon_as_it_answers_and_says_what_it_does_not_do(address: str) -> None:
    assert await Sinks(SYSTEM_CLOCK).ready(f"{address}/405/analytics/sluice")
    assert await Sinks(SYSTEM_CLOCK).ready(f"{address}/404/analytics/sluice")
    assert not await Sinks(SYSTEM_CLOCK).ready(f"{address}/503/analytics/sluice")


async def test_a_function_is_back_only_where_it_says_so_itself(address: str) -> None:
    assert await Sinks(SYSTEM_CLOCK).ready(f"{address}/200")
    assert not await Sinks(SYSTEM_CLOCK).ready(f"{address}/404")
    assert not await Sinks(SYSTEM_CLOCK).ready(f"{address}/503")
    assert not await Sinks(SYSTEM_CLOCK).ready("http://127.0.0.1:1/batch-write")
    assert not await Sinks(SYSTEM_CLOCK).ready("batch-write")
