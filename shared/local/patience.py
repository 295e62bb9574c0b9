"""Waiting for what is away: pauses that end when the process stops, and bus calls repeated until they are taken."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from shared.bus import BusUnavailableError

T = TypeVar("T")

log = structlog.get_logger()


class StoppingError(Exception):
    """The process stops: what was being waited for is left for the next start."""


class Pauses:
    """Sleeps that end at once, with StoppingError, when the process stops: nobody begins another try then."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()

    async def sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        if self.stopping:
            raise StoppingError


class Patience:
    """Repeats a call to the bus until the bus takes it; logs once that it is away and once that it is back."""

    def __init__(self, pauses: Pauses, pause: float = 0.5) -> None:
        self._pauses = pauses
        self._pause = pause
        self._away = False

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                result = await call()
            except BusUnavailableError as error:
                if not self._away:
                    log.warning("bus away", detail=str(error))
                self._away = True
                await self._pauses.sleep(self._pause)
            else:
                if self._away:
                    log.info("bus back")
                self._away = False
                return result
