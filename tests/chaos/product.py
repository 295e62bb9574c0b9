"""The Sluice a round breaks: one instance for all rounds, whose places can be armed and whose clock can be moved."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from shared.bus import BusUnavailableError
from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.catalog.projects import create_organisation, create_project
from shared.failpoints import HIT
from shared.security.keys import Scope
from tests.chaos.plans import POINTS
from tests.e2e.running import Project, Running
from tests.load.instance import ROOT

SCOPES: tuple[Scope, ...] = ("ingest", "read", "export", "admin")
REACHED_SECONDS = 60.0
BACK_SECONDS = 120.0
_POLL_SECONDS = 0.02
# Quick where users can wait longer: leases, the erasure's look for late writes, when an hour is rolled up.
QUICK = {
    "SLUICE_JOB_LEASE_SECONDS": "2",
    "SLUICE_ERASURE_SETTLE_SECONDS": "6",
    "SLUICE_ERASURE_DISK_SECONDS": "0",
    "SLUICE_ROLLUP_QUIET_SECONDS": "0",
    "SLUICE_ROLLUP_WAIT_SECONDS": "1",
    "SLUICE_ROLLUP_OVER_SECONDS": "0",
    "SLUICE_LIMIT_READ_KEY": "none",
    "SLUICE_LIMIT_READ_ADDRESS": "none",
    "SLUICE_MODE": "development",
}


class ChaosError(Exception):
    """Something that must happen did not; the message says what."""


class Product:
    """A running instance with armed places, a movable clock, and a probe that says when it works again."""

    def __init__(self, instance: Running, folder: Path) -> None:
        self.instance = instance
        self.folder = folder
        self.points = points_folder(folder)
        self._clock = folder / "clock"

    # places

    def arm(self, point: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End whoever reaches the place next, once."""
        self.hit_file(point).unlink(missing_ok=True)
        fresh = self.points / "armed"
        fresh.write_text(number.name)
        fresh.rename(self.points / point)

    def disarm(self, point: str) -> None:
        (self.points / point).unlink(missing_ok=True)

    def hit_file(self, point: str) -> Path:
        return self.points / f"{point}{HIT}"

    def wait_hit(self, point: str, seconds: float = REACHED_SECONDS) -> float:
        """When the place was reached; raises ChaosError where it is not."""
        deadline = time.monotonic() + seconds
        while not self.hit_file(point).exists():
            if time.monotonic() > deadline:
                self.disarm(point)
                raise ChaosError(f"{point} was not reached within {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
        return time.monotonic()

    # processes

    def pid(self, part: str) -> int:
        found: int = self.instance.state()["parts"][part]
        return found

    def kill_there(self, point: str) -> float:
        """The part is killed at the place, and started again by the supervisor; when it was killed."""
        part = POINTS[point][0]
        before = self.pid(part)
        self.arm(point)
        at = self.wait_hit(point)
        self.instance.wait_restarted(part, before)
        return at

    def kill_meanwhile(self, point: str, victim: str) -> float:
        """Another part is killed while this one stands at the place, then it goes on; when the place was reached."""
        part = POINTS[point][0]
        held = psutil.Process(self.pid(part))
        self.arm(point, signal.SIGSTOP)
        try:
            at = self.wait_hit(point)
            self.kill(victim)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                held.resume()
        return at

    def kill(self, part: str) -> None:
        self.instance.wait_restarted(part, self.instance.kill(part))

    @contextlib.contextmanager
    def clock_moved(self, seconds: float) -> Iterator[None]:
        """The wall clock of every process of ours is so far ahead; the engines keep their own."""
        self._clock.write_text(str(seconds))
        try:
            yield
        finally:
            self._clock.write_text("0")
            time.sleep(0.1)  # longer than a process goes without a look

    # asking

    def new_project(self, name: str) -> Project:
        """An empty project with a key that may do everything."""

        async def make(catalog: Catalog) -> Project:
            organisation = await create_organisation(catalog, name)
            project = (await create_project(catalog, organisation["id"], name))["id"]
            write, _ = await create_key(catalog, project, "public", "write")
            secret, _ = await create_key(catalog, project, "secret", "secret", scopes=SCOPES)
            return Project(str(project), write, secret)

        return self.instance.with_catalog(make)

    def ask(
        self, project: Project, method: str, path: str, body: object = None, *, seconds: float = BACK_SECONDS
    ) -> Any:
        """The JSON of an answer, asked again while parts are away; raises ChaosError for any other refusal."""
        deadline = time.monotonic() + seconds
        while True:
            answer = "nobody answers"
            with contextlib.suppress(httpx.TransportError):
                reply = self.instance.http.request(
                    method, path, json=body, headers={"X-API-Key": project.secret_key}, timeout=20
                )
                if reply.status_code < httpx.codes.BAD_REQUEST:
                    return reply.json()
                answer = f"{reply.status_code} {reply.text[:300]}"
                if reply.status_code not in {429, 503}:
                    raise ChaosError(f"{method} {path}: {answer}")
            if time.monotonic() > deadline:
                raise ChaosError(f"{method} {path}, for {seconds:.0f} s: {answer}")
            time.sleep(0.1)

    def probe(self, project: Project, event: Mapping[str, object]) -> None:
        """Send an event until it is acknowledged and wait until its receipt says that it is stored."""
        accepted = self.ask(project, "POST", "/api/v1/events", dict(event))
        deadline = time.monotonic() + BACK_SECONDS
        while (shown := self.ask(project, "GET", f"/api/v1/receipts/{accepted['receipt']}"))["state"] != "stored":
            if time.monotonic() > deadline:
                raise ChaosError(f"an acknowledged event is not stored after {BACK_SECONDS:.0f} s: {shown}")
            time.sleep(0.05)

    def post_to(self, service: str, event_type: str) -> None:
        """Post an event without data to a function of the work process, as a source does, until it takes it."""
        headers = {
            "ce-specversion": "1.0",
            "ce-id": str(uuid.uuid4()),
            "ce-source": "/chaos",
            "ce-type": event_type,
            "ce-time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        url = f"{self.instance.env['SLUICE_WORK_URL']}/{service}/"
        deadline = time.monotonic() + BACK_SECONDS
        answer = "nobody answers"
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                reply = httpx.post(url, headers=headers, timeout=60, trust_env=False)
                if reply.is_success:
                    return
                answer = f"{reply.status_code} {reply.text[:300]}"
            time.sleep(0.1)
        raise ChaosError(f"{service} does not take {event_type}: {answer}")

    def wait_drained(self) -> None:
        """Return when batch_write has answered every record; raises ChaosError where it does not."""
        deadline = time.monotonic() + BACK_SECONDS
        lag = -1
        while lag:
            if time.monotonic() > deadline:
                raise ChaosError(f"the bus is not drained after {BACK_SECONDS:.0f} s: {lag} records wait")
            time.sleep(0.1)
            with contextlib.suppress(BusUnavailableError):
                lag = self.instance.lag()


def points_folder(folder: Path) -> Path:
    found = folder / "points"
    found.mkdir(exist_ok=True)
    return found


@contextlib.contextmanager
def product(folder: Path, data: Path | None = None) -> Iterator[Product]:
    """A started instance; `folder` gets its armed places, its clock and, unless another is named, its data."""
    instance = Running(data or folder / "d")
    python_path = os.pathsep.join([str(Path(__file__).parent / "clock"), str(ROOT)])
    instance.environ |= {
        **QUICK,
        "SLUICE_FAILPOINTS": str(points_folder(folder)),
        "SLUICE_CHAOS_CLOCK": str(folder / "clock"),
        "PYTHONPATH": python_path,
        "TMPDIR": str(folder),  # sockets of a long path go there
    }
    try:
        instance.up()
        yield Product(instance, folder)
    finally:
        instance.end()


def run_migrations(environ: Mapping[str, str]) -> int:
    """Run `python -m shared.migrate`; its exit status, negative for the signal that ended it."""
    command = [sys.executable, "-m", "shared.migrate"]
    done = subprocess.run(command, env=dict(environ), cwd=ROOT, check=False, capture_output=True, timeout=BACK_SECONDS)
    return done.returncode
