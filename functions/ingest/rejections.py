"""What was refused is kept: its bytes and the reason go over the bus to `rejected_events` before the answer."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from shared.bus import Bus, BusUnavailableError, Message
from shared.clock import Clock
from shared.events import REJECTED_TOPIC, RefusedEvent, rejected_records
from shared.ids import uuid7
from shared.security.keys import Key

ANSWERS_WITHIN_SECONDS = 1.5


class Kept(NamedTuple):
    """Where refused events are: `parts` records from `batch_id` on."""

    batch_id: uuid.UUID
    parts: int


class _Waiting(NamedTuple):
    messages: Sequence[Message]
    done: "asyncio.Future[None]"


class Rejections:
    """Publishes refused events, those of all requests that wait at once; at most `max_waiting` bytes wait."""

    def __init__(self, bus: Bus, clock: Clock, *, max_waiting: int) -> None:
        self._bus = bus
        self._clock = clock
        self._max_waiting = max_waiting
        self._bytes = 0
        self._waiting: list[_Waiting] = []
        self._publishing: asyncio.Task[None] | None = None

    async def keep(self, refused: Sequence[RefusedEvent], key: Key, request_id: str, traceparent: str) -> Kept:
        """Store the refused events of one request; raises BusUnavailableError where they are not known to be stored."""
        micros = self._clock.micros()
        batch_id = uuid7(micros // 1_000)
        messages = rejected_records(
            project_id=str(key.project_id),
            batch_id=batch_id,
            events=refused,
            micros=micros,
            key_prefix=key.prefix,
            request_id=request_id,
            traceparent=traceparent,
        )
        size = sum(message.size for message in messages)
        if self._bytes + size > self._max_waiting:
            raise BusUnavailableError("too many refused events wait for the bus")
        self._bytes += size
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                await self._publish(messages)
        except TimeoutError as error:
            raise BusUnavailableError("the bus does not answer") from error
        finally:
            self._bytes -= size
        return Kept(batch_id, len(messages))

    async def close(self) -> None:
        """Wait until what is under way is published or known not to be."""
        if self._publishing is not None:
            await self._publishing

    async def _publish(self, messages: Sequence[Message]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(messages, done))
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish_waiting(), name="rejections")
        await done

    async def _publish_waiting(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                await self._bus.publish(REJECTED_TOPIC, [message for entry in taken for message in entry.messages])
            except Exception as raised:  # noqa: BLE001 (handed to every waiting request: 503, or 500 for a bug)
                error = raised
            for entry in taken:
                if entry.done.done():  # its request did not wait any longer
                    continue
                if error is None:
                    entry.done.set_result(None)
                else:
                    entry.done.set_exception(error)
