"""A whole Sluice for tests: started by the command, asked over HTTP, broken by signals, ended by its own pids."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil

from shared.bus import Bus, Delivery, Message, open_bus
from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.catalog.projects import create_organisation, create_project
from shared.cli.client import Demo, read_demo
from shared.events import EVENTS_TOPIC
from shared.local import control
from shared.security.keys import Scope
from tests.load.instance import ROOT, WRITER, free_ports

T = TypeVar("T")

EVENTS = "/api/v1/events"
COUNT = "/api/v1/query/count"
# `E2E_PROFILE=split pytest tests/e2e` runs every function in a process of its own.
PROFILE = os.environ.get("E2E_PROFILE", "")
UP_SECONDS = 180
DOWN_SECONDS = 60
_POLL_SECONDS = 0.05
_SECRET_SCOPES: tuple[Scope, ...] = ("ingest", "read")


@dataclass(frozen=True)
class Project:
    """A project and its keys."""

    id: str
    write_key: str
    secret_key: str

    @property
    def rows(self) -> str:
        """The condition of SQL that its rows fulfil."""
        return f"project_id = '{self.id}'"


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """The first true value of `condition`; fails with `what` and its last value after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; at the end: {value!r}"
        time.sleep(_POLL_SECONDS)
    return value


class Running:
    """One instance in a data folder of its own, on ports of its own. `up` may be called again after any end."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_ports()
        older = ("SLUICE_", "POSTGRES_", "CLICKHOUSE_")  # names that point at somebody's own engines
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(older)}
        ours = {"SLUICE_WEB": "off", "SLUICE_DATA": str(data), "SLUICE_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        if PROFILE:
            ours |= {"SLUICE_PROFILE": PROFILE, "SLUICE_IDLE_SECONDS": "20"}
        self.environ = {**inherited, **ours}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)
        self._seen: dict[int, psutil.Process] = {}

    # its life

    def up(self) -> None:
        """Start everything; the end of every log is in the message where that fails."""
        done = self.cli("up", timeout=UP_SECONDS)
        self.note_processes()
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.log_ends()}"

    def cli(
        self, *arguments: str, timeout: float = 120, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a `sluice` command beside the instance, in a folder without any settings."""
        return subprocess.run(
            [sys.executable, "-m", "shared.cli.main", *arguments],
            cwd=self.data.parent,
            env={**self.environ, **(environ or {})},
            timeout=timeout,
            check=False,
            capture_output=True,
            text=True,
        )

    def state(self) -> dict[str, Any]:
        """What the supervisor last wrote: its own pid, the `parts` by name, the `env`."""
        return control.read_state(self.data)

    def note_processes(self) -> dict[int, psutil.Process]:
        """Every process of the instance seen so far, by pid; the living ones are looked up anew."""
        state = self.state()
        for pid in {state.get("pid", 0), *state.get("parts", {}).values()} - {0}:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if self._is_ours(process):
                    for member in [process, *process.children(recursive=True)]:
                        self._seen.setdefault(member.pid, member)
        return self._seen

    def _is_ours(self, process: psutil.Process) -> bool:
        """Whether a pid that was read from a file still is what it was: another process may have it by now."""
        with contextlib.suppress(psutil.AccessDenied):
            data = os.fspath(self.data.resolve())
            return process.environ().get("SLUICE_DATA") in {data, str(self.data)} or process.cwd().startswith(data)
        return False

    def living(self) -> list[str]:
        """The seen processes that still run, for people."""
        found = []
        for process in self._seen.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {process.name()}")
        return found

    def end(self) -> None:
        """End the instance by its own pids, whatever state a failed test left it in."""
        processes = list(self.note_processes().values())
        self.http.close()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        with contextlib.suppress(psutil.NoSuchProcess, KeyError):
            self._seen[self.state()["pid"]].terminate()  # the supervisor stops all parts
        _, alive = psutil.wait_procs(processes, timeout=DOWN_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def log_ends(self, lines: int = 15) -> str:
        """The last lines of every log."""
        ends = []
        for path in sorted((self.data / "logs").glob("*.log")):
            ends += [f"--- {path.name}", *path.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(ends)

    # questions

    @property
    def env(self) -> dict[str, str]:
        """The environment the supervisor gives to all parts."""
        found: dict[str, str] = self.state()["env"]
        return found

    @property
    def demo(self) -> Demo:
        found = read_demo(self.data)
        assert found is not None
        return found

    @property
    def demo_project(self) -> Project:
        return Project(self.demo.project_id, self.demo.write_key, self.demo.secret_key)

    def new_project(self) -> Project:
        """An empty project, so that a test counts only what it sent itself."""

        async def make(catalog: Catalog) -> Project:
            organisation = await create_organisation(catalog, "Tests")
            project = (await create_project(catalog, organisation["id"], "Tests"))["id"]
            write, _ = await create_key(catalog, project, "public", "write")
            secret, _ = await create_key(catalog, project, "secret", "secret", scopes=_SECRET_SCOPES)
            return Project(str(project), write, secret)

        return self.with_catalog(make)

    def with_catalog(self, work: Callable[[Catalog], Awaitable[T]]) -> T:
        """Run `work` on the instance's catalog."""

        async def run() -> T:
            catalog = Catalog(self.env["SLUICE_CATALOG_URL"])
            try:
                return await work(catalog)
            finally:
                await catalog.close()

        return asyncio.run(run())

    def post(self, body: object, project: Project) -> httpx.Response:
        """POST events: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.http.post(EVENTS, content=content, headers={"X-API-Key": project.write_key})

    def count(self, project: Project, **query: object) -> Any:
        """The value of a count query, by default over the last day and the next hours."""
        now = time.time()
        span = {"from": _iso(now - 86_400), "to": _iso(now + 7_200)}
        reply = self.http.post(COUNT, json={**span, **query}, headers={"X-API-Key": project.secret_key})
        assert reply.status_code == 200, reply.text
        return reply.json()["value"]

    def warehouse(self, sql: str) -> list[list[Any]]:
        """The rows of a SELECT through the warehouse's HTTP door, with our functions' login."""
        url = urlsplit(self.env["SLUICE_WAREHOUSE_URL"])
        reply = httpx.post(
            f"http://{url.hostname}:{url.port}/",
            params={"database": url.path[1:], "default_format": "JSONCompact"},
            content=sql,
            auth=(url.username or "", url.password or ""),
            timeout=60,
            trust_env=False,
        )
        assert reply.status_code == 200, reply.text
        rows: list[list[Any]] = reply.json()["data"]
        return rows

    def metric(self, part: str, line: str, service: str = "") -> float:
        """The value of the metric line that begins with `line` on a part's own /metrics; 0 where there is none.

        `service` is the function that counts it, which has a process of its own in the profile `split`.
        """
        port = self.env[f"SLUICE_{part.upper()}_PORT"]
        path = f"{service}/metrics" if service else "metrics"
        text = httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=10, trust_env=False).text
        return next((float(found.rpartition(" ")[2]) for found in text.splitlines() if found.startswith(line)), 0.0)

    # the bus

    def with_bus(self, work: Callable[[Bus], Awaitable[T]]) -> T:
        """Run `work` on the instance's bus."""

        async def run() -> T:
            bus = open_bus(self.env["SLUICE_BUS_URL"])
            try:
                return await work(bus)
            finally:
                await bus.close()

        return asyncio.run(run())

    def lag(self) -> int:
        """Records batch_write has not answered yet."""
        return self.with_bus(lambda bus: bus.lag(EVENTS_TOPIC, WRITER))

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Put messages on the bus past every check."""
        self.with_bus(lambda bus: bus.publish(topic, messages))

    def follow(self, topic: str, group: str) -> None:
        """Make a group, so that the bus keeps everything from now on until `read` has taken it."""

        async def join(bus: Bus) -> None:
            await (await bus.subscribe(topic, group)).close()

        self.with_bus(join)

    def read(self, topic: str, group: str) -> list[Delivery]:
        """Take and acknowledge all that a followed topic holds now."""

        async def drain(bus: Bus) -> list[Delivery]:
            found: list[Delivery] = []
            subscription = await bus.subscribe(topic, group)
            while await bus.lag(topic, group):
                taken = await subscription.take(100, 2)
                found += taken
                await subscription.ack([delivery.position for delivery in taken])
            await subscription.close()
            return found

        return self.with_bus(drain)

    # breaking it

    def kill(self, part: str) -> int:
        """End a part with SIGKILL; returns its pid."""
        pid: int = self.state()["parts"][part]
        self.note_processes()
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, part: str, killed: int, seconds: float = 60) -> None:
        """Return when the supervisor has started the part anew."""
        wait_until(lambda: self.state()["parts"].get(part, killed) != killed, seconds, f"{part} is started again")

    @contextlib.contextmanager
    def paused(self, part: str) -> Iterator[None]:
        """Freeze a part and its children (SIGSTOP), and let them go on at the end."""
        process = psutil.Process(self.state()["parts"][part])
        process.suspend()
        members = [process, *process.children(recursive=True)]
        for member in members[1:]:
            member.suspend()
        try:
            yield
        finally:
            for member in reversed(members):
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.resume()


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@contextlib.contextmanager
def running(*below: str, **environ: str) -> Iterator[Running]:
    """A started instance in a temporary folder (its data in the folders `below` it), ended and removed afterwards.

    `environ` is added to its environment.
    """
    folder = Path(tempfile.mkdtemp(prefix="sl"))
    data = folder.joinpath(*below or ("d",))
    data.parent.mkdir(parents=True, exist_ok=True)
    instance = Running(data)
    instance.environ |= environ
    instance.environ["TMPDIR"] = str(folder)  # sockets of a long path go there, and with it
    try:
        instance.up()
        yield instance
    finally:
        instance.end()
        shutil.rmtree(folder, ignore_errors=True)
