"""One event and then the end: `python -m shared.once FUNCTION`, what a job of a JobSink runs.

Knative puts the event into a file. The function gets it as it would from a source; the exit code says whether it took
it. A job that fails is run again by Kubernetes, with the same event.
"""

import asyncio
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from shared.cloudevent import STRUCTURED
from shared.config import ServerSettings, load, setting
from shared.function import SINK, Main
from shared.http import Request
from shared.serve import find_main
from shared.telemetry import configure_logging

log = structlog.get_logger()

_STATUS_TAKEN_BELOW = 300


@dataclass(frozen=True, kw_only=True)
class OnceSettings(ServerSettings):
    event_path: Path = setting("K_EVENT_PATH", "The file with the event of a job; Knative sets it.")


async def deliver(main: Main, event: bytes) -> int:
    """Hand a structured CloudEvent to a function, whose clients are opened and closed around it; the status."""
    body: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": event, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if not body:
            await asyncio.Event().wait()  # whoever waits for the client to go waits for ever
        return body.pop()

    headers = [(b"content-type", STRUCTURED.encode()), (b"content-length", str(len(event)).encode())]
    scope = {"type": "http", "method": "POST", "path": SINK, "raw_path": b"/", "query_string": b"", "headers": headers}
    await main.service.open()
    try:
        reply = await main.service.answer(Request(scope, receive))
    finally:
        await main.service.close()
    log.info("event handled", status=reply.status)
    return reply.status


def main(name: str) -> int:
    """The exit code: 0 where the function took the event."""
    settings = load(OnceSettings)
    configure_logging(name, settings.log_level)
    return int(asyncio.run(deliver(find_main(name), settings.event_path.read_bytes())) >= _STATUS_TAKEN_BELOW)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
