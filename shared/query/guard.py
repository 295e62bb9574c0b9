"""The cost guard: no question takes more than its share of the warehouse, and none waits without an end.

A statement that would read too many rows is refused before it begins: the engine compares what its index leaves with
`max_rows_to_read`, which is `EXPLAIN ESTIMATE` without a second round trip. Groups, memory and time are found exceeded
when they are; groups and sorted rows go to the disk first. Each project has so many statements at once, a line of
bounded length behind them, and a budget of rows.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from shared import metrics
from shared.catalog.client import Catalog, Row
from shared.config import CACHE_URL, CatalogSettings, ConfigError, WarehouseSettings, setting
from shared.refusals import Refusal, Rejected
from shared.security.limits import CacheCounts, Meter, Rate, parse_rate
from shared.security.per_project import PerProject
from shared.warehouse.client import Answer, Warehouse

_LEAST_MEMORY = 64 * 1024**2
# What stays for the engine to answer with "too long" before our client gives up.
_MOST_SECONDS = 28
_BUDGET = "SLUICE_QUERY_BUDGET"


@dataclass(frozen=True, kw_only=True)
class QuerySettings(WarehouseSettings, CatalogSettings):
    """What a function that answers questions needs to know."""

    query_rows: int = setting(
        "SLUICE_QUERY_MAX_ROWS",
        "Rows that one statement of a question may read, by the estimate of the index; 0 is any number. A project may"
        " have its own (`sluice limits --query-rows`).",
        default=250_000_000,
    )
    query_groups: int = setting("SLUICE_QUERY_MAX_GROUPS", "Groups that one statement may make.", default=2_000_000)
    query_memory: int = setting(
        "SLUICE_QUERY_MEMORY_BYTES",
        "Memory of one statement in the warehouse; groups and sorted rows beyond half of it go to the disk.",
        default=1024**3,
    )
    query_seconds: int = setting(
        "SLUICE_QUERY_SECONDS", "How long one statement may take in the warehouse, at most 28.", default=25
    )
    query_at_once: int = setting(
        "SLUICE_QUERY_AT_ONCE",
        "Statements of one project that a function, in one process, has in the warehouse at once; the others wait. A"
        " project may have its own (`sluice limits --query-at-once`).",
        default=4,
    )
    query_waiting: int = setting(
        "SLUICE_QUERY_WAITING", "Statements of one project that wait for their turn; more are answered 429.", default=50
    )
    query_wait: float = setting(
        "SLUICE_QUERY_WAIT_SECONDS", "How long a statement waits for its turn before 429.", default=10.0
    )
    query_budget: str = setting(
        _BUDGET,
        "Rows that the questions of one project may read: 100000000000/hour, none …; what is kept from before and"
        " whole hours that are rolled up are free. A project may have its own (`sluice limits --query-budget`).",
        default="100000000000/hour",
    )
    cache_url: str = setting("SLUICE_CACHE_URL", CACHE_URL, default="", secret=True)


@dataclass(frozen=True)
class Allowance:
    """What one project's questions may take; 0 rows are any number, no budget is no end."""

    rows: int
    at_once: int
    budget: Rate | None


# Asks the warehouse a statement with bound parameters, within limits.
Run = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Awaitable[Answer]]


class _Line:
    """The statements of one project: those under way, and those that wait for their turn."""

    def __init__(self, at_once: int) -> None:
        self.free = asyncio.Semaphore(at_once)
        self.waiting = 0
        self.users = 0


class Guard:
    """Runs statements within what their project may take; used within one event loop."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: QuerySettings, meter: Meter) -> None:
        """Raises ConfigError where a setting is out of range."""
        _check(settings)
        self._warehouse = warehouse
        self._settings = settings
        self._meter = meter
        default = Allowance(settings.query_rows, settings.query_at_once, parse_rate(settings.query_budget, _BUDGET))
        self._default = default
        self._projects = PerProject(catalog, "project_query_limits", self._own, default)
        self._lines: dict[uuid.UUID, _Line] = {}

    async def query(
        self,
        sql: str,
        parameters: Mapping[str, Any],
        project_id: uuid.UUID,
        *,
        small: bool,
        run: Run | None = None,
    ) -> Answer:
        """Run a statement of a project. What is `small` by its making has no turn to wait for and costs nothing.

        `run` is how it is asked of the warehouse, where that is not by its own `query`.

        Raises Rejected: QUERY_TOO_EXPENSIVE (422, with `exceeded`, `limit` and, of rows, `estimate`), OVERLOADED or
        RATE_LIMITED (429) where the project has too much under way or has used up its budget.
        """
        allowance = self._projects.of(project_id)
        limits = self._limits(allowance)
        if small:
            return await self._warehouse.query(sql, parameters, {**limits, "max_rows_to_read": 0})
        self._check_budget(project_id, allowance)
        async with self._turn(project_id, allowance):
            try:
                answer = await (run or self._warehouse.query)(sql, parameters, limits)
            except Rejected as refused:
                metrics.QUERY_REFUSED.labels(str(refused.extra.get("exceeded", refused.refusal))).inc()
                if refused.extra.get("exceeded") != "rows":
                    raise
                ask = run or self._warehouse.query
                raise await self._too_many_rows(ask, sql, parameters, allowance.rows, limits) or refused from None
        if allowance.budget is not None:
            self._meter.spend(f"query-rows:{project_id}", allowance.budget, answer.rows_read)
        return answer

    async def close(self) -> None:
        """Bring the last counts over."""
        await self._meter.close()
        await self._projects.close()

    def _own(self, row: Row) -> Allowance:
        default = self._default
        return Allowance(
            default.rows if row["query_rows"] is None else row["query_rows"],
            default.at_once if row["query_at_once"] is None else row["query_at_once"],
            default.budget if row["query_budget"] is None else parse_rate(row["query_budget"]),
        )

    def _limits(self, allowance: Allowance) -> dict[str, Any]:
        settings = self._settings
        return {
            "max_rows_to_read": allowance.rows,
            "max_rows_to_group_by": settings.query_groups,
            "max_memory_usage": settings.query_memory,
            "max_bytes_before_external_group_by": settings.query_memory // 2,
            "max_bytes_before_external_sort": settings.query_memory // 2,
            "max_execution_time": settings.query_seconds,
        }

    def _check_budget(self, project_id: uuid.UUID, allowance: Allowance) -> None:
        budget = allowance.budget
        if budget is None:
            return
        spent = self._meter.spend(f"query-rows:{project_id}", budget)
        if not spent.allowed:
            metrics.QUERY_REFUSED.labels("budget").inc()
            rejected = Rejected(
                Refusal.RATE_LIMITED,
                f"the project's questions have read {budget.amount:,} rows in these {budget.seconds} s, which is all"
                f" they may; ask again in {spent.reset} s, for shorter ranges or whole hours",
                limit=budget.amount,
                seconds=budget.seconds,
            )
            rejected.headers = {**spent.headers(), "retry-after": str(spent.reset)}
            raise rejected

    @asynccontextmanager
    async def _turn(self, project_id: uuid.UUID, allowance: Allowance) -> AsyncIterator[None]:
        """Wait for one of the project's places in the warehouse."""
        line = self._lines.get(project_id)
        if line is None:
            line = self._lines[project_id] = _Line(allowance.at_once)
        line.users += 1
        try:
            await self._wait(line)
            try:
                yield
            finally:
                line.free.release()
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[project_id]

    async def _wait(self, line: _Line) -> None:
        if line.free.locked() and line.waiting >= self._settings.query_waiting:
            raise self._too_many_at_once(line)
        line.waiting += 1
        try:
            async with asyncio.timeout(self._settings.query_wait):
                await line.free.acquire()
        except TimeoutError:
            raise self._too_many_at_once(line) from None
        finally:
            line.waiting -= 1

    def _too_many_at_once(self, line: _Line) -> Rejected:
        metrics.QUERY_REFUSED.labels("at_once").inc()
        rejected = Rejected(
            Refusal.OVERLOADED,
            f"{line.users - line.waiting} statements of the project are under way and {line.waiting} wait: ask again in"
            " some seconds, or fewer questions at once",
        )
        rejected.headers = {"retry-after": "2"}
        return rejected

    async def _too_many_rows(
        self, ask: Run, sql: str, parameters: Mapping[str, Any], most: int, limits: Mapping[str, Any]
    ) -> Rejected | None:
        """The refusal with what the index says would be read; None where the index does not say."""
        answer = await ask(f"EXPLAIN ESTIMATE {sql}", parameters, {**limits, "max_rows_to_read": 0})
        estimate = sum(int(row[answer.columns.index("rows")]) for row in answer.rows)
        if estimate <= most:
            return None
        return Rejected(
            Refusal.QUERY_TOO_EXPENSIVE,
            f"it would read about {estimate:,} rows, and {most:,} are allowed: take a range about"
            f" 1/{-(-estimate // most):,} as long, fewer `events`,"
            " or count whole hours (measure `count`, no filters but `event` and `bot`), which are kept as counts",
            exceeded="rows",
            estimate=estimate,
            limit=most,
        )


def open_guard(warehouse: Warehouse, catalog: Catalog, settings: QuerySettings) -> Guard:
    """The guard of a process, its budgets in step with the others where a cache is named."""
    return Guard(warehouse, catalog, settings, Meter(CacheCounts(settings.cache_url) if settings.cache_url else None))


def _check(settings: QuerySettings) -> None:
    """Refuse (ConfigError) settings with which nothing could be asked."""
    wanted = {
        "SLUICE_QUERY_MAX_ROWS": settings.query_rows >= 0,
        "SLUICE_QUERY_MAX_GROUPS": settings.query_groups >= 1,
        "SLUICE_QUERY_MEMORY_BYTES": settings.query_memory >= _LEAST_MEMORY,
        "SLUICE_QUERY_SECONDS": 1 <= settings.query_seconds <= _MOST_SECONDS,
        "SLUICE_QUERY_AT_ONCE": settings.query_at_once >= 1,
        "SLUICE_QUERY_WAITING": settings.query_waiting >= 0,
        "SLUICE_QUERY_WAIT_SECONDS": settings.query_wait > 0,
    }
    if faults := [f"{name} is out of range" for name, fits in wanted.items() if not fits]:
        raise ConfigError(faults)
