"""The line before what is costly: passwords are looked at some at once, others wait, and too many are sent away."""

import asyncio
from types import TracebackType

from shared.refusals import Refusal, Rejected

AT_ONCE = 16
MOST_WAITING = 400
WAIT_SECONDS = 20.0


class Line:
    """`async with line:`; raises Rejected (OVERLOADED) where it is full, or after WAIT_SECONDS of waiting."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    async def __aenter__(self) -> None:
        if self._waiting >= self._most_waiting:
            raise _overloaded()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), WAIT_SECONDS)
        except TimeoutError as error:
            raise _overloaded() from error
        finally:
            self._waiting -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._places.release()


def _overloaded() -> Rejected:
    rejected = Rejected(Refusal.OVERLOADED, "many sign-ins are under way; try again in a few seconds")
    rejected.headers = {"retry-after": "5"}
    return rejected
