"""The bus in memory: the twin of the real ones for tests, held to the same contract."""

import asyncio
from collections.abc import Sequence

from shared.bus import Delivery, Message, Position, Subscription, refuse_large
from shared.bus.inspection import Progress, TopicState


class MemoryBus:
    """A Bus that lives as long as its object."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        refuse_large(messages)
        log = self._log(topic)
        first = log.end
        log.messages.extend(messages)
        async with log.grown:
            log.grown.notify_all()
        return [Position(0, first + place) for place in range(len(messages))]

    async def subscribe(self, topic: str, group: str) -> Subscription:
        log = self._log(topic)
        return _MemorySubscription(log, log.groups.setdefault(group, _Group(log.start)))

    async def lag(self, topic: str, group: str) -> int:
        log = self._log(topic)
        known = log.groups.get(group, _Group(log.start))
        return log.end - known.next + len(known.attempts)

    async def topics(self) -> list[TopicState]:
        return [
            TopicState(name, len(log.messages), {group: await self.lag(name, group) for group in sorted(log.groups)})
            for name, log in sorted(self._logs.items())
        ]

    async def waiting(self, topic: str, group: str, most: int) -> list[Delivery]:
        log = self._log(topic)
        known = log.groups.get(group, _Group(log.start))
        offsets = [*sorted(known.attempts), *range(known.next, log.end)][:most]
        return [Delivery(Position(0, offset), log.messages[offset - log.start], 1) for offset in offsets]

    async def progress(self, topic: str, group: str) -> list[Progress]:
        log = self._logs.get(topic)
        if log is None:
            return []
        known = log.groups.get(group, _Group(0))
        return [Progress("memory", 0, known.done_below, log.end)]

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to close."""

    def _log(self, topic: str) -> "_Log":
        return self._logs.setdefault(topic, _Log())


class _Group:
    """`next` is the first offset never handed out; `attempts` counts those handed out and not acknowledged."""

    def __init__(self, start: int) -> None:
        self.next = start
        self.attempts: dict[int, int] = {}

    @property
    def done_below(self) -> int:
        return min(self.attempts, default=self.next)


class _Log:
    """One topic: the messages kept, the offset of the first of them, and the groups that read it."""

    def __init__(self) -> None:
        self.start = 0
        self.messages: list[Message] = []
        self.groups: dict[str, _Group] = {}
        self.grown = asyncio.Condition()

    @property
    def end(self) -> int:
        return self.start + len(self.messages)

    def trim(self) -> None:
        lowest = min(group.done_below for group in self.groups.values())
        del self.messages[: lowest - self.start]
        self.start = lowest


class _MemorySubscription:
    def __init__(self, log: _Log, group: _Group) -> None:
        self._log = log
        self._group = group
        self._again = sorted(group.attempts)

    async def take(self, most: int, wait: float) -> list[Delivery]:
        if not self._again and self._group.next == self._log.end:
            await self._wait(wait)
        offsets, self._again = self._again[:most], self._again[most:]
        if not offsets:
            offsets = list(range(self._group.next, min(self._group.next + most, self._log.end)))
            self._group.next += len(offsets)
        return [self._deliver(offset) for offset in offsets]

    def _deliver(self, offset: int) -> Delivery:
        attempt = self._group.attempts[offset] = self._group.attempts.get(offset, 0) + 1
        return Delivery(Position(0, offset), self._log.messages[offset - self._log.start], attempt)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._log.grown:
                await self._log.grown.wait_for(lambda: self._group.next < self._log.end)
        except TimeoutError:
            return

    async def ack(self, positions: Sequence[Position]) -> None:
        for position in positions:
            self._group.attempts.pop(position.offset, None)
        self._log.trim()

    async def close(self) -> None:
        """The group keeps what was not acknowledged."""
