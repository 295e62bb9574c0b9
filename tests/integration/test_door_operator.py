"""The operator's login reads the warehouse and reaches nothing else."""

from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import httpx
import pytest

from tests.integration.door_process import OPERATOR_PASSWORD, PASSWORD, WarehouseProcess, warehouse_process


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    data = tmp_path_factory.mktemp("operator")
    with warehouse_process(data, SLUICE_WAREHOUSE_OPERATOR_PASSWORD=OPERATOR_PASSWORD) as process:
        process.text("CREATE TABLE facts (file String, url String, n UInt64) ENGINE = MergeTree ORDER BY n")
        process.text("INSERT INTO facts FORMAT CSV\na,http://x,1\nb,http://y,2")
        (data / "secret.csv").write_text("top,secret\n")
        yield process


def ask(warehouse: WarehouseProcess, sql: str, **fields: str) -> httpx.Response:
    auth = httpx.BasicAuth("operator", OPERATOR_PASSWORD)
    return httpx.post(warehouse.url, content=sql.encode(), params=fields, auth=auth, timeout=10)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM facts",
        "SELECT url, n FROM facts WHERE url IN ('file(', '/etc/passwd', 'http://x')",
        "WITH x AS (SELECT n FROM facts) SELECT sum(n) FROM x",
        "SELECT sum(number) FROM numbers(10)",
        "SELECT * FROM system.tables",
        "SHOW TABLES",
        "SHOW CREATE TABLE facts",
        "DESCRIBE TABLE facts",
        "EXISTS TABLE facts",
        "EXPLAIN SELECT count() FROM facts",
        "SELECT name FROM system.settings WHERE name LIKE '%file%' FORMAT JSON",
    ],
)
def test_operator_reads(warehouse: WarehouseProcess, sql: str) -> None:
    reply = ask(warehouse, sql)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO facts VALUES ('c', '', 3)",
        "INSERT INTO facts FORMAT CSV\nc,,3",
        "INSERT INTO FUNCTION file('{path}', 'CSV', 'a String') VALUES ('x')",
        "CREATE TABLE other (a UInt8) ENGINE = Memory",
        "DROP TABLE facts",
        "TRUNCATE TABLE facts",
        "ALTER TABLE facts DELETE WHERE 1",
        "DELETE FROM facts WHERE 1",
        "OPTIMIZE TABLE facts",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "SET max_threads = 1",
        "SET readonly = 0",
        "USE system",
        "BACKUP DATABASE sluice TO File('{path}')",
        "CREATE USER me",
        "CREATE FUNCTION leak AS x -> x",
    ],
)
def test_operator_changes_nothing(warehouse: WarehouseProcess, sql: str) -> None:
    reply = ask(warehouse, sql.replace("{path}", str(warehouse.data / "secret.csv")))
    assert reply.headers["x-clickhouse-exception-code"] == "164", reply.text
    assert warehouse.text("SELECT count(), sum(n) FROM facts") == "2\t3"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('{path}', 'CSV', 'a String, b String')",
        "SELECT file('{path}')",
        "SELECT FILE('{path}')",
        "SELECT `file`('{path}')",
        "SELECT \"file\"('{path}')",
        "SELECT `f\\x69le`('{path}')",
        "SELECT file/* */('{path}')",
        "SELECT * APPLY(file) FROM (SELECT '{path}')",
        "SELECT * APPLY(x -> file(x)) FROM (SELECT '{path}')",
        "SELECT arrayMap(file, ['{path}'])",
        "SELECT arrayMap(x -> file(x), ['{path}'])",
        "WITH file('{path}') AS secret SELECT secret",
        "SELECT 1 WHERE 'top' = (SELECT file('{path}'))",
        "EXPLAIN SELECT file('{path}')",
        "EXPLAIN QUERY TREE SELECT file('{path}')",
        "DESCRIBE TABLE file('{path}')",
        "DESCRIBE (SELECT * FROM file('{path}'))",
        "SELECT * FROM url('file://{path}', 'CSV', 'a String, b String')",
        "DESCRIBE TABLE url('http://127.0.0.1:1/x.csv')",
        "DESCRIBE TABLE s3('http://127.0.0.1:1/bucket/x.csv')",
        "DESCRIBE TABLE remote('127.0.0.1:1', 'system', 'one')",
        "DESCRIBE TABLE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM executable('cat {path}', 'TSV', 'a String')",
        "SELECT * FROM loop(file('{path}'))",
        "SELECT * FROM filesystem('{path}')",
        "SELECT * FROM Python('settings')",
        "SELECT hasColumnInTable('127.0.0.1:1', 'system', 'one', 'dummy')",
        "SELECT 1 UNION ALL SELECT length(file('{path}'))",
    ],
)
def test_operator_reaches_no_file_and_no_other_machine(warehouse: WarehouseProcess, sql: str) -> None:
    reply = ask(warehouse, sql.replace("{path}", str(warehouse.data / "secret.csv")))
    assert "top" not in reply.text
    assert reply.headers["x-clickhouse-exception-code"] == "497", reply.text
    assert reply.status_code == 403


def test_file_behind_a_table_name_is_not_read(warehouse: WarehouseProcess) -> None:
    reply = ask(warehouse, f"SELECT * FROM `{warehouse.data / 'secret.csv'}`", database="default")
    assert "top" not in reply.text
    assert reply.status_code >= 400


def test_operator_writes_no_file(warehouse: WarehouseProcess, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    reply = ask(warehouse, f"SELECT 1 INTO /* */ OUTFILE '{target}'")
    assert reply.status_code >= 400
    assert not target.exists()


def test_several_statements_are_refused(warehouse: WarehouseProcess) -> None:
    reply = ask(warehouse, "SELECT 1; DROP TABLE facts")
    assert reply.headers["x-clickhouse-exception-code"] in {"62", "164"}
    assert warehouse.text("SELECT count() FROM facts") == "2"


def test_syntax_error_is_told_as_one(warehouse: WarehouseProcess) -> None:
    reply = ask(warehouse, "SELEC 1")
    assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (400, "62")
    assert "formatQuery" not in reply.text


def test_settings_of_the_operator_are_dropped(warehouse: WarehouseProcess) -> None:
    plain = ask(warehouse, "SELECT getSetting('max_threads'), getSetting('readonly')").text
    changed = ask(
        warehouse, "SELECT getSetting('max_threads'), getSetting('readonly')", max_threads="1", readonly="0"
    ).text
    assert changed == plain
    assert plain.endswith("\t1\n")
    limits = ask(warehouse, "SELECT getSetting('max_execution_time') > 0, getSetting('max_memory_usage') > 0")
    assert limits.text == "1\t1\n"


def test_operator_uses_bound_parameters_and_other_databases(warehouse: WarehouseProcess) -> None:
    sql = "SELECT count() FROM {t:Identifier} WHERE file = {f:String}"
    assert ask(warehouse, sql.replace("file =", "url ="), param_t="facts", param_f="http://x").text == "1\n"
    assert ask(warehouse, "SELECT count() > 0 FROM tables", database="system").text == "1\n"


def test_clickhouse_connect_works_for_the_operator(warehouse: WarehouseProcess) -> None:
    with clickhouse_connect.get_client(
        host="127.0.0.1", port=warehouse.port, username="operator", password=OPERATOR_PASSWORD, database="sluice"
    ) as client:
        assert client.query("SELECT sum(n) FROM facts").first_row == (3,)


def test_our_functions_login_is_not_bound_by_these_rules(warehouse: WarehouseProcess) -> None:
    assert warehouse.text(f"SELECT file('{warehouse.data / 'secret.csv'}')") == "top,secret\\n"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD])
def test_wrong_operator_password_is_refused(warehouse: WarehouseProcess, password: str) -> None:
    auth = httpx.BasicAuth(b"operator", password.encode())
    reply = httpx.post(warehouse.url, content=b"SELECT 1", auth=auth)
    assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (403, "516")
