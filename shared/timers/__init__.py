"""Timers: what a timed function does in each window, exactly once, in order, whatever became of the ticks.

A PingSource gives a tick at least once, at most once or not at all, to one replica or to two. So a tick only says "look
what is due". The truth is a row a timer in the catalog: its schedule, a watermark (the end of the last window that is
done), and a lease that lets one worker at a time do the next one. A function keeps a timer for each thing it does on
time (`put`, `remove`), and calls `run` at every tick.

Each window is given to `work` until that returns, then the watermark moves. A worker that dies in between leaves the
window to the next one: so what `work` does must carry `Window.key`, by which the second time changes nothing.
"""

import asyncio
import contextlib
import hashlib
import itertools
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from shared.catalog.client import Catalog, CatalogUnavailableError, Row
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.refusals import UnavailableError
from shared.timers.schedule import Schedule

log = structlog.get_logger()

LEASE_SECONDS = 60.0
# A window that ends in a fault so often is left out, so that the later ones come.
MOST_ATTEMPTS = 5
_RENEWALS = 3
_RETRY_SECONDS = 30.0
_FAULT_SECONDS = 60.0
_MOST_TEXT = 1_000


class Window(msgspec.Struct, frozen=True):
    """One turn of a timer: from the moment before (`start`) to the one that is due (`end`), UTC.

    `after_gap`: windows before it were missed and too many to be made up for.
    """

    timer: str
    item: str
    project_id: uuid.UUID | None
    start: datetime
    end: datetime
    after_gap: bool = False

    @property
    def key(self) -> str:
        """What names this window and no other: the idempotency key of all that is done for it."""
        return f"{self.timer}:{self.item}:{self.end:%Y-%m-%dT%H:%MZ}"


Work = Callable[[Window], Awaitable[None]]
# Does the windows of many items at once; says of each item that could not be done why.
BulkWork = Callable[[list[Window]], Awaitable[Mapping[str, Exception]]]


class Turn:
    """A timer that was taken: its windows that are due, the first first, and what it met."""

    def __init__(
        self, item: str, schedule: Schedule, watermark: datetime, attempts: int, windows: Sequence[Window]
    ) -> None:
        self.item = item
        self.schedule = schedule
        self.watermark = watermark
        self.attempts = attempts
        self.windows = deque(windows)
        self.early = not windows
        self.fault: Exception | None = None

    def meet(self, fault: Exception | None, *, last: bool) -> None:
        """What the first window came to; the last attempt leaves it out where that is a fault of ours."""
        if fault is None or isinstance(fault, UnavailableError) or not last:
            self.fault = fault
        else:
            log.error("window left out", key=self.windows[0].key, error=repr(fault))

    def advance(self, *, ours: bool) -> None:
        """The first window is done; no further one is begun where the timer is not ours any more."""
        self.watermark, self.attempts = self.windows.popleft().end, 0
        if not ours:
            self.windows.clear()


class Timers:
    """The timers of one function. Every call raises CatalogUnavailableError where the catalog is away.

    Of windows that were missed the last `catch_up` are made up for. `jitter_seconds` spreads items that are due at the
    same moment: each is late by its own, always the same part of it. `clock` says what is due, the catalog's own how
    long a lease holds.
    """

    def __init__(
        self,
        catalog: Catalog,
        name: str,
        clock: Clock,
        *,
        catch_up: int = 24,
        jitter_seconds: float = 0.0,
        at_once: int = 4,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name
        self._catalog = catalog
        self._clock = clock
        self._catch_up = catch_up
        self._jitter = jitter_seconds
        self._at_once = at_once
        self._lease_seconds = lease_seconds

    def values(self, item: str, schedule: Schedule, since: datetime | None = None) -> Row:
        """A timer as parameters of a statement that makes it together with what it is for; `put` in its parts."""
        begun = since or self._now()
        due_at = self._due_at(item, schedule.next(begun))
        line = {"timer": self.name, "item": item, "cron": schedule.cron, "timezone": schedule.timezone}
        return {**line, "since": begun, "due_at": due_at}

    async def put(
        self, item: str, schedule: Schedule, *, project_id: uuid.UUID | None = None, since: datetime | None = None
    ) -> None:
        """Keep a timer for this item, whose first window is the first that ends after `since` (now).

        The same schedule again changes nothing; another one counts from `since`. A timer of a project ends with it.
        """
        await self._rows("put_timer", {**self.values(item, schedule, since), "project_id": project_id})

    async def remove(self, item: str) -> None:
        """End the timer of this item, also from within its own work; where there is none nothing happens."""
        await self._rows("remove_timer", {"item": item})

    async def run(self, work: Work, *, seconds: float = 20.0) -> int:
        """Do all that is due, item beside item and the windows of an item in order; returns how many windows were done.

        No item is begun after `seconds`; the next tick goes on. An UnavailableError of `work` leaves the window to a
        later tick; so does any other fault, but after MOST_ATTEMPTS the window is left out. Neither keeps other items
        waiting, and one of them is raised at the end.
        """
        until = self._clock.monotonic() + seconds
        lease = uuid7()
        done, faults = 0, list[BaseException]()
        async with self._kept(lease):
            while self._clock.monotonic() < until:
                taken = await self._claim(lease)
                if not taken:
                    break
                turns = [self._turn(row, lease, work, until) for row in taken]
                for found in await asyncio.gather(*turns, return_exceptions=True):
                    if isinstance(found, BaseException):
                        faults.append(found)
                    else:
                        done += found
        if faults:
            raise min(faults, key=lambda one: isinstance(one, UnavailableError))
        return done

    async def run_many(self, work: BulkWork, *, seconds: float = 20.0) -> int:
        """The same as `run`, with the next windows of up to `at_once` items given to `work` together.

        What it says of an item is as if `work` had raised it for that one; an UnavailableError that it raises is said
        of all of them. A step costs one statement, however many items take it.
        """
        until = self._clock.monotonic() + seconds
        lease = uuid7()
        done, faults = 0, list[Exception]()
        async with self._kept(lease):
            while self._clock.monotonic() < until:
                taken = await self._claim(lease)
                if not taken:
                    break
                turns = self._turns(taken)
                try:
                    done += await self._do_many(turns, lease, work, until)
                finally:
                    faults += [turn.fault for turn in turns if turn.fault is not None]
                    await self._release_many(turns, lease)
        if faults:
            raise min(faults, key=lambda one: isinstance(one, UnavailableError))
        return done

    def _turns(self, taken: Sequence[Row]) -> list[Turn]:
        """What is to be done of each timer; those of one schedule and watermark are due at the same moments."""
        known: dict[tuple[Any, ...], list[tuple[datetime, datetime, bool]]] = {}
        turns = []
        for row in taken:
            schedule = Schedule(row["cron"], row["timezone"])
            key = (schedule, row["watermark"], self._late(row["item"]))
            if key not in known:
                known[key] = [(one.start, one.end, one.after_gap) for one in self._windows(row, schedule)]
            windows = [
                Window(self.name, row["item"], row["project_id"], start, end, after_gap=gap)
                for start, end, gap in known[key]
            ]
            turns.append(Turn(row["item"], schedule, row["watermark"], row["attempts"], windows))
        return turns

    async def _do_many(self, turns: Sequence[Turn], lease: uuid.UUID, work: BulkWork, until: float) -> int:
        """Do the windows of timers that were taken, as long as there is time: the first of each first."""
        done = 0
        while waiting := [turn for turn in turns if turn.windows and turn.fault is None]:
            if done and self._clock.monotonic() >= until:
                break
            try:
                found = await work([turn.windows[0] for turn in waiting])
            except UnavailableError as error:
                found = {turn.item: error for turn in waiting}
            for turn in waiting:
                turn.meet(found.get(turn.item), last=turn.attempts + 1 >= MOST_ATTEMPTS)
            ready = [turn for turn in waiting if turn.fault is None]
            done += await self._advance_many(ready, lease) if ready else 0
        return done

    async def _advance_many(self, turns: Sequence[Turn], lease: uuid.UUID) -> int:
        """The first window of each is done; returns of how many that is still ours to say."""
        ends = {(turn.schedule, turn.windows[0].end) for turn in turns}
        due = {(schedule, end): schedule.next(end) for schedule, end in ends}
        rows = [
            {
                "item": turn.item,
                "watermark": turn.watermark,
                "done": turn.windows[0].end,
                "due_at": self._due_at(turn.item, due[turn.schedule, turn.windows[0].end]),
            }
            for turn in turns
        ]
        values = {"lease": lease, "timers": msgspec.json.encode(rows).decode()}
        ours = {row["item"] for row in await self._rows("advance_timers", values)}
        for turn in turns:
            turn.advance(ours=turn.item in ours)
        return len(ours)

    async def _release_many(self, turns: Sequence[Turn], lease: uuid.UUID) -> None:
        rows = []
        for turn in turns:
            free: Row = {"error": None, "faults": 0, "retry_at": None}
            if turn.fault is not None:
                away = isinstance(turn.fault, UnavailableError)
                seconds = _RETRY_SECONDS if away else _FAULT_SECONDS * 2**turn.attempts
                free = self._fault(turn.fault, 0 if away else 1, seconds)
            elif turn.early:  # the spreading was another when it was noted when this is due
                free["retry_at"] = self._due_at(turn.item, turn.schedule.next(turn.watermark))
            rows.append({"item": turn.item, **free})
        await self._rows("release_timers", {"lease": lease, "timers": msgspec.json.encode(rows).decode()})

    async def _claim(self, lease: uuid.UUID) -> list[Row]:
        values = {"now": self._now(), "lease": lease, "seconds": self._lease_seconds, "most": self._at_once}
        return await self._rows("claim_timers", values)

    async def _turn(self, row: Row, lease: uuid.UUID, work: Work, until: float) -> int:
        """Do the windows of a timer that was taken, as long as there is time, and let go of it."""
        held = {"item": row["item"], "lease": lease}
        free: Row = {"error": None, "faults": 0, "retry_at": None}
        schedule = Schedule(row["cron"], row["timezone"])
        watermark, attempts, done = row["watermark"], row["attempts"], 0
        try:
            windows = self._windows(row, schedule)
            if not windows:  # the spreading was another when it was noted when this is due
                free["retry_at"] = self._due_at(row["item"], schedule.next(watermark))
            for window in windows:
                if done and self._clock.monotonic() >= until:
                    break
                await self._work(window, work, last=attempts + 1 >= MOST_ATTEMPTS)
                values = {"watermark": watermark, "done": window.end}
                due_at = self._due_at(window.item, schedule.next(window.end))
                if not await self._rows("advance_timer", {**held, **values, "due_at": due_at}):
                    break
                watermark, attempts, done = window.end, 0, done + 1
        except UnavailableError as error:
            free = self._fault(error, 0, _RETRY_SECONDS)
            raise
        except Exception as error:
            free = self._fault(error, 1, _FAULT_SECONDS * 2**attempts)
            raise
        finally:
            await self._rows("release_timer", {**held, **free})
        return done

    async def _work(self, window: Window, work: Work, *, last: bool) -> None:
        """Do a window; its last attempt leaves it out where it ends in a fault."""
        try:
            await work(window)
        except UnavailableError:
            raise
        except Exception:
            if not last:
                raise
            log.exception("window left out", key=window.key)

    def _windows(self, row: Row, schedule: Schedule) -> list[Window]:
        """The windows of a timer that are due, the first first."""
        item: str = row["item"]
        until = self._now() - self._late(item)
        ends = schedule.last(row["watermark"], until, self._catch_up + 1)
        if not ends:
            return []
        if gap := len(ends) > self._catch_up:
            log.warning("windows left out", timer=self.name, item=item, after=str(row["watermark"]), to=str(ends[0]))
        else:
            ends.insert(0, schedule.previous(ends[0]))
        return [
            Window(self.name, item, row["project_id"], start, end, after_gap=gap and not number)
            for number, (start, end) in enumerate(itertools.pairwise(ends))
        ]

    def _fault(self, error: Exception, faults: int, seconds: float) -> Row:
        """How a timer is let go of whose window could not be done."""
        log.warning("window not done", timer=self.name, error=repr(error))
        retry_at = self._now() + timedelta(seconds=seconds)
        return {"error": repr(error)[:_MOST_TEXT].replace("\0", " "), "faults": faults, "retry_at": retry_at}

    @contextlib.asynccontextmanager
    async def _kept(self, lease: uuid.UUID) -> AsyncIterator[None]:
        """Hold on to what is taken until the end of the block."""
        task = asyncio.create_task(self._keep(lease), name=f"timers-{self.name}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self, lease: uuid.UUID) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / _RENEWALS)
            try:
                await self._rows("renew_timers", {"lease": lease, "seconds": self._lease_seconds})
            except CatalogUnavailableError as error:
                log.warning("timers not renewed", timer=self.name, detail=str(error))

    def _now(self) -> datetime:
        return to_datetime(self._clock.micros())

    def _due_at(self, item: str, end: datetime) -> datetime:
        return end + self._late(item)

    def _late(self, item: str) -> timedelta:
        """How much later than its schedule an item is due."""
        digest = hashlib.blake2b(f"{self.name}:{item}".encode(), digest_size=4).digest()
        return timedelta(seconds=self._jitter * int.from_bytes(digest, "big") / 2**32)

    async def _rows(self, query: str, values: Row) -> list[Row]:
        return await self._catalog.rows(query, {"name": self.name, **values})
