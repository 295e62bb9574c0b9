"""What hours and days have in common: what is due is taken in steps, each a generation of its own.

A step reads versions in the ledger, writes what the rows come to under a generation of its own and, last, the headers:
which generation counts, and of which version it was made.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from shared.clock import Clock
from shared.query.scope import read_sql
from shared.warehouse.client import Answer

SECOND = 1_000_000
# Longer than any query may take, so none reads a generation while it goes.
_KEPT_SECONDS = 600
_DICE_BITS = 10

T = TypeVar("T")


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer: ...
    async def change(self, sql: str, parameters: Mapping[str, Any]) -> None: ...
    async def insert_json_lines(self, table: str, lines: bytes) -> None: ...
    async def sync(self, table: str) -> None: ...


class Pace(NamedTuple):
    """When an hour is due: `over` seconds after its end, once unchanged for `quiet` or after `waited` at most.

    A run begins no further step after `run_seconds`.
    """

    over: float = 120
    quiet: float = 30
    waited: float = 600
    run_seconds: float = 20


class Made(Protocol):
    """Something due; `newest` is the generation that counts now, 0 where there is none."""

    @property
    def newest(self) -> int: ...


def moments(clock: Clock, pace: Pace, length: int, most: int) -> dict[str, Any]:
    """What a look for what is due is bound to; `length` is that of one of it in seconds."""
    now = clock.micros() / SECOND
    return {
        "over": int(now - pace.over) - length,
        "quiet": int(now - pace.quiet),
        "waited": _generation_of(int((now - pace.waited) * SECOND)),
        "most": most,
    }


def in_time(steps: Iterable[T], clock: Clock, until: float) -> Iterator[T]:
    """Steps until so late on the clock, one at least."""
    for place, step in enumerate(steps):
        if place and clock.monotonic() > until:
            return
        yield step


def next_generation(clock: Clock, due: Sequence[Made]) -> int:
    """A generation that is newer than all that count.

    Readers take the newest: a clock that was ahead and went back must not hide what is made from now on.
    """
    return max(_generation_of(clock.micros()), max(one.newest for one in due) + 1)


async def forget(warehouse: Warehouse, clock: Clock, count: str, delete: str) -> int:
    """Delete what is superseded by two statements of that name; returns how many rows those were."""
    before = {"before": _generation_of(clock.micros() - _KEPT_SECONDS * SECOND)}
    found = int((await warehouse.query(sql_of(count), before)).value)
    if found:
        await warehouse.change(sql_of(delete), before)
    return found


def lines_of(rows: Iterable[object]) -> bytes:
    """Rows as the warehouse takes them."""
    return msgspec.json.Encoder().encode_lines(list(rows))


def _generation_of(micros: int) -> int:
    """A number that grows with time; two that begin in the same microsecond hardly ever get the same."""
    return micros << _DICE_BITS | random.getrandbits(_DICE_BITS)


def sql_of(name: str, **parts: str) -> str:
    """The query file of that name, its marks replaced."""
    return read_sql(Path(__file__).parent, name, **parts)
