"""The warehouse as a process: it starts, refuses to start, stops cleanly, and loses nothing when killed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.integration.door_process import PASSWORD, WarehouseProcess, free_port, warehouse_process

TABLE = """
    CREATE TABLE IF NOT EXISTS acked (writer UInt32, n UInt64) ENGINE = MergeTree ORDER BY (writer, n)
    SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path / "with space") as process:
        yield process


class Writer(threading.Thread):
    """Writes blocks of ten rows until the warehouse is gone; counts what was acknowledged."""

    def __init__(self, warehouse: WarehouseProcess, number: int) -> None:
        super().__init__()
        self._warehouse = warehouse
        self._number = number
        self.acked = 0

    def run(self) -> None:
        auth = httpx.BasicAuth(b"sluice", PASSWORD.encode())
        with httpx.Client(base_url=self._warehouse.url, auth=auth) as client:
            while True:
                block = "\n".join(f"{self._number},{n}" for n in range(self.acked, self.acked + 10))
                try:
                    reply = client.post("/", content=f"INSERT INTO acked FORMAT CSV\n{block}")
                except httpx.TransportError:
                    return
                if reply.status_code == httpx.codes.OK:
                    self.acked += 10


def test_acknowledged_rows_survive_kill_9(warehouse: WarehouseProcess) -> None:
    acked = dict.fromkeys(range(6), 0)
    for round_number in range(2):
        warehouse.text(TABLE)
        writers = [Writer(warehouse, 3 * round_number + n) for n in range(3)]
        for writer in writers:
            writer.start()
        time.sleep(1.2)
        warehouse.kill()
        for number, writer in enumerate(writers):
            writer.join(10)
            acked[3 * round_number + number] = writer.acked
        warehouse.restart()
    assert sum(acked.values()) > 100
    counted = warehouse.text(
        "SELECT writer, uniqExact(n), max(n) + 1, count() FROM acked GROUP BY writer ORDER BY writer"
    )
    for line in counted.split("\n"):
        writer_number, distinct, beyond, count = map(int, line.split("\t"))
        # the block in flight may be stored or not, whole
        assert distinct == beyond == count
        assert count - acked[writer_number] in {0, 10}


def test_sigterm_lets_running_statements_end(warehouse: WarehouseProcess) -> None:
    with ThreadPoolExecutor(1) as threads:
        reply = threads.submit(warehouse.post, "SELECT sleepEachRow(0.5) FROM numbers(3)")
        time.sleep(0.3)
        assert warehouse.stop() == 0
        assert reply.result().text == "0\n0\n0\n"
    with pytest.raises(httpx.TransportError):
        warehouse.client.get("/ping")
    warehouse.restart()
    assert warehouse.text("SELECT 1") == "1"


def test_operator_login_is_off_until_it_has_a_password(warehouse: WarehouseProcess) -> None:
    for password in ("", PASSWORD):
        auth = httpx.BasicAuth(b"operator", password.encode())
        reply = httpx.post(warehouse.url, content=b"SELECT 1", auth=auth)
        assert (reply.status_code, reply.headers["x-clickhouse-exception-code"]) == (403, "516")


def test_result_that_cannot_be_streamed_is_bounded(tmp_path: Path) -> None:
    sql = "SELECT number, toString(number) FROM numbers(8000000)"
    with warehouse_process(tmp_path, SLUICE_WAREHOUSE_MEMORY=str(512 * 1024 * 1024)) as warehouse:
        refused = warehouse.post(f"{sql} FORMAT JSONCompact")
        assert (refused.status_code, refused.headers["x-clickhouse-exception-code"]) == (500, "396")
        with warehouse.client.stream("POST", "/", content=sql) as streamed:
            assert sum(chunk.count(b"\n") for chunk in streamed.iter_raw()) == 8_000_000


def failed_start(**env: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-m", "shared.local.warehouse"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return run.returncode, run.stderr


def test_it_says_why_it_cannot_start(warehouse: WarehouseProcess, tmp_path: Path) -> None:
    code, said = failed_start(SLUICE_DATA=str(tmp_path / "x"), SLUICE_WAREHOUSE_PORT="1x")
    assert code != 0
    assert "SLUICE_WAREHOUSE_PASSWORD is required" in said
    assert "SLUICE_WAREHOUSE_PORT='1x'" in said

    taken = {"SLUICE_WAREHOUSE_PASSWORD": "pw", "SLUICE_WAREHOUSE_PORT": str(warehouse.port)}
    code, said = failed_start(SLUICE_DATA=str(tmp_path / "x"), **taken)
    assert code != 0
    assert f"cannot listen on 127.0.0.1:{warehouse.port}: Address already in use" in said
    assert "Traceback" not in said

    elsewhere = {"SLUICE_WAREHOUSE_PASSWORD": "pw", "SLUICE_WAREHOUSE_PORT": str(free_port())}
    code, said = failed_start(SLUICE_DATA=str(warehouse.data), **elsewhere)
    assert code != 0
    assert "cannot be opened" in said
    assert "Traceback" not in said
