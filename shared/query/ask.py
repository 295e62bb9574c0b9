"""Running the SQL of one question: what the warehouse says of it, and how long it all took."""

import math
import re
import time
import uuid
from typing import Any, Protocol, runtime_checkable

from shared import metrics
from shared.refusals import Refusal, Rejected
from shared.tracing import current, exemplar
from shared.warehouse.client import Answer, WarehouseError

# The filter's own fault, found only by the warehouse: a regular expression that RE2 cannot compile.
_CANNOT_COMPILE_REGEXP = 427
_RE2_REASON = re.compile(r", error: (.*?)\. Look at ", re.DOTALL)


# Of everything an answer depends on: it grows in one place at least whenever that changes.
Version = tuple[int, ...]


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer: ...


@runtime_checkable
class Remembers(Protocol):
    """A warehouse that guards what it is asked for a project, and may know an answer of the same versions."""

    async def query(
        self, sql: str, parameters: dict[str, Any], project_id: uuid.UUID | None = None, *, small: bool = False
    ) -> Answer: ...
    async def query_at(
        self,
        version: Version,
        sql: str,
        parameters: dict[str, Any],
        project_id: uuid.UUID | None = None,
        *,
        small: bool = False,
    ) -> tuple[Answer, bool]: ...


class Asker:
    """Asks the statements of one question, one after the other; `took_ms` and `rows_read` are those of all of them.

    `known` is how many answers were known and not asked for.
    """

    def __init__(
        self, warehouse: Warehouse, *, function: str, measure: str = "", project_id: uuid.UUID | None = None
    ) -> None:
        """With a `project_id` they pass the cost guard, where the warehouse has one."""
        self._warehouse = warehouse
        self._function = function
        self._project_id = project_id
        self._measure = measure
        self._seconds = 0.0
        self.rows_read = 0
        self.known = 0

    async def ask(
        self, sql: str, parameters: dict[str, Any], version: Version | None = None, *, small: bool = False
    ) -> Answer:
        """Run one statement; with a `version` of what it reads, its answer may be known.

        What is `small` by its making (the ledger, counts of hours) waits for no turn and costs no budget.

        Refuses a regular expression that is not RE2 (`bad_filter`), a figure that no Float64 can hold (`bad_measure`)
        and what takes too much (`query_too_expensive`; 429 where the project does); raises UnavailableError where
        nobody answers.
        """
        started = time.perf_counter()
        try:
            answer = await self._answer(sql, parameters, version, small=small)
        except WarehouseError as error:
            if error.code == _CANNOT_COMPILE_REGEXP:
                raise Rejected(Refusal.BAD_FILTER, _not_re2(error)) from error
            raise
        seconds = time.perf_counter() - started
        metrics.QUERY_SECONDS.labels(self._function).observe(seconds, exemplar(current()))
        self._seconds += seconds
        if any(isinstance(cell, float) and not math.isfinite(cell) for row in answer.rows for cell in row):
            raise Rejected(Refusal.BAD_MEASURE, f"{self._measure}: the answer is larger than a Float64 can hold")
        return answer

    async def _answer(self, sql: str, parameters: dict[str, Any], version: Version | None, *, small: bool) -> Answer:
        known, warehouse, project = False, self._warehouse, self._project_id
        if not isinstance(warehouse, Remembers):
            answer = await warehouse.query(sql, parameters)
        elif version is None:
            answer = await warehouse.query(sql, parameters, project, small=small)
        else:
            answer, known = await warehouse.query_at(version, sql, parameters, project, small=small)
        if known:
            self.known += 1
        else:
            self.rows_read += answer.rows_read
        return answer

    async def estimate(self, sql: str, parameters: dict[str, Any]) -> int:
        """How many rows a statement would read at most; it is not run."""
        answer = await self.ask(f"EXPLAIN ESTIMATE {sql}", parameters, small=True)
        return sum(int(row[answer.columns.index("rows")]) for row in answer.rows)

    @property
    def took_ms(self) -> float:
        return round(self._seconds * 1_000, 2)


def _not_re2(error: WarehouseError) -> str:
    reason = _RE2_REASON.search(str(error))
    return f"the regular expression is not RE2: {reason[1]}" if reason else "the regular expression is not RE2"
