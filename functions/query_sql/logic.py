"""A statement → a safe one of ours → its answer."""

import hashlib
import re
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from functions.query_sql.asked import Column, SqlAnswer, SqlQuery, SqlTable, SqlTables
from functions.query_sql.ports import Ports
from functions.query_sql.views import OURS, PEOPLE, SESSIONS, Views, names_people, views
from shared import metrics
from shared.query.ask import Asker
from shared.query.identity import look
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse, WarehouseError
from shared.warehouse.project_rules import ProjectSqlError, without_insides
from shared.warehouse.project_sql import rewrite
from shared.warehouse.project_tables import TABLES

log = structlog.get_logger()

_HERE = Path(__file__).parent
_EXACT_INTEGERS = 2**53
_LARGE = re.compile(r"Int(?:64|128|256)|JSON|Dynamic|Variant|Object")
_FRAME = re.compile(r"\ACode: \d+\. DB::Exception: |\.? ?\([A-Z_]+\)\Z")
_QUOTED = re.compile(r"[`']([^`']{1,100})[`']")
_PLACEHOLDER = re.compile(r"\{\s*(\w+)\s*:")
_ABOUT = {
    "events": "One row an event, each once: repeats are gone.",
    "rejected_events": "One row an event that was refused, with the reason and what was sent.",
    "batches": "One row a record that was stored, and when.",
    "people": "One row a person, identities joined.",
    "sessions": "One row a session, cut at the project's pause.",
}


async def ask(query: SqlQuery, project_id: uuid.UUID, ports: Ports) -> SqlAnswer:
    """The answer to a statement, from nothing but the project's own rows.

    Refuses what is not one SELECT over them (`bad_sql`, with `line` and `column` where they are known), values it does
    not take (`bad_value`), and what takes too much; raises UnavailableError where the warehouse is away.
    """
    started = time.perf_counter()
    try:
        known = await _views(query.sql, project_id, ports)
        statement = rewrite(query.sql, project_id, allowed=known.allowed)
        await ports.walls.look_through(statement, known.statements, project_id)
        answer = await _answer(query, statement, known, project_id, ports)
    except ProjectSqlError as error:
        raise _refused(query.sql, error.message, error.at) from None
    except WarehouseError as error:
        raise _refused(query.sql, _words(error), _place(query.sql, str(error))) from None
    took = time.perf_counter() - started
    metrics.QUERY_SECONDS.labels("query_sql").observe(took)
    digest = hashlib.sha256(query.sql.encode()).hexdigest()
    log.info("sql", project=str(project_id), sha256=digest, rows_read=answer.rows_read, rows=len(answer.rows))
    return msgspec.structs.replace(answer, took_ms=round(took * 1_000, 1))


async def tables(warehouse: Warehouse) -> SqlTables:
    """Every table that statements may name, with its columns; raises UnavailableError."""
    parameters = Parameters()
    sql = read_sql(_HERE, "columns", tables=parameters.bind("Array(String)", list(TABLES)))
    rows = (await warehouse.query(sql, parameters.values)).rows
    found = {name: _shown(name, [Column(str(r[1]), str(r[2])) for r in rows if r[0] == name]) for name in TABLES}
    found["events"].append(Column("person", "String"))
    for name, columns in (("people", PEOPLE), ("sessions", SESSIONS)):
        found[name] = [Column(*pair) for pair in columns.items()]
    return SqlTables([SqlTable(name, about, found[name]) for name, about in _ABOUT.items()])


async def _views(sql: str, project_id: uuid.UUID, ports: Ports) -> Views:
    if not names_people(sql):
        return views(project_id, None, 0, ports.warehouse.database)
    identity = await look(project_id, Asker(ports.warehouse, function="query_sql"))
    return views(project_id, identity, await ports.gap(project_id), ports.warehouse.database)


async def _answer(query: SqlQuery, statement: str, known: Views, project_id: uuid.UUID, ports: Ports) -> SqlAnswer:
    values = {**known.values, **_values(query)}
    if query.explain:
        found = await ports.walls.run(f"EXPLAIN ESTIMATE {statement}", values, project_id, query.limit)
        at = [column.name for column in found.meta].index("rows")
        return SqlAnswer([], [], False, 0, 0, 0, estimated_rows=sum(int(row[at]) for row in found.data))
    found = await ports.walls.run(statement, values, project_id, query.limit + 1)
    rows = [_exact(found.meta, row) for row in found.data[: query.limit]]
    read = found.statistics
    return SqlAnswer(found.meta, rows, len(found.data) > query.limit, 0, read.rows_read, read.bytes_read)


def _values(query: SqlQuery) -> dict[str, Any]:
    """The values a statement takes; refuses those it does not, and names of ours."""
    placed = set(_PLACEHOLDER.findall(query.sql))
    if named := next((name for name in placed if name.startswith(OURS)), None):
        raise Rejected(Refusal.BAD_VALUE, f"{{{named}:Type}}: take a name that does not begin with {OURS}")
    for name in query.parameters:
        if name not in placed:
            raise Rejected(Refusal.BAD_VALUE, f"`parameters.{name}`: the statement has no {{{name}:Type}}")
    return dict(query.parameters)


def _shown(table: str, columns: Sequence[Column]) -> list[Column]:
    names = {*TABLES[table].columns, *TABLES[table].by_name, "properties"}
    return [column for column in columns if column.name in names]


def _exact(columns: Sequence[Column], row: Sequence[Any]) -> list[Any]:
    """A row in which no reader of JSON rounds an integer."""
    return [_kept(value) if _LARGE.search(column.type) else value for column, value in zip(columns, row, strict=True)]


def _kept(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > _EXACT_INTEGERS:
        return str(value)
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, dict):
        return {name: _kept(one) for name, one in value.items()}
    return value


def _words(error: WarehouseError) -> str:
    return without_insides(_FRAME.sub("", str(error)))


def _place(sql: str, message: str) -> int | None:
    """Where the first name that an error of the engine quotes stands in the statement."""
    for name in _QUOTED.findall(message):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql)
        if found is not None:
            return found.start()
    return None


def _refused(sql: str, detail: str, at: int | None) -> Rejected:
    if at is None or at > len(sql):
        return Rejected(Refusal.BAD_SQL, detail, field="sql")
    line, column = sql.count("\n", 0, at) + 1, at - sql.rfind("\n", 0, at)
    return Rejected(
        Refusal.BAD_SQL, f"line {line}, column {column}: {detail}", field="sql", line=line, column=column, position=at
    )
