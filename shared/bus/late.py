"""A bus that is opened by its first call: for functions whose most requests need none."""

from collections.abc import Sequence

from shared.bus import Bus, Message, Position, Subscription, open_bus
from shared.bus.inspection import Inspection, open_inspection


class LateBus:
    """A Bus behind a URL. The client is imported and connected when it is needed; what open_bus raises comes then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bus: Bus | None = None
        self._inspection: Inspection | None = None

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        return await self._opened().publish(topic, messages)

    async def subscribe(self, topic: str, group: str) -> Subscription:
        return await self._opened().subscribe(topic, group)

    async def lag(self, topic: str, group: str) -> int:
        return await self._opened().lag(topic, group)

    async def ping(self) -> None:
        await self._opened().ping()

    def inspection(self) -> Inspection:
        """A look at the same bus, closed with it."""
        if self._inspection is None:
            self._inspection = open_inspection(self._url)
        return self._inspection

    async def close(self) -> None:
        """Drop the connections there are; a call would open them again."""
        bus, inspection, self._bus, self._inspection = self._bus, self._inspection, None, None
        if inspection is not None:
            await inspection.close()
        if bus is not None:
            await bus.close()

    def _opened(self) -> Bus:
        if self._bus is None:
            self._bus = open_bus(self._url)
        return self._bus
