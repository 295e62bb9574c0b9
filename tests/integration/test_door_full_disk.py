"""The embedded warehouse on a disk that is full: an INSERT that is not stored is refused, never acknowledged."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.chaos import disk
from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

NOT_ENOUGH_SPACE = "Code: 243."


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(disk, "SIZE", "120m")
    with contextlib.ExitStack() as ends:
        try:
            mounted = ends.enter_context(disk.small_disk())
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a tmpfs cannot be mounted here: {error}")
        yield mounted


def insert(process: WarehouseProcess, first: int, text: str = "a") -> httpx.Response:
    lines = "\n".join(f'{{"n":{first + more},"s":"{text}"}}' for more in range(10))
    url, login = f"{process.url}/", ("sluice", PASSWORD)
    query = {"query": "INSERT INTO t (n, s) SETTINGS async_insert = 0 FORMAT JSONEachRow", "database": "d"}
    return httpx.post(url, params=query, content=lines, auth=login, timeout=60, trust_env=False)


def test_what_the_disk_does_not_take_is_refused_and_what_was_acknowledged_is_there(small: Path) -> None:
    with warehouse_process(small) as process:
        process.text("CREATE DATABASE d")
        process.text("CREATE TABLE d.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
        acked = [0] if insert(process, 0).status_code == 200 else []
        disk.fill(small)
        for first in range(100, 600, 100):
            reply = insert(process, first)
            if reply.status_code == 200:
                acked.append(first)
            else:
                assert NOT_ENOUGH_SPACE in reply.text
        (small / "ballast").unlink()
        assert insert(process, 1_000).status_code == 200
        stored = {int(line) for line in process.text("SELECT n FROM d.t").splitlines()}
    assert stored == {first + more for first in [*acked, 1_000] for more in range(10)}
    assert len(acked) < 6, "the disk was never full"
