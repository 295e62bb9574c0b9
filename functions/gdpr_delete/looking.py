"""Looking for people in the warehouse: in which places, and of the rows there how many, where and when."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

import msgspec

from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Count, Rows, Table, count_rows, partitions_of, touched_hours
from shared.warehouse.personal import events_of, identity_of, rejected_of


class Place(NamedTuple):
    """Where people may be: conditions on one table. `key` is the same whenever the same people are looked for.

    `own`: events of the people themselves, not of somebody who names them.
    """

    key: str
    table: Table
    conditions: list[Rows]
    own: bool = False


class Found(msgspec.Struct):
    """What is at a place: rows, with repeats, in which partitions; of events each once, too, and their hours."""

    rows: int = 0
    partitions: set[str] = set()
    hours: set[int] = set()
    events: Count = Count()


class Looking:
    """Looks; everything that a project keeps of people in the warehouse is looked through."""

    tables: tuple[Table, ...] = (
        "events",
        "rejected_events",
        "identity_events",
        "identity_merges",
        "user_sessions",
        "segment_lists",
        "segment_members",
    )

    def __init__(self, warehouse: Warehouse, threads: Executor) -> None:
        self._warehouse = warehouse
        self._threads = threads

    async def places(
        self, project_id: uuid.UUID, people: Sequence[str], check: Callable[[], None]
    ) -> AsyncIterator[Place]:
        """Every place, in the order in which it is to be emptied: what says who is who last, as others are found by it.

        `check` is called between statements and may raise.
        """
        own, naming = events_of(project_id, people)
        for number, which in enumerate(own):
            yield Place(f"own {number}", "events", [which], own=True)
        for number, which in enumerate(naming):
            yield Place(f"naming {number}", "events", [which])
        work = partial(rejected_of, self._warehouse, project_id, people, check)
        rejected = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        yield Place("rejected", "rejected_events", rejected)
        for number, which in enumerate(identity_of(project_id, people)):
            yield Place(f"identity {number}", which.table, [which])

    async def at(self, place: Place) -> Found | None:
        """What is there now; None where nothing is."""
        found = Found()
        for which in place.conditions:
            partitions = await partitions_of(self._warehouse, which)
            if partitions:
                found.rows += sum(partitions.values())
                found.partitions.update(partitions)
                if place.table == "events":
                    found.events += await count_rows(self._warehouse, which)
                    found.hours.update(await touched_hours(self._warehouse, which))
        return found if found.rows else None
