"""A Watch → the messages of one stream, for as long as it may be open."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec

from functions.live.watching import FIRST_EVENTS, MOST_EVENTS, Latest, LiveCounts, Trouble, Watch, Watches
from shared.clock import Clock, to_micros
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.streams import Parts

LONGEST_SECONDS = 3_600
_ALIVE_SECONDS = 10.0
_ACCESS_SECONDS = 5.0
_TICK_SECONDS = 1.0
_LONGEST_ID = 16


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a stream is to be: its seconds at most, with the events of bots or without, and where it goes on."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SECONDS)] = LONGEST_SECONDS
    bots: bool = False
    last_event_id: str = ""


class LiveEvents(msgspec.Struct, frozen=True):
    """What an `events` message says: the newest last; `skipped` where more came than are shown."""

    items: list[Latest]
    skipped: bool


class End(msgspec.Struct, frozen=True):
    """Why a stream closes: its time is over, or it may no longer be read."""

    reason: Literal["time", "access"]


class Message(NamedTuple):
    """Of which kind, what it says, and the id by which a stream goes on after it ('' for none)."""

    kind: Literal["counts", "events", "problem", "end"]
    data: LiveCounts | LiveEvents | Trouble | End
    event_id: str = ""


class Form(NamedTuple):
    """How messages are written: what stands at the beginning, a message, and what only says that it is alive."""

    begin: bytes
    encode: Callable[[str, bytes, str], bytes]
    alive: bytes


StillAllowed = Callable[[], Awaitable[bool]]


async def stream(watches: Watches, project_id: UUID, query: StreamQuery, form: Form, allowed: StillAllowed) -> Parts:
    """The parts of a stream.

    Raises Rejected before the first one: there are too many streams, or the id to go on from is none.
    """
    reader, clock = _Reader(query), watches.clock
    async with watches.of(project_id) as watch:
        yield form.begin
        said = clock.monotonic()
        async with aclosing(_messages(reader, watch, query.seconds, clock, allowed)) as messages:
            async for found in messages:
                now = clock.monotonic()
                if found is not None:
                    yield form.encode(found.kind, msgspec.json.encode(found.data), found.event_id)
                elif now - said >= _ALIVE_SECONDS:
                    yield form.alive
                else:
                    continue
                said = now


async def _messages(
    reader: "_Reader", watch: Watch, seconds: int, clock: Clock, allowed: StillAllowed
) -> AsyncGenerator[Message | None, None]:
    """Messages as they come; None where there was none for a moment."""
    begun = checked = clock.monotonic()
    while True:
        for found in await reader.news(watch):
            yield found
        now = clock.monotonic()
        if now - begun >= seconds:
            yield Message("end", End("time"))
            return
        if now - checked >= _ACCESS_SECONDS:
            checked = now
            if not await allowed():
                yield Message("end", End("access"))
                return
        yield None
        await watch.change(min(_TICK_SECONDS, begun + seconds - now))


class _Reader:
    """What one stream has said of its watch."""

    def __init__(self, query: StreamQuery) -> None:
        self._bots = query.bots
        self._received = _position(query.last_event_id)
        self._goes_on = bool(query.last_event_id)
        self._number = -1
        self._repeated: frozenset[str] = frozenset()
        self._counts: LiveCounts | None = None
        self._trouble: Trouble | None = None

    async def news(self, watch: Watch) -> list[Message]:
        """What was not said yet."""
        found = []
        if watch.counts is not None and watch.counts != self._counts:
            self._counts = watch.counts
            found.append(Message("counts", watch.counts))
        try:
            events = await self._events(watch)
            trouble = watch.trouble
        except UnavailableError as error:
            events, trouble = None, Trouble(str(Refusal.UNAVAILABLE), str(error))
        except Rejected as rejected:
            events, trouble = None, Trouble(str(rejected.refusal), rejected.detail)
        if events is not None:
            found.append(Message("events", events, str(self._received)))
        if trouble != self._trouble:
            self._trouble = trouble
            found += [Message("problem", trouble)] if trouble else []
        return found

    async def _events(self, watch: Watch) -> LiveEvents | None:
        newest = watch.events[-1].number if watch.events else 0
        if self._goes_on:
            missed = await watch.since(self._received)
            self._goes_on = False
            self._number, self._repeated = newest, frozenset(one.event_id for one in missed)
            return self._shown(missed, skipped=len(missed) > MOST_EVENTS)
        if self._number < 0:
            self._number = max(0, newest - FIRST_EVENTS)
        if newest <= self._number:
            return None
        fresh = [one for one in watch.events if one.number > self._number]
        gap = fresh[0].number > self._number + 1 and self._number > 0
        self._number = newest
        events = [one.event for one in fresh if one.event.event_id not in self._repeated]
        return self._shown(events, skipped=gap or len(events) > MOST_EVENTS)

    def _shown(self, events: Sequence[Latest], *, skipped: bool) -> LiveEvents | None:
        if events:
            self._received = max(
                self._received, *(to_micros(datetime.fromisoformat(one.received_at)) for one in events)
            )
        items = [one for one in events if self._bots or not one.bot]
        return LiveEvents(items[-MOST_EVENTS:], skipped) if items or skipped else None


def _position(event_id: str) -> int:
    if not event_id:
        return 0
    if not event_id.isdecimal() or len(event_id) > _LONGEST_ID:
        raise Rejected(Refusal.BAD_REQUEST, "`Last-Event-ID` is the `id` of a message of this stream")
    return int(event_id)
