"""One CloudEvent to one function with the retries of Knative's Kafka dispatcher, or to the dead letters."""

import asyncio
import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from shared.bus import Bus, BusUnavailableError, Message
from shared.cloudevent import encode_binary
from shared.local import source_metrics

if TYPE_CHECKING:
    import aiohttp

DEAD_LETTERS = "dead-letter"

# Retried besides every status from 500 on (KNATIVE.md); any other 3xx and 4xx is final.
_RETRIED = frozenset({404, 408, 409, 429})
_SERVER_ERROR = 500
_SUCCESS_BELOW = 300
_DATA_BYTES = 1024


class Outcome(StrEnum):
    """What became of a delivery; the label of its metric."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True)
class RetryPolicy:
    """`retry` tries after the first, waiting `backoff` seconds and twice as long each time.

    The emulation waits at most `longest` seconds between tries, so that a laptop recovers quickly, but keeps
    trying as long as the real schedule would.
    """

    retry: int = 12
    backoff: float = 0.5
    longest: float = 5.0
    timeout: float = 30.0

    @property
    def budget(self) -> float:
        """Seconds the real schedule waits in all."""
        return float(self.backoff * (2**self.retry - 1))

    def wait(self, attempt: int) -> float:
        """Seconds before try number `attempt` + 1 (the first try is 1)."""
        return float(min(self.backoff * 2 ** (attempt - 1), self.longest))


class Answer(NamedTuple):
    """A function's answer: status 0 where there was none, and why."""

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

    def __init__(self, session: "aiohttp.ClientSession", bus: Bus, url: str, policy: RetryPolicy, group: str) -> None:
        self._session = session
        self._bus = bus
        self._url = url
        self._policy = policy
        self._group = group

    async def deliver(self, message: Message) -> Answer:
        """Post until it is answered for good; returns the last answer.

        What can never succeed, or did not within the retries, is a dead letter when this returns. Raises
        BusUnavailableError where the dead letter could not be stored: the message must not be acknowledged.
        """
        attempt, waited = 1, 0.0
        while True:
            answer = await self.post(message)
            if answer.delivered:
                self._count(Outcome.DELIVERED)
                return answer
            if not answer.retried or waited >= self._policy.budget:
                await self._bury(message, answer)
                self._count(Outcome.DEAD_LETTER)
                return answer
            self._count(Outcome.RETRIED)
            pause = self._policy.wait(attempt)
            await asyncio.sleep(pause)
            waited += pause
            attempt += 1

    async def post(self, message: Message) -> Answer:
        """One try in binary mode."""
        import aiohttp

        headers = encode_binary(message)
        if traceparent := message.attributes.get("traceparent"):
            headers["traceparent"] = traceparent
        timeout = aiohttp.ClientTimeout(total=self._policy.timeout)
        try:
            async with self._session.post(self._url, data=message.data, headers=headers, timeout=timeout) as reply:
                found = {name.lower(): value for name, value in reply.headers.items()}
                return Answer(reply.status, found, await reply.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(0, {}, repr(error).encode())

    async def _bury(self, message: Message, answer: Answer) -> None:
        """Publish the message to the dead letters with what the function said, as the dispatcher does."""
        attributes = {
            **message.attributes,
            "knativeerrordest": self._url,
            "knativeerrorcode": str(answer.status or _SERVER_ERROR),
            "knativeerrordata": base64.b64encode(answer.body[:_DATA_BYTES]).decode(),
        }
        attributes |= {n.removeprefix("kne-"): v for n, v in answer.headers.items() if n.startswith("kne-")}
        await self._bus.publish(DEAD_LETTERS, [Message(attributes, message.data)])

    def _count(self, outcome: Outcome) -> None:
        source_metrics.DELIVERIES.labels(self._group, outcome).inc()


async def keep_trying(deliverer: Deliverer, message: Message) -> Answer:
    """Deliver even where the bus is away for the dead letter: start over until it is known to be somewhere."""
    while True:
        try:
            return await deliverer.deliver(message)
        except BusUnavailableError:
            await asyncio.sleep(1)
