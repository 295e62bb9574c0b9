"""What stands behind the parser: the engine's own reading of a statement, its filters, and what it may take."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from functions.query_sql.asked import Column
from shared.query.guard import Guard, Run
from shared.query.scope import read_sql
from shared.warehouse.client import Answer, Warehouse, WarehouseUnavailableError
from shared.warehouse.project_canonical import forbidden_names, look_through
from shared.warehouse.project_tables import TABLES

_HERE = Path(__file__).parent
_MOST_BYTES = 32 * 1024**2
_SPILLED_BYTES = 2 * 1024**3
# Every table that a statement's subqueries read: what no condition of theirs says, the engine adds.
_FILTERED = (*TABLES, "identity_events", "identity_merges", "identity_changes")
_SETTINGS: Mapping[str, Any] = {
    "max_result_rows": 0,
    "max_result_bytes": _MOST_BYTES,
    "max_temporary_data_on_disk_size_for_query": _SPILLED_BYTES,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_decimals": 1,
    # as when the properties were stored, since they are read anew
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
    # a property has whatever type it was sent with
    "allow_suspicious_types_in_group_by": 1,
    "allow_suspicious_types_in_order_by": 1,
    "readonly": 1,
}


class Statistics(msgspec.Struct):
    rows_read: int
    bytes_read: int


class Written(msgspec.Struct):
    """An answer in the engine's JSONCompact, as far as it is of interest."""

    meta: list[Column]
    data: list[list[Any]]
    statistics: Statistics


class Walls:
    """Runs statements that our parser made, and trusts it no further than it must."""

    def __init__(self, warehouse: Warehouse, guard: Guard) -> None:
        self._warehouse = warehouse
        self._guard = guard
        self._forbidden: frozenset[str] = frozenset()

    async def look_through(self, statement: str, ours: Sequence[str], project_id: uuid.UUID) -> None:
        """Refuse (ProjectSqlError) what the engine reads otherwise than our parser did.

        `ours` are SELECTs of ours within the statement. WarehouseError where the engine cannot read it at all.
        """
        if not self._forbidden:
            names = (await self._warehouse.query(read_sql(_HERE, "function_names"))).rows
            self._forbidden = forbidden_names(str(name) for (name,) in names)
        texts = ", ".join(f"formatQuerySingleLine({_literal(text)})" for text in (statement, *ours))
        [(text, *known)] = (await self._warehouse.query(f"SELECT {texts}")).rows
        known = [str(one).removeprefix("SELECT ") for one in known]
        look_through(str(text), project_id, self._forbidden, known, self._warehouse.database)

    async def run(self, sql: str, values: Mapping[str, Any], project_id: uuid.UUID, most: int) -> Written:
        """At most `most` rows of a statement's answer, within what the project may take, and read-only.

        The engine filters each table by the project besides. Raises Rejected as the guard does, WarehouseError,
        UnavailableError.
        """
        settings = {**_SETTINGS, "limit": most, "additional_table_filters": self._filters(project_id)}
        answers: list[Written] = []
        await self._guard.query(sql, values, project_id, small=False, run=self._running(settings, answers))
        return answers[-1]

    def _running(self, settings: Mapping[str, Any], answers: list[Written]) -> Run:
        async def run(sql: str, parameters: Mapping[str, Any], limits: Mapping[str, Any]) -> Answer:
            body = await self._warehouse.written(sql, parameters, {**limits, **settings}, "JSONCompact")
            written = _decoded(body)
            answers.append(written)
            names = tuple(column.name for column in written.meta)
            return Answer(names, [tuple(row) for row in written.data], written.statistics.rows_read)

        return run

    def _filters(self, project_id: uuid.UUID) -> str:
        condition = f"project_id = toUUID(\\'{project_id}\\')"
        return "{" + ", ".join(f"'{self._warehouse.database}.{name}': '{condition}'" for name in _FILTERED) + "}"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _decoded(body: bytes) -> Written:
    try:
        return msgspec.json.decode(body, type=Written)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WarehouseUnavailableError("the warehouse broke off its answer") from error
