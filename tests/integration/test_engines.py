import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from shared.local import engines
from shared.local.engines import Engine, EngineError, EngineRunningError, prepare_postgres, prepare_valkey

pytestmark = pytest.mark.timeout(120)

Run = Callable[[Engine], Any]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def data(folder: Path) -> Path:
    return folder / "data"


def write(url: str, value: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def kept(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


@contextmanager
def client(engine: Engine) -> Iterator[redis.Redis]:
    connection = redis.Redis.from_url(engine.url)
    yield connection
    connection.close()


# PostgreSQL


def test_postgres_is_durable_listens_on_no_port_and_gives_us_no_rights_over_the_machine(postgres: Any) -> None:
    with psycopg.connect(postgres.engine.url, autocommit=True) as connection:
        settings: dict[str, str] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        assert connection.info.server_version // 10_000 == 18
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")
    assert [settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
    assert (settings["listen_addresses"], settings["data_checksums"]) == ("", "on")
    assert psutil.Process(postgres.process.pid).net_connections("inet") == []


def test_the_data_folder_and_the_socket_are_closed_to_others(postgres: Any, postgres_data: Path) -> None:
    folder = postgres_data / "postgres"
    assert folder.stat().st_mode & 0o077 == 0
    [socket] = folder.glob(".s.PGSQL.*[0-9]")
    assert socket.stat().st_mode & 0o077 == 0


@as_root
def test_another_user_of_the_machine_cannot_connect(postgres: Any, folder: Path) -> None:
    psql = Path(postgres.engine.argv[0]).with_name("psql")
    with tempfile.TemporaryDirectory() as open_folder:
        Path(open_folder).chmod(0o755)
        for user, expected in (("root", 0), ("nobody", 2)):
            argv = [psql, "-c", "SELECT 1", postgres.engine.url]
            done = subprocess.run(argv, user=user, group=user if user == "root" else "nogroup", extra_groups=[],
                                  cwd=open_folder, capture_output=True, check=False)  # fmt: skip
            assert done.returncode == expected, done.stderr


@as_root
def test_even_who_reaches_the_socket_must_be_the_user_who_started_it(postgres: Any) -> None:
    psql = Path(postgres.engine.argv[0]).with_name("psql")
    argv = [psql, "-c", "SELECT 1", postgres.engine.url]
    done = subprocess.run(argv, user=postgres.engine.user, cwd="/", capture_output=True, text=True, check=False)
    assert "Peer authentication failed" in done.stderr


def test_a_second_start_finds_what_the_first_one_wrote(data: Path, run_engine: Run) -> None:
    first = run_engine(prepare_postgres(data))
    write(first.engine.url, "a")
    assert first.stop() == 0
    assert not (data / "postgres" / "postmaster.pid").exists()
    second = run_engine(prepare_postgres(data))
    assert kept(second.engine.url) == ["a"]


def test_a_killed_postgres_starts_again_though_its_pid_is_now_another_process(data: Path, run_engine: Run) -> None:
    server = run_engine(prepare_postgres(data))
    write(server.engine.url, "committed")
    server.kill()
    sleeper = subprocess.Popen(["/bin/sleep", "60"], user=server.engine.user)
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            lines = (data / "postgres" / name).read_text().splitlines()
            (data / "postgres" / name).write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
        server.start_again(prepare_postgres(data))
        assert kept(server.engine.url) == ["committed"]
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_server_of_an_earlier_start_is_named(
    postgres: Any, postgres_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_LEAVE_SECONDS", 0.1)
    with pytest.raises(EngineRunningError, match=f"pid {postgres.process.pid}\\).*kill -INT") as error:
        prepare_postgres(postgres_data)
    assert error.value.pid == postgres.process.pid
    with psycopg.connect(postgres.engine.url) as connection:
        connection.execute("SELECT 1")


def test_an_interrupted_first_start_is_begun_anew(data: Path, run_engine: Run) -> None:
    (data / "postgres.new" / "base").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = run_engine(prepare_postgres(data))
    write(server.engine.url, "a")
    assert not (data / "postgres.new").exists()


@pytest.mark.parametrize("name", ["x" * 120 + ",", "sp ace %41'é"])
def test_postgres_works_wherever_its_data_is(folder: Path, run_engine: Run, name: str) -> None:
    engine = prepare_postgres(folder / name)
    server = run_engine(engine)
    write(engine.url, "a")
    assert kept(engine.url) == ["a"]
    server.stop()
    socket_folder = Path(engine.argv[engine.argv.index("-k") + 1])
    assert socket_folder.stat().st_mode & 0o077 == 0
    if not socket_folder.is_relative_to(folder):
        shutil.rmtree(socket_folder)


def test_variables_of_other_postgres_installations_do_not_matter(
    data: Path, run_engine: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "9999", "PGDATA": "/nonexistent", "PGHOST": "nowhere", "PGUSER": "x"}.items():
        monkeypatch.setenv(name, value)
    write(run_engine(prepare_postgres(data)).engine.url, "a")


def test_data_of_another_major_version_is_left_alone(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EngineError, match="PostgreSQL 16"):
        prepare_postgres(data)


@pytest.mark.parametrize("prepare", [prepare_postgres, lambda data: prepare_valkey(data, "64mb")])
def test_a_data_folder_that_cannot_be_made_is_said(folder: Path, prepare: Callable[[Path], Engine]) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EngineError, match="cannot be prepared in"):
        prepare(folder / "file")


def test_a_squatted_socket_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.mkdtemp())
    first = prepare_valkey(folder / ("x" * 120), "64mb")
    socket = Path(first.argv[first.argv.index("--unixsocket") + 1])
    socket.parent.chmod(0o777)
    with pytest.raises(EngineError, match="not a closed folder of ours"):
        prepare_valkey(folder / ("x" * 120), "64mb")
    shutil.rmtree(tempfile.gettempdir())


@as_root
def test_a_folder_on_the_way_is_opened_for_passing_only(folder: Path, run_engine: Run) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    write(run_engine(prepare_postgres(closed / "data")).engine.url, "a")
    assert closed.stat().st_mode & 0o777 == 0o710


# Valkey


def test_valkey_keeps_every_acknowledged_write_through_a_kill(data: Path, run_engine: Run) -> None:
    server = run_engine(prepare_valkey(data, "64mb"))
    with client(server.engine) as connection:
        ids = [connection.xadd("events", {"n": n}) for n in range(50)]
    server.kill()
    assert (data / "valkey" / "valkey.sock").exists()
    server.start_again(prepare_valkey(data, "64mb"))
    with client(server.engine) as connection:
        found: Any = connection.xrange("events")
    assert [entry for entry, _ in found] == ids


def test_valkey_refuses_writes_when_full_and_drops_no_stream(data: Path, run_engine: Run) -> None:
    server = run_engine(prepare_valkey(data, "8mb"))
    with client(server.engine) as connection:
        wanted = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "volatile-lru"}
        assert {name: connection.config_get(name)[name] for name in wanted} == wanted
        added = 0
        with contextlib.suppress(redis.exceptions.OutOfMemoryError):
            while added < 1_000:
                connection.xadd("events", {"data": os.urandom(100_000)})
                added += 1
        assert 10 < added < 1_000
        assert connection.xlen("events") == added


def test_valkey_stops_cleanly_and_is_closed_to_others(data: Path, run_engine: Run) -> None:
    server = run_engine(prepare_valkey(data, "64mb"))
    folder = data / "valkey"
    assert (folder.stat().st_mode | (folder / "valkey.sock").stat().st_mode) & 0o077 == 0
    assert psutil.Process(server.process.pid).net_connections("inet") == []
    assert server.stop() == 0
    assert not (folder / "valkey.sock").exists()


@pytest.mark.parametrize("name", ["x" * 120, "sp ace %41'é\"q"])
def test_valkey_works_wherever_its_data_is(folder: Path, run_engine: Run, name: str) -> None:
    engine = prepare_valkey(folder / name, "64mb")
    server = run_engine(engine)
    with client(engine) as connection:
        assert connection.ping()
    server.stop()
    socket_folder = Path(engine.argv[engine.argv.index("--unixsocket") + 1]).parent
    if not socket_folder.is_relative_to(folder):
        shutil.rmtree(socket_folder)


def test_a_valkey_of_an_earlier_start_is_named(data: Path, run_engine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_LEAVE_SECONDS", 0.1)
    server = run_engine(prepare_valkey(data, "64mb"))
    with pytest.raises(EngineRunningError) as error:
        prepare_valkey(data, "64mb")
    assert error.value.pid == server.process.pid


@pytest.mark.parametrize("memory", ["", "lots", "-1", "0", "512 mb", "5mb --dir /"])
def test_a_memory_that_is_no_size_is_refused(data: Path, memory: str) -> None:
    with pytest.raises(EngineError, match="SLUICE_BUS_MEMORY"):
        prepare_valkey(data, memory)


def test_an_engine_that_hangs_or_is_not_there_is_not_ready(data: Path, run_engine: Run) -> None:
    engine = prepare_valkey(data, "64mb")

    async def ready() -> bool:
        return await engine.ready()

    assert not asyncio.run(ready())
    server = run_engine(engine)
    server.signal_all(signal.SIGSTOP)
    try:
        assert not asyncio.run(ready())
    finally:
        server.signal_all(signal.SIGCONT)
