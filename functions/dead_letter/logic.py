"""What becomes of a dead letter: sent again once its function can work, kept for people, or left to wait.

Nothing here forgets a letter: each is on the bus or in the catalog before the source hears that it was taken. Every
step may be repeated; a record that is sent twice is stored once.
"""

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import structlog

from shared import metrics
from shared.bus import Bus, Message, MessageTooLargeError, Position
from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.catalog.dead_letters import keep_letter
from shared.clock import Clock
from shared.dead_letters import DEAD_LETTERS, Letter, read_letter
from shared.events import EVENTS_TOPIC
from shared.freshness import WRITER

log = structlog.get_logger()


class Became(StrEnum):
    """What became of a letter; the label of its metric."""

    RESENT = "resent"
    KEPT = "kept"
    QUEUED = "queued"
    WAITS = "waits"


class Sinks(Protocol):
    """What is needed to know of the functions."""

    async def ready(self, dest: str) -> bool: ...


class Letters:
    """Decides on each letter; `wait_seconds` is how long one waits before it is put behind the others."""

    def __init__(
        self, bus: Bus, catalog: Catalog, sinks: Sinks, clock: Clock, *, most_bytes: int, wait_seconds: float
    ) -> None:
        self._bus = bus
        self._catalog = catalog
        self._sinks = sinks
        self._clock = clock
        self._most_bytes = most_bytes
        self._wait = round(wait_seconds * 1_000_000)

    async def take(self, message: Message) -> Became:
        """What became of the letter in `message`; WAITS means that nobody took it and it must come again.

        Raises UnavailableError where the bus or the catalog is away, or as much is kept as there is room for.
        """
        now = self._clock.micros()
        letter = read_letter(message, now)
        became = await self._decide(letter, now)
        metrics.DEAD_LETTERS.labels(letter.sink, became).inc()
        return became

    async def _decide(self, letter: Letter, now: int) -> Became:
        if letter.final:
            return await self._keep(letter)
        try:
            if now >= letter.due and await self._sinks.ready(letter.dest):
                places = await self._bus.publish(letter.topic, [letter.again()])
                await self._note_places(letter, places)
                return Became.RESENT
            # Written down under our own names at first sight, and again before the source loses patience with us.
            if now - letter.queued >= self._wait:
                await self._bus.publish(DEAD_LETTERS, [letter.waiting(now)])
                return Became.QUEUED
        except MessageTooLargeError:
            return await self._keep(letter)
        return Became.WAITS

    async def _note_places(self, letter: Letter, places: Sequence[Position]) -> None:
        """Let the ledger check know of records that batch_write writes no row for."""
        if letter.topic != EVENTS_TOPIC or letter.sink == WRITER:
            return
        for place in places:
            with contextlib.suppress(CatalogUnavailableError):  # the letter is on its way; a repeat would be another
                await self._catalog.rows("ledger/note_other", {"partition": place.partition, "place": place.offset})

    async def _keep(self, letter: Letter) -> Became:
        await keep_letter(self._catalog, letter, self._most_bytes)
        log.warning("dead letter kept", letter=str(letter.id), sink=letter.sink, code=letter.code, reason=letter.reason)
        return Became.KEPT
