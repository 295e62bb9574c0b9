"""A bus that is opened by its first call: nothing before, everything of a bus then, and again after it was closed."""

import pytest

from shared.bus import Message
from shared.bus.late import LateBus
from shared.config import ConfigError


async def test_it_is_the_bus_of_its_url() -> None:
    bus = LateBus("memory://")
    await bus.ping()
    message = Message({"id": "1"}, b"{}")
    await bus.publish("t", [message])
    subscription = await bus.subscribe("t", "g")
    [found] = await subscription.take(10, 0)
    assert (found.message, await bus.lag("t", "g")) == (message, 1)
    await subscription.close()
    await bus.close()
    assert await bus.lag("t", "g") == 0, "what memory held is gone with it"


async def test_a_look_at_it_is_opened_once() -> None:
    bus = LateBus("memory://")
    assert bus.inspection() is bus.inspection()
    await bus.close()


async def test_one_that_nobody_asked_is_neither_opened_nor_closed() -> None:
    bus = LateBus("nonsense://")
    await bus.close()
    with pytest.raises(ConfigError):
        await bus.ping()
