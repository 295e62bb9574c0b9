"""The SQL console on the real engine: exact answers, and never a row, a table or a file of anybody else."""

import asyncio
import contextlib
import csv
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from functions.query_count.logic import CountQuery, count
from functions.query_sql.answers import written
from functions.query_sql.asked import SqlAnswer, SqlQuery
from functions.query_sql.logic import ask, tables
from functions.query_sql.ports import Ports
from functions.query_sql.walls import Walls
from shared.catalog.client import Catalog, Row
from shared.clock import FixedClock
from shared.query.answers import Remembering
from shared.query.guard import Guard, QuerySettings
from shared.refusals import Refusal, Rejected
from shared.security.access import Access
from shared.security.limits import Meter
from shared.warehouse.client import Warehouse, WarehouseError
from shared.warehouse.project_rules import ProjectSqlError
from shared.warehouse.project_tables import TABLES
from tests.integration.reading import Stored, batch, row, stored

OURS, THEIRS = uuid.UUID(int=0xA), uuid.UUID(int=0xB)
CANARY = "canary"
RANGE: dict[str, Any] = {"start": "2026-03-01", "end": "2026-04-01"}

# What each asks for is not there for a statement; `{other}` is the other project's id.
ATTACKS = [
    "SELECT * FROM system.tables",
    "SELECT * FROM system.query_log",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM default.hour_changes",
    "SELECT * FROM hour_changes",
    "SELECT * FROM identity_events",
    "SELECT * FROM segments",
    "SHOW TABLES",
    "SHOW CREATE TABLE events",
    "DESCRIBE events",
    "EXISTS TABLE events",
    "EXPLAIN SELECT 1",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1/', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', 'default.events')",
    "SELECT * FROM cluster('default', 'default.events')",
    "SELECT * FROM s3('http://127.0.0.1/b/k')",
    "SELECT * FROM mysql('h', 'd', 't', 'u', 'p')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM view(SELECT 1)",
    "SELECT * FROM numbers(10)",
    "SELECT * FROM input('a Int')",
    "SELECT * FROM executable('x', 'TSV', 'a Int')",
    "SELECT * FROM dictionary('d')",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('j', 'a', 1)",
    "SELECT getSetting('max_threads')",
    "SELECT getMacro('shard')",
    "SELECT sleep(3)",
    "SELECT hasColumnInTable('default', 'events', 'event')",
    "SELECT catboostEvaluate('/x', 1)",
    "SELECT arrayMap(`file`, ['/etc/passwd'])",
    "SELECT initializeAggregation('countState')",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 FORMAT Native",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM events SETTINGS additional_table_filters = {}",
    "SELECT * FROM events WHERE event IN hour_changes",
    "SELECT * FROM events WHERE event IN (hour_changes)",
    "SELECT (SELECT count() FROM hour_changes)",
    "SELECT 1 UNION ALL SELECT count() FROM hour_changes",
    "WITH x AS (SELECT * FROM hour_changes) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM x) SELECT * FROM x",
    "SELECT * FROM {t:Identifier}",
    "INSERT INTO events SELECT * FROM events",
    "ALTER TABLE events DELETE WHERE 1",
    "DROP TABLE events",
    "TRUNCATE TABLE events",
    "OPTIMIZE TABLE events FINAL",
    "CREATE TABLE x (a Int) ENGINE = Memory",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "SET readonly = 0",
    "USE system",
    "GRANT ALL ON *.* TO default",
    "ATTACH TABLE x",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE events",
    "SELECT 1 /*",
    "SELECT '",
    "SELECT",
    "-- nothing",
    "(((",
    "SELECT 1 +",
    "SELECT nope FROM events",
    "SELECT event FROM events GROUP BY nope",
    "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
]


class Nothing(Catalog):
    """A catalog in which nobody has said anything."""

    def __init__(self) -> None:
        super().__init__("")

    async def rows(self, query: str, parameters: object = None) -> list[Row]:
        return []


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("sql")) as found:
        ours = [
            row("view", timedelta(minutes=n), user_id=f"u{n % 7}", properties={"n": n, "big": 2**60 + n, "f": "=1+1"})
            for n in range(40)
        ]
        ours += [row("identify", timedelta(hours=2), user_id="u1", anonymous_id="a1")]
        ours += [row("view", timedelta(hours=3), anonymous_id="a1")]
        theirs = [
            row(CANARY, timedelta(minutes=n), user_id=f"{CANARY}{n}", properties={CANARY: CANARY}) for n in range(40)
        ]
        for _ in range(3):
            found.put(batch(OURS, *ours, batch_id=uuid.uuid4()), batch(THEIRS, *theirs, batch_id=uuid.uuid4()))
        yield found


def _asked(engine: Stored, sql: str, /, project: uuid.UUID = OURS, rows: int = 0, **more: Any) -> SqlAnswer:
    async def asked() -> SqlAnswer:
        warehouse, catalog = Warehouse(engine.url), Nothing()
        limits = replace(QuerySettings(warehouse_url="", catalog_url=""), query_rows=rows)
        guard = Guard(warehouse, catalog, limits, Meter(clock=FixedClock(1)))
        ports = Ports(cast("Access", None), warehouse, Walls(warehouse, guard), catalog)
        try:
            return await ask(SqlQuery(sql=sql, **more), project, ports)
        finally:
            await guard.close()
            await warehouse.close()

    return asyncio.run(asked())


def _refused(engine: Stored, sql: str, /, **more: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        _asked(engine, sql, **more)
    return caught.value


def _count(engine: Stored, measure: str) -> Any:
    return asyncio.run(count(CountQuery(**RANGE, measure=measure), OURS, Remembering(engine.warehouse))).value


def test_answers_are_those_of_query_count_repeats_or_not(engine: Stored) -> None:
    sql = "SELECT count(), uniqExact(person) FROM events WHERE timestamp >= '2026-03-01' AND timestamp < '2026-04-02'"
    assert _asked(engine, sql).rows == [[_count(engine, "count"), _count(engine, "users")]]
    assert _asked(engine, "SELECT count(), sum(events) FROM people").rows == [
        [_count(engine, "users"), _count(engine, "count")]
    ]
    # one of each of the seven, and two of u1 alone, hours before, of which one is by the anonymous id
    counted = "SELECT count(), countIf(person = 'u:u1'), sum(events) FROM sessions"
    assert _asked(engine, counted).rows == [[9, 3, _count(engine, "count")]]


def test_every_attack_is_refused_with_what_to_change(engine: Stored) -> None:
    found = {sql: _refused(engine, sql) for sql in ATTACKS}
    assert {refused.refusal for refused in found.values()} == {Refusal.BAD_SQL}
    assert all(refused.detail and refused.extra["field"] == "sql" for refused in found.values())
    placed = _refused(engine, "SELECT event,\n  sleep(3) FROM events")
    assert (placed.extra["line"], placed.extra["column"]) == (2, 3)
    unknown = _refused(engine, "SELECT event,\n  nope FROM events")
    assert (unknown.extra["line"], unknown.extra["column"]) == (2, 3)
    assert "PREWHERE" not in unknown.detail


def test_the_engine_itself_filters_every_table_and_only_reads(engine: Stored) -> None:
    async def run(sql: str) -> list[list[Any]]:
        warehouse = Warehouse(engine.url)
        guard = Guard(warehouse, Nothing(), QuerySettings(warehouse_url="", catalog_url=""), Meter(clock=FixedClock(1)))
        try:
            return (await Walls(warehouse, guard).run(sql, {}, OURS, 100)).data
        finally:
            await guard.close()
            await warehouse.close()

    for table in (*TABLES, "identity_events"):
        found = asyncio.run(run(f"SELECT DISTINCT toString(project_id) FROM {table}"))
        assert found in ([[str(OURS)]], []), table
    for sql in ("INSERT INTO events SELECT * FROM events", "DROP TABLE events", "SET max_threads = 1"):
        with pytest.raises(WarehouseError):
            asyncio.run(run(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/etc/passwd')",
        "SELECT * FROM default.hour_changes",
        "SELECT * FROM system.parts",
        "SELECT `sleep`(1)",
    ],
)
def test_the_engines_own_spelling_is_looked_through(engine: Stored, sql: str) -> None:
    async def look() -> None:
        warehouse = Warehouse(engine.url)
        try:
            await Walls(warehouse, cast("Guard", None)).look_through(sql, [], OURS)
        finally:
            await warehouse.close()

    with pytest.raises(ProjectSqlError):
        asyncio.run(look())


def test_rows_beyond_the_limit_are_left_out_and_told(engine: Stored) -> None:
    whole = _asked(engine, "SELECT event FROM events")
    assert (len(whole.rows), whole.truncated) == (42, False)
    part = _asked(engine, "SELECT properties.n AS n FROM events WHERE event = 'view' ORDER BY n DESC LIMIT 30", limit=5)
    assert (part.rows, part.truncated) == ([[39], [38], [37], [36], [35]], True)
    assert _asked(engine, "SELECT 1 LIMIT 1", limit=1).truncated is False
    assert part.columns[0].name == "n"
    assert part.rows_read > 0


def test_values_are_bound_and_no_integer_is_rounded(engine: Stored) -> None:
    sql = "SELECT max(properties.big::Int64) AS big, {text:String} AS text FROM events WHERE properties.n = {n:Int64}"
    text = "'; DROP TABLE events; -- \\ \t {x:String}"
    assert _asked(engine, sql, parameters={"n": 3, "text": text}).rows == [[str(2**60 + 3), text]]
    assert _refused(engine, sql, parameters={"n": 3}).refusal is Refusal.BAD_SQL
    assert _refused(engine, "SELECT 1", parameters={"n": 3}).refusal is Refusal.BAD_VALUE
    assert _refused(engine, "SELECT {sluice_0:UUID}, person FROM people").refusal is Refusal.BAD_VALUE


def test_csv_has_the_same_rows_and_no_formula(engine: Stored) -> None:
    query = SqlQuery(sql="SELECT toString(properties.f) AS f, [1, 2] AS l FROM events LIMIT 2", limit=1, format="csv")
    reply = written(query, _asked(engine, query.sql, limit=1))
    assert reply.headers["sluice-truncated"] == "true"
    [names, cells] = list(csv.reader(io.StringIO(reply.body.decode())))
    assert (names, cells) == (["f", "l"], ["'=1+1", "[1,2]"]) or cells == ["", "[1,2]"]


def test_what_would_read_too_much_is_refused_and_explained_before(engine: Stored) -> None:
    refused = _refused(engine, "SELECT count() FROM events", rows=10)
    assert (refused.refusal, refused.extra["exceeded"]) == (Refusal.QUERY_TOO_EXPENSIVE, "rows")
    explained = _asked(engine, "SELECT count() FROM events", explain=True)
    assert explained.rows == []
    assert explained.estimated_rows


def test_the_tables_that_are_named_are_the_ones_there_are(engine: Stored) -> None:
    found = asyncio.run(tables(engine.warehouse)).tables
    assert [table.name for table in found] == ["events", "rejected_events", "batches", "people", "sessions"]
    for table in found:
        assert "user_key" in {c.name for c in table.columns} or table.name != "events"
        names = ", ".join(f"`{column.name}`" for column in table.columns)
        answer = _asked(engine, f"SELECT {names} FROM {table.name}", limit=1)
        assert [c.name for c in answer.columns] == [c.name for c in table.columns]


_COLUMNS = [
    "event",
    "user_id",
    "anonymous_id",
    "project_id",
    "properties_raw",
    "properties",
    "timestamp",
    "person",
    "batch_id",
]
_column: st.SearchStrategy[exp.Expr] = st.sampled_from(_COLUMNS).map(exp.column)
_literal = st.one_of(
    st.integers(0, 50).map(exp.Literal.number),
    st.sampled_from([CANARY, str(THEIRS), "view", "u1", "' OR 1=1 --", "\\"]).map(exp.Literal.string),
)
_equal = st.tuples(_column, _literal).map(
    lambda pair: exp.EQ(this=exp.func("toString", pair[0]), expression=exp.Literal.string(pair[1].name))
)
_condition = st.one_of(
    _equal,
    st.just(exp.Boolean(this=True)),
    _equal.map(lambda one: exp.Or(this=exp.Boolean(this=True), expression=one)),
)


def _select(columns: list[exp.Expr], table: exp.Expr, condition: exp.Expr, star: bool) -> exp.Select:  # noqa: FBT001 (drawn)
    chosen = [exp.Star()] if star else [column.copy() for column in columns]
    return exp.Select(expressions=chosen).from_(table.copy()).where(condition.copy())


_TABLE = st.sampled_from(
    ["events", "sluice.events", "events FINAL", "default.events", "rejected_events", "batches"]
).map(lambda name: cast("exp.Expr", exp.Table(this=exp.Var(this=name))))


def _over(inner: st.SearchStrategy[exp.Expr]) -> st.SearchStrategy[exp.Expr]:
    selects = st.builds(_select, st.lists(_column, min_size=1, max_size=3), inner, _condition, st.booleans())
    nested = selects.map(lambda one: cast("exp.Expr", exp.Subquery(this=one, alias=exp.to_identifier("x"))))
    both = st.tuples(selects, selects).map(
        lambda two: cast("exp.Expr", exp.Subquery(this=exp.Union(this=two[0], expression=two[1], distinct=False)))
    )
    return st.one_of(nested, both)


_statement = st.builds(
    _select,
    st.lists(_column, min_size=1, max_size=4),
    st.recursive(_TABLE, _over, max_leaves=4),
    _condition,
    st.booleans(),
).map(lambda tree: tree.sql(dialect="clickhouse"))


def test_no_statement_reaches_another_projects_rows(engine: Stored) -> None:
    answered = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(sql=_statement)
    def each(sql: str) -> None:
        with contextlib.suppress(Rejected):
            answer = json.dumps(json.loads(msgspec.json.encode(_asked(engine, sql).rows)))
            assert CANARY not in answer, sql
            assert str(THEIRS) not in answer, sql
            answered.append(sql)

    each()
    assert len(answered) > 15, "most of them are refused: they show nothing"
