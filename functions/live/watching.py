"""One look at a project for all who watch it: its windows every second, the warehouse only when something arrived.

A Watch runs while somebody holds it. It keeps what it last saw: watchers read that and are told when it changes, so a
slow one costs nothing and holds nobody up.
"""

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from functions.live.logic import LiveAnswer, LiveQuery, live_counts
from shared import metrics
from shared.cache import Cache
from shared.clock import Clock, to_datetime, to_micros
from shared.query.ask import Asker, Warehouse
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, received_scope
from shared.refusals import Refusal, Rejected, UnavailableError, describe
from shared.warehouse.client import Answer

SHOWN_MINUTES = 30
ACTIVE_MINUTES = 5
SHOWN_NAMES = 20
MOST_EVENTS = 50
FIRST_EVENTS = 20
# Events become known to queries a little out of the order in which they came.
OVERLAP_SECONDS = 10.0
_KEPT_EVENTS = 200
_SECOND = 1_000_000
_OVERLAP = int(OVERLAP_SECONDS) * _SECOND
_FOLDER = Path(__file__).parent
_UTC = ZoneInfo("UTC")


class Pace(NamedTuple):
    """Seconds between two looks, and between two counts of people. A look that took long is followed by a longer rest.

    `rest` is how many times as long: a project that is slow to count costs a watcher no more than one that is not.
    """

    look: float = 1.0
    people: float = 5.0
    rest: float = 5.0


class Latest(msgspec.Struct, frozen=True):
    """An event in short; null where a column is empty."""

    event_id: str
    event: str
    timestamp: str
    received_at: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    path: str | None
    country: str | None
    device: str | None
    browser: str | None
    bot: bool


class Seen(NamedTuple):
    """An event with its place in the order in which it became known, and when it was received (µs)."""

    number: int
    received: int
    event: Latest


class MinuteTotal(msgspec.Struct, frozen=True):
    """Events received in one minute."""

    minute: str
    total: int


class Active(msgspec.Struct, frozen=True):
    """What happens now: events received in the last `minutes`, and of how many people (null: not known yet)."""

    minutes: int
    events: int
    people: int | None


class LiveCounts(msgspec.Struct, frozen=True):
    """What a `counts` message says; the last minute is still under way."""

    minutes: list[MinuteTotal]
    events: dict[str, int]
    active: Active
    incomplete_last: bool


class Trouble(msgspec.Struct, frozen=True):
    """Why something cannot be said for now."""

    code: str
    title: str


@dataclass(frozen=True)
class Sources:
    """Where a Watch looks."""

    cache: Cache
    warehouse: Warehouse
    clock: Clock
    pace: Pace


class Watch:
    """What is known of one project, while somebody watches it."""

    def __init__(self, project_id: uuid.UUID, sources: Sources) -> None:
        self._project_id = project_id
        self._sources = sources
        self._changed = asyncio.Event()
        self._total: tuple[str, int] = ("", -1)
        self._arrived = self._counted = float("-inf")
        self._people: int | None = None
        self._known: dict[str, int] = {}
        self._newest = 0
        self._number = 0
        self.events: deque[Seen] = deque(maxlen=_KEPT_EVENTS)
        self.counts: LiveCounts | None = None
        self.trouble: Trouble | None = None

    async def change(self, seconds: float) -> None:
        """Wait for something new, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            begun, pace = self._sources.clock.monotonic(), self._sources.pace
            await self._look()
            self._changed.set()
            self._changed = asyncio.Event()
            took = self._sources.clock.monotonic() - begun
            await asyncio.sleep(max(pace.look, pace.rest * took))

    async def since(self, received: int) -> list[Latest]:
        """Events received after that time (µs) less the overlap, oldest first: at most MOST_EVENTS and one more.

        Raises Rejected and UnavailableError.
        """
        rows = await self._latest(received - _OVERLAP, MOST_EVENTS + 1)
        return [_event(row) for row in reversed(rows)]

    async def _look(self) -> None:
        sources = self._sources
        try:
            answer = await live_counts(
                LiveQuery(minutes=SHOWN_MINUTES), self._project_id, sources.cache, sources.warehouse, sources.clock
            )
            self.counts = _shown(answer, self._people)
            await self._ask_the_warehouse(answer)
        except UnavailableError as error:
            self.trouble = Trouble(str(Refusal.UNAVAILABLE), str(error))
        except Rejected as rejected:
            self.trouble = Trouble(str(rejected.refusal), rejected.detail or describe(rejected.refusal).title)
        else:
            self.trouble = None

    async def _ask_the_warehouse(self, answer: LiveAnswer) -> None:
        """Only for a while after something arrived: an event is in the windows before it is stored."""
        now = self._sources.clock.monotonic()
        total = (answer.minutes[-1].minute, sum(one.total for one in answer.minutes))
        if total != self._total:
            self._total, self._arrived = total, now
        elif now - self._arrived > OVERLAP_SECONDS:
            return
        await self._find_events()
        if now - self._counted >= self._sources.pace.people:
            self._counted = now
            self._people = await self._count_people(answer)
            self.counts = _shown(answer, self._people)

    async def _find_events(self) -> None:
        first = not self._newest
        start = self._sources.clock.micros() - SHOWN_MINUTES * 60 * _SECOND if first else self._newest - _OVERLAP
        rows = await self._latest(start, FIRST_EVENTS if first else _KEPT_EVENTS)
        if not first and len(rows) == _KEPT_EVENTS and rows[-1][0] not in self._known:
            self._number += 1  # more came than were read: whoever reads on sees a number missing
        for row in reversed(rows):
            event_id, received = row[0], row[3]
            self._newest = max(self._newest, received)
            if event_id not in self._known:
                self._number += 1
                self.events.append(Seen(self._number, received, _event(row)))
            self._known[event_id] = received
        self._known = {one: at for one, at in self._known.items() if at >= self._newest - 2 * _OVERLAP}
        self._newest = self._newest or start

    async def _latest(self, start: int, limit: int) -> Sequence[Sequence[Any]]:
        parameters = Parameters()
        scope = received_scope(self._project_id, self._period(start), parameters)
        sql = read_sql(_FOLDER, "latest", scope=scope, limit=parameters.bind("UInt32", limit))
        return (await self._asked(sql, parameters)).rows

    async def _count_people(self, answer: LiveAnswer) -> int:
        if not any(one.total for one in answer.minutes[-ACTIVE_MINUTES:]):
            return 0
        parameters = Parameters()
        start = to_micros(datetime.fromisoformat(answer.minutes[-ACTIVE_MINUTES].minute))
        scope = received_scope(self._project_id, self._period(start), parameters)
        [[people]] = (await self._asked(read_sql(_FOLDER, "people", scope=scope), parameters)).rows
        return int(people)

    def _period(self, start: int) -> Period:
        """From then on; who receives events may have a clock that is a little ahead."""
        return Period(to_datetime(max(start, 0)), to_datetime(self._sources.clock.micros() + 60 * _SECOND), _UTC)

    async def _asked(self, sql: str, parameters: Parameters) -> Answer:
        return await Asker(self._sources.warehouse, function="live").ask(sql, parameters.values)


class Watches:
    """The watches of a process, each as long as somebody holds it; so many at most, and so many of one project."""

    def __init__(self, sources: Sources, *, most: int, most_of_project: int) -> None:
        self._sources = sources
        self.clock = sources.clock
        self._most = most
        self._most_of_project = most_of_project
        self._held: Counter[uuid.UUID] = Counter()
        self._running: dict[uuid.UUID, tuple[Watch, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def of(self, project_id: uuid.UUID) -> AsyncIterator[Watch]:
        """The project's watch. Raises Rejected (RATE_LIMITED, OVERLOADED) where it would be one too many."""
        if self._held[project_id] >= self._most_of_project:
            detail = f"{self._most_of_project} streams of this project are open here: close one, or ask live/counts"
            raise Rejected(Refusal.RATE_LIMITED, detail)
        if self._held.total() >= self._most:
            raise Rejected(Refusal.OVERLOADED, f"{self._most} streams are open here; try again in some seconds")
        self._held[project_id] += 1
        metrics.LIVE_STREAMS.inc()
        if project_id not in self._running:
            watch = Watch(project_id, self._sources)
            self._running[project_id] = watch, asyncio.create_task(watch.run())
        try:
            yield self._running[project_id][0]
        finally:
            await self._release(project_id)

    async def _release(self, project_id: uuid.UUID) -> None:
        metrics.LIVE_STREAMS.dec()
        self._held[project_id] -= 1
        if not self._held[project_id]:
            del self._held[project_id]
            _, task = self._running.pop(project_id)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _shown(answer: LiveAnswer, people: int | None) -> LiveCounts:
    names: Counter[str] = Counter()
    for one in answer.minutes:
        names.update(one.events)
    most = sorted(names.items(), key=lambda one: (-one[1], one[0]))[:SHOWN_NAMES]
    active = sum(one.total for one in answer.minutes[-ACTIVE_MINUTES:])
    return LiveCounts(
        minutes=[MinuteTotal(one.minute, one.total) for one in answer.minutes],
        events=dict(most),
        active=Active(ACTIVE_MINUTES, active, people if active else 0),
        incomplete_last=True,
    )


def _event(row: Sequence[Any]) -> Latest:
    cells: dict[str, Any] = dict(zip(Latest.__struct_fields__, row, strict=True))
    for name, cell in cells.items():
        if name in {"timestamp", "received_at"}:
            cells[name] = _text(cell)
        elif cell == "":
            cells[name] = None
    return Latest(**cells)


def _text(micros: int) -> str:
    return to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")
