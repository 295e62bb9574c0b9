"""A project's login at the door: its own rows, each once, in every format, and never a byte of another project's."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
import httpx
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key, revoke_key
from shared.catalog.migrate import migrate
from shared.catalog.projects import create_organisation, create_project
from shared.local.chdb_engine import EngineError
from shared.local.door_project import ProjectGuard
from shared.local.door_request import read_call
from shared.security.keys import Key, new_key
from shared.warehouse import migrate as warehouse_migrations
from shared.warehouse.project_rules import FORMATS
from shared.warehouse.project_tables import CATALOGUE, TABLES
from shared.warehouse.row_policies import project_statements, removal_statements, shared_statements
from tests.integration.conftest import Server
from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

CANARY = "canary"
USERS, EVENTS = 20, 3
DAY = "2026-01-05"


@dataclass
class Shop:
    """A warehouse with the rows of three projects in the same granule, the asked one between the two others."""

    warehouse: WarehouseProcess
    catalog_url: str
    project_id: uuid.UUID
    other_id: uuid.UUID
    clear: str
    other_clear: str

    def ask(self, sql: str, **fields: str) -> httpx.Response:
        auth = httpx.BasicAuth(str(self.project_id), self.clear)
        url = self.warehouse.url
        reply = httpx.post(url, content=sql.encode("utf-8", "replace"), params=fields, auth=auth, timeout=30)
        assert CANARY.encode() not in reply.content.lower(), (sql, reply.content[:2_000])
        assert str(self.other_id).encode() not in reply.content
        return reply

    def text(self, sql: str, **fields: str) -> str:
        reply = self.ask(sql, **fields)
        assert reply.status_code == 200, reply.text
        return reply.text.removesuffix("\n")

    def login(self, user: str, password: str) -> httpx.Response:
        return httpx.post(self.warehouse.url, content=b"SELECT 1", auth=httpx.BasicAuth(user, password), timeout=30)


async def _made(catalog_url: str) -> tuple[list[uuid.UUID], list[str]]:
    catalog = Catalog(catalog_url)
    try:
        organisation = await create_organisation(catalog, "Acme")
        projects = [(await create_project(catalog, organisation["id"], name))["id"] for name in ("a", "b", "c")]
        keys = [await create_key(catalog, project, "secret", "bi", scopes=("read",)) for project in projects]
    finally:
        await catalog.close()
    return projects, [clear for clear, _ in keys]


def _event(project_id: uuid.UUID, tag: str, number: int) -> dict[str, object]:
    # of the others every text speaks, and none is a number
    own = not tag
    text = f"{tag}{number}"
    return {
        "project_id": str(project_id),
        "event": f"{tag}event{number % EVENTS}",
        "user_id": text,
        "session_id": f"{tag}{number % 4}",
        "timestamp": f"{DAY} 00:00:{number:02}",
        "received_at": f"{DAY} 01:00:00",
        "event_id": str(uuid.UUID(int=number + 1)),
        "batch_id": str(uuid.uuid4()),
        "properties_raw": json.dumps({f"{tag}price": number if own else tag, "n": number if own else tag}),
        "browser": f"{tag}browser",
        "url": f"https://{tag}shop.example/{number}",
        "utm_source": f"{tag}news",
        "lookups": {f"{tag}people.city": f"{tag}Graz"},
    }


def _fill(warehouse: WarehouseProcess, projects: list[uuid.UUID]) -> None:
    for step in warehouse_migrations.steps():
        for sql in step.up:
            warehouse.text(sql)
    tags = [f"{CANARY}A", "", f"{CANARY}C"]
    lines = [
        json.dumps(_event(project, tag, number))
        for project, tag in zip(projects, tags, strict=True)
        for number in range(USERS)
    ]
    for _ in range(2):
        # a redelivered record: everything is there twice
        warehouse.text("INSERT INTO events FORMAT JSONEachRow\n" + "\n".join(lines))
    for project, tag in zip(projects, tags, strict=True):
        row = {"project_id": str(project), "batch_id": str(uuid.uuid4()), "received_at": f"{DAY} 01:00:00"}
        refused = {**row, "position": 0, "reason": "bad_json", "detail": f"{tag}detail", "raw": f"{tag}raw"}
        warehouse.text(f"INSERT INTO rejected_events FORMAT JSONEachRow\n{json.dumps(refused)}")
        batch = {**row, "partition": 0, "position": 1, "rows": USERS, "rejected": 1, "stored_at": f"{DAY} 01:00:01"}
        warehouse.text(f"INSERT INTO batches FORMAT JSONEachRow\n{json.dumps(batch)}")


@pytest.fixture(scope="module")
def shop(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    name = f"test_{uuid.uuid4().hex}"
    admin = postgres.engine.url.replace("//sluice@", "//postgres@").replace("/sluice?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER sluice".encode())
    catalog_url = postgres.engine.url.replace("/sluice?", f"/{name}?")
    migrate(catalog_url)
    projects, keys = asyncio.run(_made(catalog_url))
    with warehouse_process(tmp_path_factory.mktemp("projects"), SLUICE_CATALOG_URL=catalog_url) as warehouse:
        _fill(warehouse, projects)
        yield Shop(warehouse, catalog_url, projects[1], projects[2], keys[1], keys[2])
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT COUNT(DISTINCT user_id) FROM events", "20"),
        ("SELECT COUNT(DISTINCT event_type) FROM events", "3"),
        ("SELECT COUNT(DISTINCT session_id) FROM events", "4"),
        ("SELECT count() FROM events", "20"),
        ("SELECT count() FROM sluice.events FINAL", "20"),
        ("SELECT count(metadata), uniq(user_key) FROM events", "20\t20"),
        ("SELECT sum(toInt64(properties.n)), sum(JSONExtractInt(metadata, 'n')) FROM events", "190\t190"),
        ("SELECT count(), any(detail), any(raw) FROM rejected_events", "1\tdetail\traw"),
        ("SELECT sum(rows), count() FROM batches", "20\t1"),
        ("SELECT count() FROM events AS e JOIN events AS f ON e.user_id = f.user_id", "20"),
        ("SELECT count() FROM events AS e, events AS f", "400"),
        ("SELECT count() FROM events UNION ALL SELECT count() FROM events", "20\n20"),
        ("WITH events AS (SELECT * FROM events LIMIT 5) SELECT count() FROM events", "5"),
        ("WITH e AS (SELECT user_id FROM events LIMIT 5) SELECT count() FROM events WHERE user_id IN e", "5"),
        ("WITH e AS (SELECT user_id FROM events) SELECT count() FROM (WITH e AS (SELECT 1) SELECT * FROM e)", "1"),
        ("SELECT count() FROM events WHERE user_id IN (SELECT user_id FROM events WHERE user_id < '2')", "12"),
        ("SELECT count() FROM events PREWHERE event = 'event0' WHERE toUInt8(user_id) > 5", "5"),
        ("SELECT event, count() FROM events GROUP BY event WITH TOTALS ORDER BY event LIMIT 1", "event0\t7\n\n\t20"),
        ("SELECT max(c) FROM (SELECT count() OVER (PARTITION BY session_id) AS c FROM events)", "5"),
        ("SELECT sum(x) FROM (SELECT arrayJoin([1, 2]) AS x, event FROM events)", "60"),
        ("SELECT count() FROM events ARRAY JOIN [1, 2, 3] AS x", "60"),
        ("SELECT length(groupArray(e.user_id)) FROM events AS e WHERE e.event_type = 'event1'", "7"),
        ("SELECT dateDiff('hour', min(timestamp), max(received_at)), date_diff(DAY, now(), now()) FROM events", "1\t0"),
        ("SELECT a.n FROM (SELECT (SELECT count() FROM events) AS n) AS a", "20"),
        (
            "SELECT uniqIf(user_id, event = 'event0'), quantileExactInclusive(0.5)(toUInt8(user_id)) FROM events",
            "7\t9.5",
        ),
        ("SELECT toStartOfDay(timestamp) AS d, count() FROM events GROUP BY d ORDER BY d", f"{DAY} 00:00:00\t20"),
        ("SELECT count() FROM events WHERE browser LIKE '%r' AND NOT bot AND lookups['people.city'] = 'Graz'", "20"),
        ("SELECT 'it''s', 'a\\\\d', match('a1', '^a\\\\d$'), '\\x41' -- said", "it\\'s\ta\\\\d\t1\tA"),
        ("SELECT {n:UInt8} + 1, {t:String}", "8\to\\'k"),
        ("SELECT currentDatabase(), version() != ''", "sluice\t1"),
        ("/* a tool */ SELECT 1;", "1"),
    ],
)
def test_a_project_reads_its_own_rows_each_once(shop: Shop, sql: str, answer: str) -> None:
    assert shop.text(sql, param_n="7", param_t="o'k") == answer


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_format_carries_another_projects_values_names_or_paths(shop: Shop, name: str) -> None:
    texts = "event, user_id, browser, lookups, properties_raw, utm_source, url"
    for columns in (texts, "properties", "properties.n", "groupArray(properties)", "*"):
        for sql in (f"SELECT {columns} FROM events FORMAT {name}", f"SELECT {columns} FROM events"):
            shop.ask(sql, default_format=name, wait_end_of_query="1")
    rows = f"SELECT {texts} FROM events FORMAT {name}"
    assert shop.ask(rows).status_code == 200
    if name != "null":
        assert b"browser" in shop.ask(rows).content


@pytest.mark.parametrize("column", ["properties.{}", "toJSONString(properties.{})", "dynamicType(properties.{})"])
def test_property_of_another_project_looks_like_one_of_nobody(shop: Shop, column: str) -> None:
    theirs, nobodys = (
        shop.ask(f"SELECT {column.format(name)} AS p FROM events FORMAT Native").content
        for name in (f"{CANARY}Aprice", "nothing")
    )
    assert theirs == nobodys
    assert shop.ask("SELECT properties.n AS p FROM events FORMAT Native").content.count(b"String") == 0


def test_json_answers_name_columns_and_rows(shop: Shop) -> None:
    answer = json.loads(shop.text("SELECT event, count() AS n FROM events GROUP BY event ORDER BY event FORMAT JSON"))
    assert [row["event"] for row in answer["data"]] == ["event0", "event1", "event2"]
    assert answer["meta"][1] == {"name": "n", "type": "UInt64"}
    numbers = shop.text(
        "SELECT count() AS n FROM events FORMAT JSONEachRow", output_format_json_quote_64bit_integers="1"
    )
    assert numbers == '{"n":"20"}'


# Each would end in an error that quotes a value, if it were tried on a row of another project.
FAULTS = [
    "sum(toUInt8(user_id)) FROM events",
    "count() FROM events WHERE toUInt8(user_id) >= 0",
    "count() FROM events WHERE toUInt8(user_id) >= 0 AND event = 'event0'",
    "count() FROM events WHERE throwIf(event LIKE 'canary%') = 0",
    "count() FROM events WHERE throwIf(browser LIKE 'canary%', 'found') = 0 AND timestamp > '2026-01-01'",
    "count() FROM events PREWHERE throwIf(user_id LIKE 'canary%') = 0",
    "throwIf(event LIKE 'canary%'), count() FROM events GROUP BY 1",
    "count() FROM events WHERE CAST(event, 'Enum8(\\'event0\\' = 1, \\'event1\\' = 2, \\'event2\\' = 3)') = 'event0'",
    "sum(toInt64(properties.n)) FROM events",
    "count() FROM events AS e JOIN events AS f ON throwIf(e.event LIKE 'canary%') = throwIf(f.event LIKE 'canary%')",
    "event FROM events ORDER BY throwIf(user_id LIKE 'canary%') LIMIT 1",
    "max(throwIf(user_id LIKE 'canary%')) OVER () FROM events LIMIT 1",
    "count() FROM events GROUP BY event HAVING throwIf(any(event) LIKE 'canary%') = 0 LIMIT 1",
    "count() FROM events WHERE user_id IN (SELECT toString(toUInt8(user_id)) FROM events)",
    "arrayMap(x -> throwIf(x LIKE 'canary%'), groupArray(event)) FROM events",
    "parseDateTimeBestEffort(concat('2026-01-', leftPad(session_id, 2, '1'))) FROM events LIMIT 1",
]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("sql", FAULTS)
def test_no_expression_is_tried_on_another_projects_row(shop: Shop, sql: str, *, merged: bool) -> None:
    if merged:
        shop.warehouse.text("OPTIMIZE TABLE events FINAL")
    shop.text(f"SELECT {sql}")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM hour_changes", "60"),
        ("SELECT * FROM system.parts", "60"),
        ("SELECT * FROM other.events", "81"),
        ("SELECT * FROM merge('sluice', 'events')", "497"),
        ("SELECT * FROM remote('127.0.0.1', 'sluice', 'events')", "497"),
        ("SELECT * FROM view(SELECT * FROM events)", "497"),
        ("SELECT count() FROM numbers(10)", "497"),
        ("SELECT '20' IN sluice.events", "497"),
        ("SELECT arrayMap(file, ['{path}'])", "497"),
        ("SELECT * APPLY(file) FROM (SELECT '{path}')", "497"),
        ("SELECT joinGet('sluice.events', 'user_id', 1)", "497"),
        ("SELECT sleep(1)", "497"),
        ("SELECT count() FROM events SETTINGS additional_table_filters = {}", "164"),
        ("SELECT 1; SELECT 2", "62"),
        ("SELECT 1 INTO OUTFILE '{path}'", "48"),
        ("SELECT 1 FORMAT Template", "73"),
        ("INSERT INTO events (user_id) VALUES ('x')", "164"),
        ("INSERT INTO events FORMAT JSONEachRow\n{}", "164"),
        ("SET readonly = 0", "164"),
        ("USE system", "164"),
        ("DROP TABLE events", "164"),
        ("EXPLAIN SELECT * FROM events", "164"),
        ("SHOW CREATE TABLE events", "164"),
        ("SELECT nothing FROM events", "47"),
        ("SELECT toUInt8(event) FROM events", "6"),
        ("", "62"),
    ],
)
def test_what_is_refused_says_so_as_clickhouse_does(shop: Shop, sql: str, code: str) -> None:
    path = shop.warehouse.data / "secret.csv"
    path.write_text("canary\n")
    reply = shop.ask(sql.replace("{path}", str(path)))
    assert 400 <= reply.status_code < 500 or code == "48"
    assert reply.headers["x-clickhouse-exception-code"] == code, reply.text
    assert "PREWHERE" not in reply.text


def test_neither_settings_databases_nor_bound_names_open_another_way(shop: Shop) -> None:
    assert shop.text("SELECT count() FROM events", additional_table_filters="{}", readonly="0", final="0") == "20"
    assert shop.text("SELECT count() FROM events", database="default") == "20"
    assert shop.text("SELECT count() FROM tables", database="system") == "3"
    assert shop.ask("SELECT 1", database="nowhere").headers["x-clickhouse-exception-code"] == "81"
    assert shop.ask("SELECT count() FROM {t:Identifier}", param_t="hour_changes").status_code == 403
    assert shop.ask("SELECT * FROM events", session_id="s", default_format="Template").status_code == 404
    limits = "SELECT value FROM system.settings WHERE name IN ('max_execution_time', 'readonly') ORDER BY name"
    assert shop.text(limits, max_execution_time="7") == "25\n1"


@pytest.mark.parametrize(("database", "name"), sorted(CATALOGUE))
def test_the_catalogue_tells_of_known_tables_alone(shop: Shop, database: str, name: str) -> None:
    told = shop.text(f"SELECT * FROM {database}.{name} FORMAT JSONEachRow")
    assert "hour_changes" not in told
    if name in {"tables", "columns"}:
        named = [json.loads(line) for line in told.splitlines()]
        assert {row.get("table_name") or row.get("table") or row["name"] for row in named} == set(TABLES)
        assert not any(row.get("total_rows") or row.get("total_bytes") for row in named)


def test_every_column_of_a_known_table_is_offered_and_no_other(shop: Shop) -> None:
    for name, table in TABLES.items():
        sql = f"SELECT name FROM system.columns WHERE database = 'sluice' AND table = '{name}' ORDER BY name"
        offered = {column.rpartition(" ")[2] for column in table.columns} | table.by_name
        assert sorted(offered) == shop.warehouse.text(sql).splitlines()
        names = ", ".join(sorted(offered))
        assert shop.text(f"SELECT {names} FROM {name} LIMIT 1")


def test_what_clients_ask_first_is_answered(shop: Shop) -> None:
    assert shop.text("SHOW DATABASES") == "sluice"
    assert shop.text("SHOW TABLES FROM `sluice` LIKE 'ev%'") == "events"
    assert "user_id\tString" in shop.text("DESCRIBE TABLE `sluice`.`events`")
    assert (shop.text("EXISTS TABLE events"), shop.text("EXISTS TABLE hour_changes")) == ("1", "0")
    assert shop.text("SELECT currentUser() AS u, timezone() AS t, version() AS v").startswith(str(shop.project_id))


def test_clickhouse_connect_and_sqlalchemy_work(shop: Shop) -> None:
    port, key = shop.warehouse.port, shop.clear
    with clickhouse_connect.get_client(host="127.0.0.1", port=port, username="project", password=key) as client:
        assert client.query("SELECT COUNT(DISTINCT user_id) FROM events").first_row == (20,)
        assert client.query("SELECT properties FROM events ORDER BY timestamp LIMIT 1").first_row == (
            {"n": 0, "price": 0},
        )
        assert client.query("SELECT {u:String}", parameters={"u": "a'b"}).first_row == ("a'b",)
    url = sa.URL.create("clickhousedb+connect", str(shop.project_id), key, "127.0.0.1", port, "sluice")
    engine = sa.create_engine(url)
    try:
        inspector = sa.inspect(engine)
        assert set(inspector.get_table_names()) == set(TABLES)
        batches = sa.Table("batches", sa.MetaData(), autoload_with=engine)
        with engine.connect() as connection:
            assert connection.execute(sa.select(batches.c.rows)).all() == [(20,)]
    finally:
        engine.dispose()


def test_only_a_secret_key_of_the_named_project_opens(shop: Shop) -> None:
    assert shop.login(str(shop.project_id), shop.clear).text == "1\n"
    assert shop.login("project", shop.clear).text == "1\n"
    for user, password in (
        (str(shop.project_id), new_key("secret")),
        (str(shop.project_id), shop.other_clear),
        (str(shop.project_id), ""),
        (str(uuid.uuid4()), shop.clear),
        ("project", "wrong"),
        ("project", PASSWORD),
    ):
        reply = shop.login(user, password)
        assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (401, "516"), reply.text
        assert reply.headers["www-authenticate"].startswith("Basic")
    assert shop.login("sluice", shop.clear).status_code == 403


async def _key(shop: Shop, *, public: bool) -> tuple[str, Key]:
    catalog = Catalog(shop.catalog_url)
    try:
        if public:
            return await create_key(catalog, shop.project_id, "public", "web")
        return await create_key(catalog, shop.project_id, "secret", "ci", scopes=("ingest",))
    finally:
        await catalog.close()


@pytest.mark.parametrize("public", [False, True])
def test_a_key_without_the_scope_read_is_refused(shop: Shop, *, public: bool) -> None:
    clear, _ = asyncio.run(_key(shop, public=public))
    reply = shop.login("project", clear)
    assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (403, "516")
    assert "read" in reply.text


async def _revoked(shop: Shop) -> str:
    catalog = Catalog(shop.catalog_url)
    try:
        clear, key = await create_key(catalog, shop.project_id, "secret", "old", scopes=("read",))
        assert shop.login("project", clear).status_code == 200
        await revoke_key(catalog, key.id)
    finally:
        await catalog.close()
    return clear


def test_a_revoked_key_is_refused_within_five_seconds(shop: Shop) -> None:
    clear = asyncio.run(_revoked(shop))
    deadline = time.monotonic() + 5
    while (reply := shop.login("project", clear)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (reply.status_code, "revoked" in reply.text) == (403, True)


def test_without_a_catalog_the_login_is_away_and_ours_is_not(tmp_path: Path) -> None:
    nobody = "postgresql://sluice@127.0.0.1:1/sluice"
    with warehouse_process(tmp_path / "data", SLUICE_CATALOG_URL=nobody) as warehouse:
        auth = httpx.BasicAuth("project", new_key("secret"))
        assert httpx.post(warehouse.url, content=b"SELECT 1", auth=auth, timeout=30).status_code == 503
        assert warehouse.text("SELECT 1") == "1"


def test_heavy_statements_end_in_a_limit_and_leave_ours_alone(shop: Shop) -> None:
    heavy = " CROSS JOIN ".join(f"events AS e{n}" for n in range(7))
    reply = shop.ask(f"SELECT e0.user_id, e6.user_id FROM {heavy}")
    assert reply.headers["x-clickhouse-exception-code"] in {"396", "241", "159"}, reply.text
    assert shop.warehouse.text("SELECT count() FROM batches") == "3"


def test_what_slipped_through_would_find_an_empty_database_and_filtered_tables(shop: Shop) -> None:
    session = ProjectGuard(shop.project_id, frozenset()).session(read_call([], {}))
    for statement in (*session.remembered, f"USE {session.database}".encode()):
        shop.warehouse.text(statement, session_id="walls")
    assert shop.warehouse.post("SELECT * FROM events", session_id="walls", database="").status_code == 404
    for table in TABLES:
        seen = shop.warehouse.text(f"SELECT DISTINCT project_id FROM sluice.{table}", session_id="walls", database="")
        assert seen == str(shop.project_id)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sluice.events",
        "SELECT * FROM sluice.events FINAL PREWHERE project_id = toUUID('01990000-0000-7000-8000-00000000000b')",
        "SELECT * FROM `system`.parts",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT arrayMap(`file`, ['/etc/passwd'])",
        "SELECT x FROM (SELECT 1 AS x) WHERE dictHas('d', x)",
        "SELECT * FROM sluice_project.events",
    ],
)
def test_the_engines_own_spelling_is_looked_through_for_what_the_tree_never_holds(sql: str) -> None:
    guard = ProjectGuard(uuid.UUID(int=1), frozenset({"file", "dicthas"}))
    with pytest.raises(EngineError) as caught:
        guard._look_through(sql)
    assert caught.value.code == 497
    guard._look_through("SELECT ((`a b` + 1)), 'file(sluice.events)' FROM (SELECT dummy FROM system.one) AS one")


def test_the_engine_reads_the_statements_for_a_server(shop: Shop) -> None:
    for statement in [*shared_statements(), *project_statements(shop.project_id, "0" * 64)]:
        quoted = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert shop.warehouse.text(f"SELECT formatQuerySingleLine('{quoted}')")
    for statement in removal_statements(shop.project_id):
        assert shop.warehouse.text(f"SELECT formatQuerySingleLine('{statement}')")


# Statements put together of what the login may say and, `hostile`, of what it may not, at every place of a SELECT.
_NAMES = ["user_id", "event", "e.event", "properties.n", "e.properties.price", "browser", "lookups", "raw", "timestamp"]
_FUNCTIONS = ["toString", "length", "any", "uniq", "toUInt8", "groupArray", "throwIf", "hex", "toJSONString", "toDate"]
_TABLES = ["events", "sluice.events", "default.events", "batches", "rejected_events", "events FINAL", "`events`"]
_OPERATORS = ["=", "||", "<", "AND", "LIKE", "+"]
_HOSTILE_NAMES = ["file", "x", "x -> x", "{t:Identifier}", "properties", "*"]
_HOSTILE_FUNCTIONS = ["file", "arrayMap", "sleep", "joinGet", "dictGet"]
_HOSTILE_TABLES = ["hour_changes", "system.tables", "system.parts", "x", "merge('sluice', '')", "sluice_project.events"]
_HOSTILE_OPERATORS = ["IN", ",", "GLOBAL NOT IN", ".", "::"]
_GLUE = ["", " ", "/**/", "--\n", "'", '"', "`", "\\", "\\'", ";", ")", "(", "$$", "#\n", "{", "}", "\0", "\u2019"]


def _expressions(*, hostile: bool) -> st.SearchStrategy[str]:
    names = st.sampled_from([*_NAMES, "1", "'a'", "'\\''", "[1]", "NULL", "{n:UInt8}", *(_HOSTILE_NAMES * hostile)])
    functions = st.sampled_from(_FUNCTIONS + _HOSTILE_FUNCTIONS * hostile)
    operators = st.sampled_from(_OPERATORS + _HOSTILE_OPERATORS * hostile)
    tables = st.sampled_from(_TABLES + _HOSTILE_TABLES * hostile)
    types = st.sampled_from(["String", "UInt8", "Array(String)"] + ["AggregateFunction(any, String)"] * hostile)

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        kinds = [
            st.builds("{}({})".format, functions, inner),
            st.builds("({} {} {})".format, inner, operators, inner),
            st.builds("(SELECT any({}) FROM {} AS e)".format, inner, tables),
            st.builds("{} IN (SELECT toString({}) FROM {} AS e)".format, inner, inner, tables),
            st.builds("CAST({}, '{}')".format, inner, types),
            st.builds("if({} = '1', {}, {})".format, inner, inner, inner),
        ]
        if hostile:
            kinds.append(st.builds("{}{}{}".format, inner, st.sampled_from(_GLUE), inner))
            kinds.append(st.builds("{} IN {}".format, inner, tables))
            kinds.append(st.builds("{} AS {}".format, inner, st.sampled_from(["x", "events", "file", "`a b`"])))
        return st.one_of(kinds)

    return st.recursive(names, larger, max_leaves=5)


def _statements(*, hostile: bool) -> st.SearchStrategy[str]:
    expressions = _expressions(hostile=hostile)
    tables = st.sampled_from(_TABLES[:3] + _HOSTILE_TABLES * hostile)
    joins = st.sampled_from(["", " CROSS JOIN events AS f", " ANY LEFT JOIN events AS f ON e.user_id = f.event"])
    sources = st.one_of(
        st.builds("{} AS e{}".format, tables, joins),
        st.builds("(SELECT *, {} AS y FROM {} AS e) AS e".format, expressions, tables),
    )
    ways = [" WHERE {} = {}", " PREWHERE {} != {}", " ORDER BY {}, {}", " GROUP BY {}, {}", " LIMIT 1 BY {}, {}"]
    clauses = st.one_of(st.just(""), *(st.builds(way.format, expressions, expressions) for way in ways))
    begins = ["", "WITH x AS (SELECT * FROM events) ", "WITH events AS (SELECT * FROM events WHERE event != '') "]
    ends = ["", " LIMIT 3", " UNION ALL SELECT user_id FROM events", " FORMAT Native"]
    return st.builds(
        "{}SELECT {} FROM {}{}{}".format,
        st.sampled_from(begins + ["EXPLAIN ", "DESCRIBE "] * hostile),
        expressions,
        sources,
        clauses,
        st.sampled_from(ends + [" SETTINGS final = 0", "; SELECT 1"] * hostile),
    )


def _tried(shop: Shop, sql: str) -> None:
    reply = shop.ask(sql, param_n="7", param_t="hour_changes", wait_end_of_query="1")
    assert reply.status_code < 500, reply.text


_FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_FUZZ
@given(sql=_statements(hostile=False))
@pytest.mark.slow
def test_no_allowed_statement_shows_another_projects_rows(shop: Shop, sql: str) -> None:
    _tried(shop, sql)


@_FUZZ
@given(sql=_statements(hostile=True))
@pytest.mark.slow
def test_no_hostile_statement_shows_another_projects_rows(shop: Shop, sql: str) -> None:
    _tried(shop, sql)
