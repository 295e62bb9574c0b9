"""What the door reads out of a statement's text."""

import time

import pytest

from shared.local.chdb_engine import EngineError
from shared.local.door_sql import InsertHead, check_statement, insert_head, read_statement


@pytest.mark.parametrize(
    ("sql", "clause", "name", "data"),
    [
        (b"INSERT INTO t ", b"FORMAT CSV\n", "CSV", b"1,2"),
        (b"insert into t ", b"format JSONEachRow ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t ", b"FORMAT Native\r\n", "Native", b"\n\x00"),
        (b"INSERT INTO t ", b"FORMAT TSV \t\n", "TSV", b"\t1"),
        (b'INSERT INTO t (a, `format`, "FORMAT") ', b"FORMAT RowBinary ", "RowBinary", b""),
        (b"/* SELECT */ INSERT INTO t -- VALUES\n ", b"FORMAT TSV\n", "TSV", b"1"),
        (b"INSERT INTO t SETTINGS a = 'FORMAT X', b=1 ", b"FORMAT/**/ Native", "Native", b""),
        (b"INSERT INTO FUNCTION null('a UInt8') ", b"FORMAT CSV\n", "CSV", b"1"),
        (b"INSERT INTO t ", b"FORMAT CSV\n", "CSV", b"; DROP TABLE t"),
    ],
)
def test_insert_is_taken_apart(sql: bytes, clause: bytes, name: str, data: bytes) -> None:
    assert insert_head(sql + clause + data) == InsertHead(sql, name, len(sql + clause))


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t VALUES (1) ",
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"INSERT INTO t (a) SELECT a FROM input('a UInt8') FORMAT CSV 1",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t; SELECT 1 FORMAT CSV",
        b"INSERTED INTO t FORMAT CSV",
        b"INSERT INTO t FORMAT",
        b"INSERT",
        b"",
    ],
)
def test_other_statements_have_no_data(text: bytes) -> None:
    assert insert_head(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", ""),
        (b"SELECT 1 FORMAT CSV", "CSV"),
        (b"SELECT 1 format /* x */ Native ; ", "Native"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "JSON"),
        (b"SELECT 1 SETTINGS max_threads = 1 FORMAT JSON", "JSON"),
        (b"SELECT 'FORMAT CSV'", ""),
        (b"SELECT 1 -- FORMAT CSV", ""),
        (b"SELECT 1 # FORMAT CSV", ""),
        (b"SELECT $$ FORMAT CSV $$", ""),
        (b"SELECT * FROM format(CSV, '1') AS x", ""),
        (b"SELECT a AS format FROM t", ""),
        (b"SELECT 'it\\'s', `FORMAT` FROM t FORMAT TSV\n/*marker*/", "TSV"),
    ],
)
def test_output_format_is_the_one_the_statement_asks_for(text: bytes, name: str) -> None:
    assert read_statement(text).output_format == name


@pytest.mark.parametrize(
    ("text", "streams"),
    [
        (b"SELECT 1", True),
        (b"WITH 1 AS x SELECT x;", True),
        (b"(SELECT 1) UNION ALL (SELECT 2)", True),
        (b"SELECT 1; SELECT 2", False),
        (b"SELECT count() FROM t GROUP BY a WITH TOTALS", False),
        (b"SELECT 1 SETTINGS extremes = 1", False),
        (b"SELECT 1 SETTINGS output_format_json_array_of_rows = 1", False),
        (b"WITH 1 AS x INSERT INTO t SELECT x", False),
        (b"SHOW TABLES", False),
        (b"EXPLAIN SELECT 1", False),
    ],
)
def test_only_a_plain_select_is_streamed(text: bytes, streams: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    assert read_statement(text).streamable("Native") is streams
    assert read_statement(text).streamable("jsoneachrow") is streams
    assert not read_statement(text).streamable("JSON")
    assert not read_statement(text).streamable("CSVWithNames")


def test_data_after_values_are_not_read() -> None:
    text = b"INSERT INTO t VALUES " + b"(1, 'FORMAT', input(TEMPORARY))," * 100_000
    began = time.perf_counter()
    statement = read_statement(text)
    assert time.perf_counter() - began < 0.1
    assert statement.words == {b"INSERT", b"INTO", b"T", b"VALUES"}
    check_statement(statement)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 INTO OUTFILE 'x'",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"create temporary table t (a UInt8)",
        b"INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV",
    ],
)
def test_what_would_do_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        check_statement(read_statement(text))
    assert caught.value.code == 48


@pytest.mark.parametrize(
    "text", [b"SELECT 'INTO OUTFILE'", b"SELECT input FROM t", b"CREATE TABLE temporary (a UInt8)"]
)
def test_words_in_other_places_are_not_refused(text: bytes) -> None:
    check_statement(read_statement(text))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"INSERT INTO t ", b"INSERT INTO t \nFROM INFILE '/p'\n\nFORMAT CSV"),
        (b"INSERT INTO t (a, b) -- c\n", b"INSERT INTO t (a, b) -- c\n\nFROM INFILE '/p'\n\nFORMAT CSV"),
        (b"INSERT INTO t (a) SETTINGS x = 1 ", b"INSERT INTO t (a) \nFROM INFILE '/p'\nSETTINGS x = 1 \nFORMAT CSV"),
        (b"INSERT INTO settings (settings) ", b"INSERT INTO settings (settings) \nFROM INFILE '/p'\n\nFORMAT CSV"),
    ],
    ids=["plain", "comment", "settings", "named settings"],
)
def test_the_data_of_an_insert_may_be_in_a_file_named_before_its_settings(sql: bytes, expected: bytes) -> None:
    assert InsertHead(sql, "CSV", 0).from_file("/p") == expected
