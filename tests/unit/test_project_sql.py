"""What a project's statement becomes, and what is refused before any engine sees it."""

import time
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.warehouse.project_rules import ProjectSqlError, functions, is_allowed_function
from shared.warehouse.project_sql import LONGEST, rewrite
from shared.warehouse.project_tables import CATALOGUE, TABLES, Wanted

PROJECT = UUID("01990000-0000-7000-8000-00000000000a")
EVENTS = "(" + TABLES["events"].select("events", PROJECT, Wanted(paths=frozenset())) + ")"
ALL = "(" + TABLES["events"].select("events", PROJECT, Wanted()) + ")"
BATCHES = "(" + TABLES["batches"].select("batches", PROJECT, Wanted()) + ")"
WITH = '"_sluice_with_1"'
ROWS = f'(SELECT * FROM {WITH} AS "e")'

REFUSED = {
    48: [
        "SELECT * FROM values('a Int', 1)",
        "SELECT _part FROM events SAMPLE 0.1",
        "SELECT * FROM events PIVOT (count() FOR x IN (1))",
        "SELECT * FROM UNNEST([1])",
        "SELECT * FROM LATERAL (SELECT 1)",
        "SELECT * FROM events VERSION AS OF 1",
        "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM x) SELECT * FROM x",
        "SELECT @x",
        "SELECT @@version",
        "SELECT * FROM sluice.system.tables",
        "SELECT * FROM (VALUES (1))",
        "SELECT * FROM events AS e, LATERAL file('x')",
        "SELECT * FROM events FINAL SAMPLE 1/2",
        "SELECT count() FROM (events JOIN hour_changes ON 1)",
        "SELECT * FROM events WHERE 1 = ANY (SELECT 1 FROM hour_changes)",
    ],
    60: [
        "SELECT * FROM hour_changes",
        "SELECT * FROM system.parts",
        "SELECT * FROM system.query_log",
        "DESCRIBE TABLE hour_changes",
        "DESCRIBE file('/etc/passwd')",
        "DESCRIBE (SELECT 1)",
        "SELECT * FROM default.hour_changes",
        "SELECT /*+ hint */ 1 FROM hour_changes",
        "WITH x AS (SELECT * FROM hour_changes) SELECT * FROM x",
        "SELECT (SELECT count() FROM hour_changes)",
        "SELECT * FROM events WHERE user_id IN (SELECT database FROM system.parts)",
        "SELECT 1 UNION ALL SELECT count() FROM hour_changes",
        "SELECT * FROM events WHERE EXISTS (SELECT 1 FROM hour_changes)",
        "SELECT count() OVER (ORDER BY (SELECT count() FROM hour_changes)) FROM events",
        "SELECT 1 LIMIT (SELECT count() FROM hour_changes)",
        "SELECT groupArray((SELECT 1))(event) FROM hour_changes",
        "SELECT * FROM dictionary('d')",
        "SELECT * FROM system.numbers",
        "FROM hour_changes SELECT *",
        "SELECT count() FROM ((hour_changes))",
        "SELECT count() FROM events JOIN (hour_changes) ON 1",
        "SELECT count() FROM events, (hour_changes)",
        "SELECT x.* FROM hour_changes AS x",
        "SELECT * FROM events e JOIN hour_changes USING (project_id)",
    ],
    62: [
        "SELECT in(1, events)",
        "SELECT * APPLY(x -> file(x)) FROM events",
        "SELECT 1; SELECT 2",
        "SELECT 1 INTO OUTFILE 'x'",
        "SELECT * FROM (SELECT 1 FORMAT JSON)",
        "SELECT CAST('x', concat('Aggregate','Function(uniq,UInt8)'))",
        "SELECT * FROM `events``x`",
        'SELECT * FROM "ev\\"ents"',
        "SELECT 1 AS `a\\`b`",
        "SELECT",
        "(",
        "SELECT 1 FROM",
        "SELECT 1 WHERE",
        "SELECT `a\u0000b`",
    ],
    73: [
        "SELECT 1 FORMAT Template",
    ],
    81: [
        "SELECT * FROM other.events",
    ],
    164: [
        "SELECT 1 SETTINGS max_threads=1",
        "SELECT 1 FROM events SETTINGS additional_table_filters={}",
        "SELECT * FROM (SELECT 1 SETTINGS readonly=0)",
        "EXPLAIN SELECT 1",
        "EXPLAIN AST SELECT 1",
        "SHOW CREATE TABLE events",
        "SHOW GRANTS",
        "SET readonly=0",
        "USE system",
        "INSERT INTO events SELECT * FROM events",
        "INSERT INTO events VALUES (1)",
        "DROP TABLE events",
        "ALTER TABLE events DELETE WHERE 1",
        "CREATE TABLE x AS SELECT 1",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "OPTIMIZE TABLE events",
        "GRANT ALL ON *.* TO x",
        "TABLE events",
        "VALUES (1)",
        "",
        ";",
        "SELEC 1",
        "BEGIN",
        "EXPLAIN ESTIMATE SELECT 1",
        "WATCH x",
        "EXISTS TABLE hour_changes x",
    ],
    497: [
        "SELECT * FROM numbers(10)",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM url('http://x')",
        "SELECT * FROM merge('sluice','events')",
        "SELECT * FROM merge(sluice, 'events')",
        "SELECT * FROM remote('127.0.0.1','sluice','events')",
        "SELECT * FROM cluster('x', sluice.events)",
        "SELECT * FROM view(SELECT * FROM events)",
        "SELECT * FROM s3('x')",
        "SELECT * FROM input('x')",
        "SELECT * FROM sluice.`events`(1)",
        "SELECT * FROM {t:Identifier}",
        "SELECT {c:Identifier} FROM events",
        "SELECT 1 IN events",
        "SELECT 1 IN (events)",
        "SELECT 1 IN ((events))",
        "SELECT 1 IN sluice.events",
        "SELECT 1 IN (sluice.events)",
        "SELECT 1 IN system.tables",
        "SELECT 1 NOT IN events",
        "SELECT 1 GLOBAL IN events",
        "SELECT globalIn(1, events)",
        "SELECT dictGet('d','a',1)",
        "SELECT joinGet('sluice.events','user_id',1)",
        "SELECT hasColumnInTable('sluice','events','x')",
        "SELECT arrayMap(file, ['/etc/passwd'])",
        "SELECT arrayMap(`file`, ['/etc/passwd'])",
        "SELECT arrayMap(dictGetString, ['a'])",
        "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
        "SELECT * APPLY(file) FROM events",
        "SELECT file('/etc/passwd')",
        "SELECT \"file\"('/etc/passwd')",
        "SELECT `f\\x69le`('/etc/passwd')",
        "SELECT FILE/**/('/etc/passwd')",
        "SELECT CAST('x','AggregateFunction(uniq, UInt8)')",
        "SELECT 'x'::AggregateFunction(uniq, UInt8)",
        "SELECT {x:AggregateFunction(uniq,UInt8)}",
        "SELECT accurateCast('x', concat('a','b'))",
        "SELECT sleep(3)",
        "SELECT arrayMap(sleep, [1])",
        "SELECT getSetting('readonly')",
        "SELECT getMacro('x')",
        "SELECT getServerSetting('x')",
        "SELECT formatRow('Native', 1)",
        "SELECT ?",
        "SELECT * FROM events JOIN numbers(10) AS n ON 1",
        "SELECT * FROM events ARRAY JOIN file('x') AS f",
        "WITH file('x') AS s SELECT s",
        "SELECT aiGenerate('x')",
        "SELECT catboostEvaluate('/x', 1)",
        "SELECT evalMLMethod(1)",
        "SELECT * FROM mysql('x')",
        "SELECT * FROM executable('id')",
        "SELECT * FROM Python('x')",
        "SELECT * FROM loop(events)",
        "SELECT * FROM mergeTreeIndex(sluice, events)",
        "SELECT addressToLine(1)",
        "SELECT runningAccumulate(x)",
        "SELECT finalizeAggregation(x)",
        "SELECT initializeAggregation('x',1)",
        "SELECT * FROM columns('x')",
    ],
}


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("SELECT COUNT(DISTINCT user_id) FROM events", f'SELECT COUNT(DISTINCT "user_id") FROM {EVENTS} AS "events"'),
        ("select 1 from sluice.events e final;", f'SELECT 1 FROM {EVENTS} AS "e"'),
        ("SELECT 1 FROM default.events -- why", f'SELECT 1 FROM {EVENTS} AS "events"'),
        (
            "SELECT 1 FROM events AS e JOIN batches AS b USING (batch_id)",
            f'SELECT 1 FROM {EVENTS} AS "e" JOIN {BATCHES} AS "b" USING ("batch_id")',
        ),
        (
            "WITH events AS (SELECT * FROM events) SELECT events.event FROM events",
            f'WITH {WITH} AS (SELECT * FROM {ALL} AS "events") SELECT "events"."event" FROM {WITH} AS "events"',
        ),
        (
            "WITH e AS (SELECT user_id FROM events) SELECT 1 IN e, 2 IN (e)",
            f'WITH {WITH} AS (SELECT "user_id" FROM {EVENTS} AS "events") SELECT 1 IN {ROWS}, 2 IN {ROWS}',
        ),
        (
            "SELECT 1 FROM events PREWHERE a WHERE b",
            f'SELECT 1 FROM {EVENTS} AS "events" WHERE "b" AND "a"',
        ),
        ("SELECT toString(1), TOSTRING(1) FORMAT json", "SELECT toString(1), TOSTRING(1) FORMAT json"),
        ("SELECT date_diff(day, a, b)", 'SELECT date_diff(DAY, "a", "b")'),
        ("SELECT currentDatabase(), user()", f"SELECT 'sluice', '{PROJECT}'"),
        ("SELECT 'it''s', 'a\\'b', 'c\\\\d'", "SELECT 'it''s', 'a''b', 'c\\\\d'"),
        ("SELECT {n:UInt8}", "SELECT {n: UInt8}"),
        ("SHOW DATABASES", f'SELECT "name" FROM ({CATALOGUE["system", "databases"]}) AS "databases"'),
    ],
)
def test_statement_is_written_anew_over_the_projects_rows(sql: str, rewritten: str) -> None:
    assert rewrite(sql, PROJECT) == rewritten


@pytest.mark.parametrize(
    "column", ["properties.a.b", "e.properties.a.b", 'properties."a.b"', "sum(toInt64(properties.a.b))"]
)
def test_property_is_read_by_its_path_where_nothing_else_is_wanted(column: str) -> None:
    rewritten = rewrite(f"SELECT {column}, count(*) FROM events AS e", PROJECT)
    assert "AS `properties.a.b` FROM sluice.events" in rewritten
    assert "CAST(properties_raw" not in rewritten


@pytest.mark.parametrize(
    "columns",
    [
        *("*", "e.*", "COLUMNS('p')", "properties", "properties.a, properties", "properties.a.:Int64", "properties.^a"),
        *("properties.a.b.c.d.e.f", "properties.a AS properties", "* EXCEPT (properties)"),
    ],
)
def test_properties_are_read_anew_where_more_of_them_is_wanted(columns: str) -> None:
    assert "CAST(properties_raw, 'JSON') AS properties" in rewrite(f"SELECT {columns} FROM events AS e", PROJECT)


@pytest.mark.parametrize("name", ["event_type", "metadata", "user_key"])
def test_alias_columns_are_there_for_who_names_them(name: str) -> None:
    assert f", {name} FROM sluice.events FINAL PREWHERE" in rewrite(f"SELECT {name} FROM events", PROJECT)
    assert name not in rewrite("SELECT * FROM events", PROJECT)


@pytest.mark.parametrize(("code", "sql"), [(code, sql) for code, listed in REFUSED.items() for sql in listed])
def test_everything_but_a_select_of_known_parts_is_refused(code: int, sql: str) -> None:
    with pytest.raises(ProjectSqlError) as caught:
        rewrite(sql, PROJECT)
    assert caught.value.code == code
    assert "sqlglot" not in caught.value.message


def test_catalogue_is_found_by_its_database() -> None:
    assert "FROM system.tables" in rewrite("SELECT name FROM tables", PROJECT, "system")
    assert "FROM information_schema.columns" in rewrite("SELECT 1 FROM INFORMATION_SCHEMA.COLUMNS", PROJECT)
    with pytest.raises(ProjectSqlError) as caught:
        rewrite("SELECT 1", PROJECT, "nowhere")
    assert caught.value.code == 81


def test_every_table_of_every_statement_is_the_projects() -> None:
    for name in TABLES:
        assert rewrite(f"SELECT 1 FROM {name}", PROJECT).count(f"toUUID('{PROJECT}')") == 1
    statement = (
        "SELECT (SELECT 1 FROM events) FROM events WHERE a IN (SELECT 1 FROM events) UNION ALL SELECT 1 FROM events"
    )
    assert rewrite(statement, PROJECT).count(f"FROM sluice.events FINAL PREWHERE project_id = toUUID('{PROJECT}')") == 4


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
        "SELECT " + "[" * 3_000 + "1" + "]" * 3_000,
        "SELECT " + "NOT " * 10_000 + "1",
        "SELECT " + "1+" * 20_000 + "1",
        "SELECT * FROM " + "(SELECT * FROM " * 2_000 + "events" + ")" * 2_000,
        "SELECT " + "CASE WHEN " * 3_000,
        "SELECT '" + "x" * LONGEST + "'",
    ],
    ids=["brackets", "arrays", "not", "sum", "subqueries", "cases", "long"],
)
def test_deep_and_long_statements_are_refused_in_time(sql: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ProjectSqlError) as caught:
        rewrite(sql, PROJECT)
    assert caught.value.code in {62, 229}
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    "name", ["count", "COUNTIf", "uniqDistinctIf", "sumMap", "toStartOfHour", "arrayMap", "lagInFrame"]
)
def test_what_computes_from_its_arguments_may_be_called(name: str) -> None:
    assert is_allowed_function(name)


@pytest.mark.parametrize(
    "name",
    [
        "file",
        "fileIf",
        "url",
        "dictGet",
        "joinGet",
        "sleep",
        "getSetting",
        "in",
        "globalIn",
        "hostName_",
        "",
        "aiGenerate",
        "finalizeAggregation",
        "JSONDynamicPaths",
        "distinctJSONPaths",
        "formatRow",
        "reinterpret",
        "initializeAggregation",
    ],
)
def test_what_reaches_further_may_not(name: str) -> None:
    assert not is_allowed_function(name)


def test_list_of_functions_holds_names() -> None:
    assert len(functions()) > 1_000
    assert all(name.replace("_", "").isalnum() for name in functions())


@settings(max_examples=300)
@given(st.text(alphabet="'\"`\\()[]{},.;:*-/#$ \n\0abeSELCTFROMN019_eventsin", max_size=60))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    for sql in (text, f"SELECT {text} FROM events", f"SELECT '{text}' FROM {text}"):
        try:
            rewritten = rewrite(sql, PROJECT)
        except ProjectSqlError:
            continue
        assert rewritten.count("sluice.") == rewritten.count(f"PREWHERE project_id = toUUID('{PROJECT}')")
