"""The warehouse's door speaks ClickHouse's HTTP protocol, against the real engine."""

import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import lz4.block
import lz4.frame
import pytest
from backports import zstd

from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

SLOW = "SELECT count() FROM numbers_mt(1000000000000) WHERE sipHash64(number) = 7"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path_factory.mktemp("door")) as process:
        yield process


@pytest.fixture
def table(warehouse: WarehouseProcess) -> Iterator[str]:
    name = f"t_{time.monotonic_ns()}"
    warehouse.text(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield name
    warehouse.text(f"DROP TABLE {name}")


def running(warehouse: WarehouseProcess, needle: str) -> int:
    """How many queries with these words are under way, this one not counted."""
    sql = (
        "SELECT count() - 1 FROM system.processes"
        " WHERE position(query, {needle:String}) > 0 OR query LIKE '%processes%'"
    )
    return int(warehouse.text(sql, param_needle=needle))


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
def test_health_needs_no_login(warehouse: WarehouseProcess, path: str) -> None:
    reply = httpx.get(warehouse.url + path)
    assert (reply.status_code, reply.text) == (200, "Ok.\n")


def test_unknown_path_is_404(warehouse: WarehouseProcess) -> None:
    assert warehouse.client.get("/play").status_code == 404


@pytest.mark.parametrize(
    ("auth", "headers", "fields"),
    [
        (("sluice", PASSWORD), {}, {}),
        (None, {"X-ClickHouse-User": "sluice", "X-ClickHouse-Key": "PASSWORD"}, {}),
        (None, {}, {"user": "sluice", "password": PASSWORD}),
    ],
    ids=["basic", "headers", "url"],
)
def test_login_is_taken_from_each_place(
    warehouse: WarehouseProcess,
    auth: tuple[str, str] | None,
    headers: dict[str, str],
    fields: dict[str, str],
) -> None:
    basic = httpx.BasicAuth(auth[0].encode(), auth[1].encode()) if auth else None
    raw = {name: value.replace("PASSWORD", PASSWORD).encode() for name, value in headers.items()}
    reply = httpx.post(warehouse.url, content="SELECT 1", auth=basic, headers=raw, params=fields)
    assert (reply.status_code, reply.text) == (200, "1\n")


@pytest.mark.parametrize("user", ["sluice", "nobody", "operator", "default", ""])
def test_wrong_password_is_516(warehouse: WarehouseProcess, user: str) -> None:
    reply = httpx.post(warehouse.url, content="SELECT 1", auth=(user, "wrong"))
    assert reply.status_code == 403
    assert reply.headers["x-clickhouse-exception-code"] == "516"
    assert reply.text.startswith(f"Code: 516. DB::Exception: {user}: Authentication failed")


def test_missing_login_asks_for_one(warehouse: WarehouseProcess) -> None:
    reply = httpx.post(warehouse.url, content="SELECT 1")
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Basic")


def test_answer_carries_clickhouse_headers(warehouse: WarehouseProcess) -> None:
    reply = warehouse.post("SELECT number FROM numbers(5) FORMAT CSV", query_id="mine-1")
    assert reply.headers["x-clickhouse-format"] == "CSV"
    assert reply.headers["content-type"] == "text/csv; charset=UTF-8; header=absent"
    assert reply.headers["x-clickhouse-query-id"] == "mine-1"
    assert reply.headers["x-clickhouse-timezone"] == warehouse.text("SELECT timezone()")
    assert reply.headers["content-length"] == "10"
    summary = json.loads(reply.headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["result_rows"], summary["result_bytes"]) == ("5", "5", "10")
    assert int(summary["elapsed_ns"]) > 0


def test_default_format_and_default_database(warehouse: WarehouseProcess) -> None:
    assert warehouse.text("SELECT currentDatabase() AS d", default_format="JSONEachRow") == '{"d":"sluice"}'
    assert warehouse.text("SELECT currentDatabase()", database="system") == "system"
    assert warehouse.text("SELECT currentDatabase() AS d FORMAT CSV", default_format="JSON") == '"sluice"'


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("nonsense", 400, 62),
        ("", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT * FROM no_such_table", 404, 60),
        ("SELECT noSuchFunction(1)", 404, 46),
        ("SELECT no_such_column", 404, 47),
        ("SELECT toUInt8('x')", 400, 6),
        ("SELECT 1 FORMAT NoSuchFormat", 404, 73),
        ("SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_execution_time = 0.1", 408, 159),
        ("SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 10000000", 500, 241),
        ("SELECT 1 INTO OUTFILE 'x'", 501, 48),
        ("CREATE TEMPORARY TABLE x (a UInt8)", 501, 48),
        ("INSERT INTO x SELECT a FROM input('a UInt8') FORMAT CSV 1", 501, 48),
    ],
)
def test_errors_have_clickhouse_codes_and_leave_the_warehouse_usable(
    warehouse: WarehouseProcess, sql: str, status: int, code: int
) -> None:
    reply = warehouse.post(sql)
    assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (status, str(code)), reply.text
    assert reply.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "/*" not in reply.text
    assert warehouse.text("SELECT 1") == "1"


def test_unknown_setting_and_database_are_404(warehouse: WarehouseProcess) -> None:
    assert warehouse.post("SELECT 1", no_such_setting="1").headers["x-clickhouse-exception-code"] == "115"
    assert warehouse.post("SELECT 1", **{"a; DROP": "1"}).headers["x-clickhouse-exception-code"] == "115"
    assert warehouse.post("SELECT 1", database="no`such").headers["x-clickhouse-exception-code"] == "81"


def test_settings_never_reach_the_next_request(warehouse: WarehouseProcess) -> None:
    asked = "SELECT getSetting('max_result_rows'), getSetting('max_block_size')"
    plain = warehouse.text(asked)
    for rows in range(1, 30):
        assert warehouse.text(asked, max_result_rows=str(rows), max_block_size="77") == f"{rows}\t77"
        assert warehouse.text(asked) == plain
    warehouse.text("SET max_block_size = 99")
    warehouse.text("USE system")
    answers = {warehouse.text(f"{asked}, currentDatabase()") for _ in range(20)}
    assert answers == {f"{plain}\tsluice"}


def test_session_keeps_set_and_use(warehouse: WarehouseProcess) -> None:
    warehouse.text("SET max_block_size = 4321", session_id="s-1")
    warehouse.text("USE system", session_id="s-1")
    asked = "SELECT getSetting('max_block_size'), currentDatabase()"
    assert warehouse.text(asked, session_id="s-1") == "4321\tsystem"
    assert warehouse.text(asked, session_id="s-1", max_block_size="5", database="sluice") == "5\tsluice"
    assert warehouse.text(asked, session_id="s-2").endswith("\tsluice")


def test_bound_parameters_are_values_not_sql(warehouse: WarehouseProcess) -> None:
    nasty = "it's \\\\ \\t {x:String} /* ' ü"
    told = warehouse.text(
        "SELECT {s:String} AS s, {n:Int64} + 1 AS n, {a:Array(String)} AS a, {d:DateTime64(3)} AS d FORMAT JSONEachRow",
        param_s=nasty,
        param_n="-5",
        param_a="['x','y\\'z']",
        param_d="2026-01-02 03:04:05.678",
    )
    assert json.loads(told) == {
        "s": "it's \\ \t {x:String} /* ' ü",
        "n": -4,
        "a": ["x", "y'z"],
        "d": "2026-01-02 03:04:05.678",
    }
    assert warehouse.post("SELECT {missing:String}").headers["x-clickhouse-exception-code"] == "456"


def test_get_only_reads(warehouse: WarehouseProcess, table: str) -> None:
    assert warehouse.client.get("/", params={"query": "SELECT 1"}).text == "1\n"
    for sql in (
        f"INSERT INTO {table} VALUES (1, '')",
        f"INSERT INTO {table} FORMAT CSV 1,2",
        f"TRUNCATE TABLE {table}",
        "SET a = 1",
    ):
        reply = warehouse.client.get("/", params={"query": sql})
        assert reply.headers["x-clickhouse-exception-code"] == "164", sql
    assert warehouse.client.head("/", params={"query": "SELECT 1"}).headers["content-length"] == "2"


def test_insert_takes_statement_and_data_from_url_and_body(warehouse: WarehouseProcess, table: str) -> None:
    into = f"INSERT INTO {table}"
    assert (
        json.loads(warehouse.post(f"{into} FORMAT CSV\n1,x\n2,y").headers["x-clickhouse-summary"])["written_rows"]
        == "2"
    )
    warehouse.text('{"a":3,"b":"z"}', query=f"{into} FORMAT JSONEachRow")
    warehouse.text('{"b":"v","a":5}', query=f'{into} (a, b) FORMAT JSONEachRow {{"a":4,"b":"w"}}')
    warehouse.text(f"-- a comment; FORMAT Native\n {into} (`a`, b) SETTINGS async_insert = 0 format TSV 6\tu")
    warehouse.text(f"{into} VALUES (7, concat('t', 't'))")
    warehouse.text("(8, 's')", query=f"{into} VALUES")
    warehouse.text(f"{into} VALUES ({{a:UInt64}}, {{b:String}})", param_a="9", param_b="r")
    warehouse.text('{"a":10,"b":"q"}', query="INSERT INTO {t:Identifier} FORMAT JSONEachRow", param_t=table)
    warehouse.text(f"{into} SELECT 11, 'p'")
    assert warehouse.text(f"SELECT a, b FROM {table} ORDER BY a FORMAT CSV").replace('"', "").split("\n") == [
        "1,x", "2,y", "3,z", "4,w", "5,v", "6,u", "7,tt", "8,s", "9,r", "10,q", "11,p",
    ]  # fmt: skip


def test_insert_body_may_be_any_bytes(warehouse: WarehouseProcess, table: str) -> None:
    binary = bytes(range(256)) * 4
    row = (7).to_bytes(8, "little") + b"\x80\x08" + binary
    warehouse.text(f"INSERT INTO {table} FORMAT RowBinary\n".encode() + row)
    assert bytes.fromhex(warehouse.text(f"SELECT hex(b) FROM {table}")) == binary


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd.compress), ("lz4", lz4.frame.compress)],
)
def test_compressed_bodies_are_understood(
    warehouse: WarehouseProcess, table: str, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    lines = b"".join(b'{"a":%d,"b":"%d"}\n' % (n, n * n) for n in range(50_000))
    fields = {"query": f"INSERT INTO {table} FORMAT JSONEachRow"}
    body = compress(lines)
    headers = {"Content-Encoding": encoding}
    cut = warehouse.client.post("/", params=fields, content=body[: len(body) // 2], headers=headers)
    assert (cut.status_code, cut.headers["x-clickhouse-exception-code"]) == (400, "271")
    assert warehouse.text(f"SELECT count() FROM {table}") == "0"
    whole = warehouse.client.post("/", params=fields, content=body, headers=headers)
    assert whole.status_code == 200, whole.text
    assert warehouse.text(f"SELECT count(), sum(a) FROM {table}") == "50000\t1249975000"


def test_unknown_encoding_is_refused(warehouse: WarehouseProcess) -> None:
    reply = warehouse.client.post("/", content=b"SELECT 1", headers={"Content-Encoding": "br"})
    assert reply.headers["x-clickhouse-exception-code"] == "48"


@pytest.mark.parametrize(
    ("encoding", "decompress"),
    [
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
        ("zstd", zstd.decompress),
        ("lz4", lz4.frame.decompress),
    ],
)
@pytest.mark.parametrize("rows", [1_000, 500_000])
def test_answers_are_compressed_when_asked(
    warehouse: WarehouseProcess, encoding: str, decompress: Callable[[bytes], bytes], rows: int
) -> None:
    request = warehouse.client.build_request(
        "POST", "/", content=f"SELECT number FROM numbers({rows})", headers={"Accept-Encoding": encoding}
    )
    reply = warehouse.client.send(request, stream=True)
    raw = b"".join(reply.iter_raw())
    assert reply.headers["content-encoding"] == encoding
    assert decompress(raw) == b"".join(b"%d\n" % n for n in range(rows))


def test_native_compression_for_jdbc(warehouse: WarehouseProcess) -> None:
    framed = warehouse.post("SELECT number FROM numbers(500000)", compress="1")
    assert "content-encoding" not in framed.headers
    rest, lines = framed.content, b""
    while rest:
        size, plain = struct.unpack_from("<II", rest, 17)
        lines += lz4.block.decompress(rest[25 : 16 + size], uncompressed_size=plain)
        rest = rest[16 + size :]
    assert lines == b"".join(b"%d\n" % n for n in range(500_000))
    assert warehouse.post("SELECT 1", decompress="1").headers["x-clickhouse-exception-code"] == "48"


def test_answers_are_plain_when_compression_is_off(warehouse: WarehouseProcess) -> None:
    fields = {"query": "SELECT * FROM numbers(1000)", "enable_http_compression": "0"}
    reply = warehouse.client.get("/", params=fields, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in reply.headers


def test_long_result_is_sent_as_it_is_found(warehouse: WarehouseProcess) -> None:
    sql = "SELECT number, toString(number) FROM numbers(500000)"
    streamed = warehouse.post(sql)
    assert "content-length" not in streamed.headers
    whole = warehouse.post(sql, wait_end_of_query="1")
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert streamed.content == whole.content
    framed = warehouse.post(f"{sql} FORMAT JSONCompact")
    assert len(json.loads(framed.content)["data"]) == 500_000


def test_totals_are_not_lost(warehouse: WarehouseProcess) -> None:
    sql = "SELECT number % 2 AS x, count() FROM numbers(10) GROUP BY x WITH TOTALS ORDER BY x"
    assert warehouse.text(sql) == "0\t5\n1\t5\n\n0\t10"


def test_error_in_the_middle_breaks_the_answer_off(warehouse: WarehouseProcess) -> None:
    sql = "SELECT number, throwIf(number = 1900000) FROM numbers(2000000)"
    request = warehouse.client.build_request("POST", "/", content=sql)
    reply = warehouse.client.send(request, stream=True)
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        list(map(received.extend, reply.iter_raw()))
    tag = reply.headers["x-clickhouse-exception-tag"]
    assert received.endswith(f" {tag}\r\n__exception__\r\n".encode())
    assert b"Code: 395. DB::Exception" in received
    assert warehouse.post(sql, wait_end_of_query="1").headers["x-clickhouse-exception-code"] == "395"


@pytest.mark.parametrize("output_format", ["TSV", "JSON", "Native"])
def test_what_a_failed_query_had_found_reaches_no_other_request(
    warehouse: WarehouseProcess, output_format: str
) -> None:
    sql = f"SELECT number, throwIf(number = 250000) FROM numbers(300000) FORMAT {output_format}"
    for _ in range(4):
        assert warehouse.post(sql, wait_end_of_query="1").status_code == 500
    assert {warehouse.text("SELECT 1", wait_end_of_query="1") for _ in range(20)} == {"1"}


def test_failed_insert_stores_nothing(warehouse: WarehouseProcess, table: str) -> None:
    lines = b'{"a":1,"b":"x"}\n' * 50_000 + b'{"a":"no number"}\n'
    reply = warehouse.client.post("/", params={"query": f"INSERT INTO {table} FORMAT JSONEachRow"}, content=lines)
    assert reply.status_code == 400
    assert "(at row 50001)" in reply.text
    assert warehouse.text(f"SELECT count() FROM {table}") == "0"


def test_insert_larger_than_one_piece_arrives_whole(warehouse: WarehouseProcess, table: str) -> None:
    block = b"".join(b'{"a":%d,"b":"%s"}\n' % (n, b"x" * 200) for n in range(20_000))

    def chunks() -> Iterator[bytes]:
        for _ in range(12):
            yield block

    fields = {"query": f"INSERT INTO {table} FORMAT JSONEachRow"}
    reply = warehouse.client.post("/", params=fields, content=chunks())
    assert json.loads(reply.headers["x-clickhouse-summary"])["written_rows"] == "240000"
    assert warehouse.text(f"SELECT count(), sum(a) FROM {table}") == f"240000\t{12 * 199_990_000}"


@pytest.mark.parametrize("size", [1_000, 40_000_000], ids=["small", "larger than one piece"])
def test_upload_cut_off_stores_nothing(warehouse: WarehouseProcess, table: str, size: int) -> None:
    line = b'{"a":1,"b":"x"}\n'
    with socket.create_connection(("127.0.0.1", warehouse.port)) as upload:
        upload.sendall(_head(warehouse, f"INSERT INTO {table} FORMAT JSONEachRow", size * 2))
        upload.sendall(line * (size // len(line)))
        time.sleep(0.2)
    time.sleep(0.3)
    assert warehouse.text(f"SELECT count() FROM {table}") == "0"
    assert running(warehouse, f"INSERT INTO {table}") == 0


def _head(warehouse: WarehouseProcess, query: str, length: int) -> bytes:
    request = warehouse.client.build_request("POST", "/", params={"query": query})
    authorised = next(httpx.BasicAuth(b"sluice", PASSWORD.encode()).auth_flow(request))
    return b"POST %b HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nContent-Length: %d\r\n\r\n" % (
        authorised.url.raw_path,
        authorised.headers["authorization"].encode(),
        length,
    )


def test_client_that_leaves_ends_its_query(warehouse: WarehouseProcess) -> None:
    with socket.create_connection(("127.0.0.1", warehouse.port)) as impatient:
        impatient.sendall(_head(warehouse, f"{SLOW} AND 'left' = 'left'", 0))
        assert wait_until(lambda: running(warehouse, "'left'") == 1)
    assert wait_until(lambda: running(warehouse, "'left'") == 0)


def test_client_that_leaves_ends_its_download(warehouse: WarehouseProcess) -> None:
    sql = "SELECT number, 'download' FROM numbers(100000000000)"
    with socket.create_connection(("127.0.0.1", warehouse.port)) as impatient:
        impatient.sendall(_head(warehouse, sql, 0))
        assert impatient.recv(1_000).startswith(b"HTTP/1.1 200")
        assert running(warehouse, "'download'") == 1
    assert wait_until(lambda: running(warehouse, "'download'") == 0)


def test_slow_query_does_not_hold_up_a_fast_one(warehouse: WarehouseProcess) -> None:
    with ThreadPoolExecutor(4) as threads:
        slow = [threads.submit(warehouse.post, f"{SLOW} AND 'slow' = 'slow'", max_execution_time="2") for _ in range(3)]
        assert wait_until(lambda: running(warehouse, "'slow'") == 3)
        began = time.monotonic()
        assert warehouse.text("SELECT 1") == "1"
        assert time.monotonic() - began < 1
        assert [reply.result().status_code for reply in slow] == [408, 408, 408]


def test_more_requests_than_connections_wait_their_turn(warehouse: WarehouseProcess) -> None:
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda n: warehouse.text(f"SELECT {n}, sleep(0.02)"), range(80)))
    assert answers == [f"{n}\t0" for n in range(80)]


def test_form_carries_query_and_parameters(warehouse: WarehouseProcess) -> None:
    form = {"query": (None, "SELECT {x:String} AS x FORMAT JSONEachRow"), "param_x": (None, "a\\nb ü'")}
    reply = warehouse.client.post("/", files=form)
    assert json.loads(reply.text) == {"x": "a\nb ü'"}
    table = warehouse.client.post("/", files={"query": (None, "SELECT 1"), "ext": ("ext.csv", b"1")})
    assert table.headers["x-clickhouse-exception-code"] == "48"
