"""The clients people use find a ClickHouse server behind the door: clickhouse-connect and SQLAlchemy."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator

import clickhouse_connect
import pytest
import sqlalchemy as sa
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

COLUMNS = ["id", "name", "raw", "tags", "at", "props"]
TABLE = """
    CREATE OR REPLACE TABLE things (
        id UUID, name LowCardinality(String), raw String, tags Array(String), at DateTime64(6, 'UTC'),
        props JSON
    ) ENGINE = MergeTree ORDER BY (name, id)
"""
AT = dt.datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=dt.UTC)


def rows(count: int) -> list[list[object]]:
    return [
        [uuid.UUID(int=n), f"n{n % 3}", bytes(range(256)), ["a", "b'\n"], AT, {"price": n, "deep": {"x": "ü"}}]
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path_factory.mktemp("clients")) as process:
        yield process


@pytest.fixture
def client(warehouse: WarehouseProcess) -> Iterator[Client]:
    with clickhouse_connect.get_client(
        host="127.0.0.1", port=warehouse.port, username="sluice", password=PASSWORD, database="sluice"
    ) as client:
        yield client


@pytest.fixture
async def async_client(warehouse: WarehouseProcess) -> AsyncIterator[AsyncClient]:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=warehouse.port, username="sluice", password=PASSWORD, database="sluice"
    )
    yield client
    await client.close()


def test_client_learns_version_and_timezone(client: Client) -> None:
    assert client.server_version.split(".") >= ["25", "8"]
    assert client.ping()
    assert client.command("SELECT currentDatabase()") == "sluice"


def test_native_insert_keeps_every_byte(client: Client) -> None:
    client.command(TABLE)
    summary = client.insert("things", rows(100), column_names=COLUMNS)
    assert summary.written_rows == 100
    read = client.query(
        "SELECT raw, tags, at, props.price.:Int64, props.deep.x.:String FROM things WHERE id = {id:UUID}",
        parameters={"id": uuid.UUID(int=7)},
        query_formats={"String": "bytes"},
    )
    raw, tags, at, price, text = read.result_rows[0]
    assert (raw, price, text) == (bytes(range(256)), 7, "ü".encode())
    assert tags == [b"a", b"b'\n"]
    assert at.replace(tzinfo=dt.UTC) == AT
    assert read.summary["read_rows"] != "0"


@pytest.mark.parametrize("compression", [None, "gzip", "zstd", "lz4"])
def test_raw_insert_with_and_without_compression(client: Client, compression: str | None) -> None:
    client.command("CREATE OR REPLACE TABLE raw_things (a UInt32, b String) ENGINE = MergeTree ORDER BY a")
    lines = b"".join(b'{"a":%d,"b":"x"}\n' % n for n in range(10_000))
    if compression is not None:
        import gzip

        import lz4.frame
        from backports import zstd

        lines = {"gzip": gzip.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}[compression](lines)
    client.raw_insert("raw_things", ["a", "b"], lines, fmt="JSONEachRow", compression=compression)
    assert client.query("SELECT count(), sum(a) FROM raw_things").first_row == (10_000, 49_995_000)


def test_bound_parameters_settings_and_empty_results(client: Client) -> None:
    nasty = "o'\\ \n\t{x:String}--"
    told = client.query("SELECT {a:String}, {b:Array(Int32)}", parameters={"a": nasty, "b": [1, -2]})
    assert told.first_row == (nasty, [1, -2])
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 1}).first_row == (1,)
    assert client.query("SELECT number FROM numbers(0)").result_rows == []
    assert client.query("SELECT number AS n FROM numbers(3) LIMIT 0").column_names == ("n",)


def test_parameter_too_long_for_a_url(client: Client) -> None:
    long = "é'" * 100_000
    assert client.query("SELECT length({x:String}), {x:String}", parameters={"x": long}).first_row == (300_000, long)


def test_arrow_numpy_and_pandas(client: Client) -> None:
    sql = "SELECT number AS n, toString(number) AS s FROM numbers(100000)"
    assert client.query_arrow(sql).num_rows == 100_000
    assert int(client.query_np(sql)["n"].sum()) == 4_999_950_000
    assert list(client.query_df("SELECT number AS n FROM numbers(3)")["n"]) == [0, 1, 2]


def test_stream_of_blocks_is_the_whole_result(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(3000000)") as stream:
        assert sum(sum(row[0] for row in block) for block in stream) == 4_499_998_500_000


def test_failure_in_mid_stream_is_an_exception(client: Client) -> None:
    sql = "SELECT throwIf(number = 2900000, 'too far') FROM numbers(3000000)"
    with pytest.raises(StreamFailureError, match="too far"), client.query_row_block_stream(sql) as stream:
        for _ in stream:
            pass


def test_errors_carry_code_and_name(client: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query("SELECT * FROM no_such_table")
    assert (caught.value.code, caught.value.name) == (60, "UNKNOWN_TABLE")
    with pytest.raises(DatabaseError) as caught:
        client.insert(
            "raw_things", [["no number", "x"]], column_names=["a", "b"], column_type_names=["String", "String"]
        )
    assert client.command("SELECT 1") == 1


def test_session_of_a_client_keeps_its_settings(client: Client) -> None:
    client.command("SET max_block_size = 1234")
    assert client.query("SELECT getSetting('max_block_size')").first_row == (1234,)


async def test_async_client_runs_queries_beside_each_other(async_client: AsyncClient) -> None:
    await async_client.command(TABLE)
    summary = await async_client.insert("things", rows(50), column_names=COLUMNS)
    assert summary.written_rows == 50
    answers = await asyncio.gather(
        *(
            async_client.query(
                "SELECT {n:UInt32}, count() FROM things", parameters={"n": n}, settings={"max_threads": 1}
            )
            for n in range(30)
        )
    )
    assert [answer.first_row for answer in answers] == [(n, 50) for n in range(30)]
    with pytest.raises(DatabaseError):
        await async_client.query("SELEC")


async def test_async_raw_insert_of_lines(async_client: AsyncClient) -> None:
    await async_client.command("CREATE OR REPLACE TABLE lines (a UInt32) ENGINE = MergeTree ORDER BY a")
    body = b"".join(b'{"a":%d}\n' % n for n in range(100_000))
    summary = await async_client.raw_insert("lines", ["a"], body, fmt="JSONEachRow")
    assert summary.written_rows == 100_000


def test_sqlalchemy_reflects_and_selects(warehouse: WarehouseProcess, client: Client) -> None:
    client.command(
        "CREATE OR REPLACE TABLE sales (day Date, item String, amount Float64) ENGINE = MergeTree ORDER BY day"
    )
    client.insert("sales", [[dt.date(2026, 1, n), f"i{n % 2}", n / 2] for n in range(1, 11)])
    url = sa.URL.create("clickhousedb+connect", "sluice", PASSWORD, "127.0.0.1", warehouse.port, "sluice")
    engine = sa.create_engine(url)
    try:
        assert "sales" in sa.inspect(engine).get_table_names()
        sales = sa.Table("sales", sa.MetaData(), autoload_with=engine)
        total = sa.func.sum(sales.c.amount)
        by_item = sa.select(sales.c.item, total).group_by(sales.c.item).order_by(sales.c.item)
        with engine.connect() as connection:
            assert connection.execute(by_item).all() == [("i0", 15.0), ("i1", 12.5)]
    finally:
        engine.dispose()
