"""One CloudEvent to one function, with the retries of Knative's Kafka dispatcher; and its dead letter."""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shared.bus import MAX_MESSAGE_BYTES, Message
from shared.clock import Clock
from shared.cloudevent import encode_binary
from shared.local import source_metrics
from shared.local.patience import Pauses
from shared.tracing import span

if TYPE_CHECKING:
    import aiohttp

# Retried besides every status from 500 on (KafkaSource); any other 3xx and 4xx is final.
_RETRIED = frozenset({404, 408, 409, 429})
_SERVER_ERROR = 500
_BAD_REQUEST = 400
_SUCCESS_BELOW = 300

# A dead letter must fit the bus too: what it adds to its message is bounded, and messages leave room for that.
DEAD_LETTER_ROOM = 16 * 1024
_ERROR_DATA_BYTES = 1024
_EXTENSION_BYTES = 1024
_EXTENSIONS = 8
_EXTENSION_NAME = re.compile(r"kne-([a-z0-9]{1,64})")


class Outcome(StrEnum):
    """What became of a try; the label of its metric."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True)
class RetryPolicy:
    """`retry` tries after the first, `backoff` seconds apart at first and twice as long each time.

    A deviation from the real dispatcher: between two tries the emulation waits at most `longest` seconds, so that a
    laptop recovers quickly, but it gives up no earlier than the real schedule would have used up its waits.
    """

    retry: int = 12
    backoff: float = 0.5
    longest: float = 5.0
    timeout: float = 30.0

    @property
    def budget(self) -> float:
        """Seconds the real schedule waits in all: 34 minutes by default."""
        return float(self.backoff * (2**self.retry - 1))

    def wait(self, attempt: int) -> float:
        """Seconds between try number `attempt` (from 1) and the next."""
        return float(min(self.backoff * 2 ** min(attempt - 1, self.retry), self.longest))


class Answer(NamedTuple):
    """A function's answer, its header names in lower case; status 0 and the fault as body where there was none."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def delivered(self) -> bool:
        return 0 < self.status < _SUCCESS_BELOW

    @property
    def retried(self) -> bool:
        return self.status == 0 or self.status >= _SERVER_ERROR or self.status in _RETRIED


class Deliverer:
    """Posts CloudEvents to one function of the embedded runtime."""

    def __init__(
        self,
        session: "aiohttp.ClientSession",
        url: str,
        group: str,
        *,
        policy: RetryPolicy,
        pauses: Pauses,
        clock: Clock,
    ) -> None:
        self.url = url
        self._session = session
        self._group = group
        self._policy = policy
        self._pauses = pauses
        self._clock = clock

    async def deliver(self, message: Message) -> Answer:
        """Post until the answer is final or the retries are used up; returns the last answer.

        Raises StoppingError when the process stops between two tries.
        """
        cause = message.attributes.get("traceparent", "")
        with span(f"deliver {self._group}", [cause], kind="consumer") as ours:
            return await self._deliver(message, ours or cause)

    async def _deliver(self, message: Message, traceparent: str) -> Answer:
        started = self._clock.monotonic()
        attempt = 1
        while True:
            answer = await self.post(message, traceparent)
            if answer.delivered:
                self._count(Outcome.DELIVERED)
                return answer
            if not answer.retried or self._clock.monotonic() - started >= self._policy.budget:
                self._count(Outcome.DEAD_LETTER)
                return answer
            self._count(Outcome.RETRIED)
            await self._pauses.sleep(self._policy.wait(attempt))
            attempt += 1

    async def post(self, message: Message, traceparent: str = "") -> Answer:
        """One try in binary mode, as a part of this trace; redirects are answers like any other."""
        import aiohttp

        headers = encode_binary(message)
        if traceparent:
            headers["traceparent"] = traceparent
        timeout = aiohttp.ClientTimeout(total=self._policy.timeout)
        try:
            async with self._session.post(
                self.url, data=message.data, headers=headers, timeout=timeout, allow_redirects=False
            ) as reply:
                found = {name.lower(): _text(value) for name, value in reply.headers.items()}
                return Answer(reply.status, found, await _read_bounded(reply))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(0, {}, (str(error) or type(error).__name__).encode())
        except ValueError as error:  # e.g. a line break in an attribute: no HTTP request can carry it
            return Answer(_BAD_REQUEST, {}, f"the event cannot be sent over HTTP: {error}".encode())

    def _count(self, outcome: Outcome) -> None:
        source_metrics.DELIVERIES.labels(self._group, outcome).inc()


def _text(value: str) -> str:
    """A header value that can be stored: bytes that are no UTF-8 arrive as half surrogates."""
    return value if value.isascii() else value.encode(errors="replace").decode()


async def _read_bounded(reply: "aiohttp.ClientResponse") -> bytes:
    """The body, or its beginning where it is above what the bus would take as a reply."""
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > MAX_MESSAGE_BYTES:
            reply.close()
            break
    return bytes(body)


def open_session() -> "aiohttp.ClientSession":
    """The HTTP client of all sources: kept connections, no headers of its own; httpx costs ten times the CPU."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept-Encoding", "Content-Type"),
        headers={"user-agent": "sluice-sources"},
    )


def dead_letter(message: Message, url: str, answer: Answer) -> Message:
    """The message with what went wrong: knativeerrordest, -code, -data, and the answer's `Kne-<name>` headers.

    Where nobody answered there is only knativeerrordest, and what an earlier failure left stays, as with the real one.
    """
    dead = {**message.attributes, "knativeerrordest": url}
    if not answer.status:
        return Message(dead, message.data)
    extensions = [
        (found[1], value[:_EXTENSION_BYTES])
        for name, value in answer.headers.items()
        if (found := _EXTENSION_NAME.fullmatch(name))
    ]
    attributes = {
        **dead,
        "knativeerrorcode": str(answer.status),
        "knativeerrordata": base64.b64encode(answer.body[:_ERROR_DATA_BYTES]).decode(),
        **dict(extensions[:_EXTENSIONS]),
    }
    return Message(attributes, message.data)
