"""The clients of a round: load whose every event is known beforehand, and what each client was told of it."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tests.chaos.product import ChaosError, Product
from tests.e2e.running import Project
from tests.load.acklog import read_ids, unknown_path
from tests.load.generator import Plan, start_load
from tests.load.pool import make_events

RATE = 50.0
HOURS = 5
LONGEST_SECONDS = 600.0
MORE_ACKS = 20
GO_ON_SECONDS = 120.0
_POOL = 600
_RUN_CHARACTERS = 24


class Fact(NamedTuple):
    """What a count sees of an event: its name and its hour, in seconds since 1970."""

    event: str
    hour: int


def fact_of(event: dict[str, object]) -> Fact:
    moment = datetime.fromisoformat(str(event["timestamp"]))
    return Fact(str(event["event"]), int(moment.timestamp()) // 3_600 * 3_600)


@dataclass(frozen=True)
class Client:
    """A load generator in a process of its own; it never sends again what was acknowledged."""

    plan: Plan
    process: subprocess.Popen[bytes]

    @property
    def _file(self) -> Path:
        return Path(self.plan.acks)

    def acked_so_far(self) -> int:
        return self._file.read_bytes().count(b"\n") if self._file.exists() else 0

    def stop(self) -> None:
        """End it as ^C does: it writes down what it sent and was never told about."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.communicate(timeout=60)

    def acked(self) -> dict[str, Fact]:
        return {name: self._fact(name) for name in read_ids(self._file)}

    def unknown(self) -> dict[str, Fact]:
        return {name: self._fact(name) for name in read_ids(unknown_path(self._file))}

    def _fact(self, name: str) -> Fact:
        """What was sent under an id: the generator takes its events in turn."""
        plan, number = self.plan, int(name[_RUN_CHARACTERS:], 16)
        request, place = divmod(number, plan.batch)
        return self._facts[request % (plan.pool // plan.batch) * plan.batch + place]

    @cached_property
    def _facts(self) -> Sequence[Fact]:
        plan = self.plan
        assert plan.moment is not None
        return [
            fact_of(event) for event in make_events(seed=plan.seed, count=plan.pool, now=plan.moment, hours=plan.hours)
        ]


@dataclass
class Told:
    """What was said of the events of one project, whoever sent them."""

    project: Project
    clients: list[Client] = field(default_factory=list)
    acked: dict[str, Fact] = field(default_factory=dict)
    unknown: dict[str, Fact] = field(default_factory=dict)

    def settle(self) -> None:
        """Take over what the stopped clients were told."""
        for client in self.clients:
            self.acked |= client.acked()
            self.unknown |= client.unknown()


@contextlib.contextmanager
def clients(product: Product, projects: Sequence[Project], folder: Path, seed: int) -> Iterator[list[Told]]:
    """Load on two projects: one client resends what was not acknowledged, one does not and sends batches."""
    told = [Told(project) for project in projects]
    try:
        for place, (of, resend, batch) in enumerate(((told[0], True, 1), (told[1], False, 20), (told[1], True, 1))):
            plan = Plan(
                url=str(product.instance.http.base_url),
                key=of.project.write_key,
                connections=8,
                seconds=LONGEST_SECONDS,
                rate=RATE * 2 / batch if batch > 1 else RATE,
                batch=batch,
                seed=seed * 10 + place,
                pool=_POOL,
                acks=str(folder / f"acks-{seed}-{place}"),
                resend=resend,
                now=time.time() // 1,
                hours=HOURS,
            )
            of.clients.append(Client(plan, start_load(plan)))
        goes_on(told)
        yield told
    finally:
        for client in (client for of in told for client in of.clients):
            client.stop()


def goes_on(told: Sequence[Told]) -> None:
    """Return when every client is being acknowledged again; raises ChaosError where one is not."""
    everybody = [client for of in told for client in of.clients]
    before = [client.acked_so_far() for client in everybody]
    deadline = time.monotonic() + GO_ON_SECONDS
    while any(client.acked_so_far() < start + MORE_ACKS for client, start in zip(everybody, before, strict=True)):
        if time.monotonic() > deadline:
            more = [client.acked_so_far() - start for client, start in zip(everybody, before, strict=True)]
            raise ChaosError(f"clients were acknowledged {more} events in {GO_ON_SECONDS:.0f} s")
        time.sleep(0.05)
