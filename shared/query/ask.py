"""Running the SQL of one question: what the warehouse says of it, and how long it all took."""

import math
import re
import time
from typing import Any, Protocol, runtime_checkable

from shared import metrics
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Answer, WarehouseError

# The filter's own fault, found only by the warehouse: a regular expression that RE2 cannot compile.
_CANNOT_COMPILE_REGEXP = 427
_RE2_REASON = re.compile(r", error: (.*?)\. Look at ", re.DOTALL)


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer: ...


@runtime_checkable
class Remembers(Protocol):
    """A warehouse that may know the answer, as long as its range has the same version."""

    async def query_at(self, version: int, sql: str, parameters: dict[str, Any]) -> tuple[Answer, bool]: ...


class Asker:
    """Asks the statements of one question, one after the other; `took_ms` and `rows_read` are those of all of them.

    `known` is how many answers were known and not asked for.
    """

    def __init__(self, warehouse: Warehouse, *, function: str, measure: str = "") -> None:
        self._warehouse = warehouse
        self._function = function
        self._measure = measure
        self._seconds = 0.0
        self.rows_read = 0
        self.known = 0

    async def ask(self, sql: str, parameters: dict[str, Any], version: int | None = None) -> Answer:
        """Run one statement; with a `version` of the range it reads, its answer may be known.

        Refuses a regular expression that is not RE2 (`bad_filter`), a figure that no Float64 can hold (`bad_measure`)
        and what takes too much (`query_too_expensive`); raises UnavailableError where nobody answers.
        """
        started = time.perf_counter()
        try:
            answer = await self._answer(sql, parameters, version)
        except WarehouseError as error:
            if error.code == _CANNOT_COMPILE_REGEXP:
                raise Rejected(Refusal.BAD_FILTER, _not_re2(error)) from error
            raise
        seconds = time.perf_counter() - started
        metrics.QUERY_SECONDS.labels(self._function).observe(seconds)
        self._seconds += seconds
        if any(isinstance(cell, float) and not math.isfinite(cell) for row in answer.rows for cell in row):
            raise Rejected(Refusal.BAD_MEASURE, f"{self._measure}: the answer is larger than a Float64 can hold")
        return answer

    async def _answer(self, sql: str, parameters: dict[str, Any], version: int | None) -> Answer:
        if version is None or not isinstance(self._warehouse, Remembers):
            answer, known = await self._warehouse.query(sql, parameters), False
        else:
            answer, known = await self._warehouse.query_at(version, sql, parameters)
        if known:
            self.known += 1
        else:
            self.rows_read += answer.rows_read
        return answer

    async def estimate(self, sql: str, parameters: dict[str, Any]) -> int:
        """How many rows a statement would read at most; it is not run."""
        answer = await self.ask(f"EXPLAIN ESTIMATE {sql}", parameters)
        return sum(int(row[answer.columns.index("rows")]) for row in answer.rows)

    @property
    def took_ms(self) -> float:
        return round(self._seconds * 1_000, 2)


def _not_re2(error: WarehouseError) -> str:
    reason = _RE2_REASON.search(str(error))
    return f"the regular expression is not RE2: {reason[1]}" if reason else "the regular expression is not RE2"
