"""One round: its steps under load, the comparison, late events, jobs killed in their middle, the comparison again."""

import random
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import msgspec
import psutil

from shared.bus import BusUnavailableError
from shared.events import EVENTS_TOPIC
from tests.chaos.clients import Told, clients, goes_on
from tests.chaos.compare import Compared, compare, compare_late
from tests.chaos.faults import WATCHER, Breaker
from tests.chaos.plans import Round, Step
from tests.chaos.product import ChaosError, Product
from tests.chaos.scenarios import AFTER
from tests.e2e.running import Project
from tests.load.pool import make_event

Say = Callable[[str], None]
LEDGER_DUE = "dev.sluice.ledger.due.v1"
# What ends a round before its time, and makes it a wrong one.
BROKEN = (ChaosError, AssertionError, BusUnavailableError, httpx.HTTPError, psutil.Error, subprocess.SubprocessError)


class Done(msgspec.Struct, frozen=True):
    """A step and how long it took from the fault until new events were acknowledged and stored again."""

    step: Step
    recovered_seconds: float


class Report(msgspec.Struct):
    """What came of a round; it is `right` where nothing was lost, doubled or miscounted and every place was reached."""

    seed: int
    seconds: float = 0.0
    done: list[Done] = []
    hits: dict[str, int] = {}
    acked: int = 0
    unknown: int = 0
    stored: int = 0
    counted: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = []
    skipped: list[str] = []

    @property
    def right(self) -> bool:
        return not (self.wrong or self.lost or self.doubled) and all(self.hits.values())

    def add(self, found: Compared, *, again: bool = False) -> None:
        if not again:
            self.acked += found.acked
            self.unknown += found.unknown
            self.stored += found.stored
            self.counted += found.counted
        self.lost += len(found.lost)
        self.doubled += len(found.doubled)
        self.wrong += [*found.wrong_counts[:5], *found.strange[:5]]
        self.wrong += [f"lost {name}" for name in found.lost[:5]] + [f"doubled {name}" for name in found.doubled[:5]]


def run_round(product: Product, plan: Round, folder: Path, say: Say) -> Report:
    """Do a round; what goes wrong is in the report, nothing is raised for it."""
    report = Report(plan.seed, hits=dict.fromkeys(plan.points, 0), done=[], wrong=[], skipped=[])
    for point in plan.points:
        product.hit_file(point).unlink(missing_ok=True)
    started = time.monotonic()
    try:
        _run(product, plan, folder, report, say)
    except BROKEN as error:
        report.wrong.append(f"{type(error).__name__}: {error}"[:2_000])
    finally:
        for point in plan.points:
            product.disarm(point)
            report.hits[point] = int(product.hit_file(point).exists())
        report.seconds = time.monotonic() - started
    return report


def _run(product: Product, plan: Round, folder: Path, report: Report, say: Say) -> None:
    projects = [product.new_project(f"chaos {plan.seed} {name}") for name in ("one", "two", "keyed")]
    dice = random.Random(plan.seed)
    product.instance.follow(EVENTS_TOPIC, WATCHER)
    with clients(product, projects[:2], folder, plan.seed) as told:
        breaker = Breaker(product, told, projects[2], dice)
        for step in plan.steps:
            seconds = breaker.do(step)
            report.done.append(Done(step, round(seconds, 2)))
            say(f"  {step.what} {step.victim}: works again after {seconds:.1f} s")
        goes_on(told)
    product.wait_drained()
    for of in told:
        of.settle()
        report.add(compare(product, of))
    report.wrong += _keyed_once(product, projects[2].id, breaker.keys)
    report.wrong += _ledger_gaps(product, projects)
    for of in told:
        report.wrong += compare_late(product, of, _late_events(dice, 2, 4))
    for kind, points in plan.after.items():
        report.wrong += AFTER[kind](product, told[0], points, partial(_one_late, product, told[0], dice, report))
        say(f"  {', '.join(points)}: reached")
        report.add(compare(product, told[0]), again=True)
    product.instance.read(EVENTS_TOPIC, WATCHER)  # or the bus would keep this round's records


def _one_late(product: Product, told: Told, dice: random.Random, report: Report, hours_ago: int) -> None:
    report.wrong += compare_late(product, told, _late_events(dice, hours_ago))


def _late_events(dice: random.Random, *hours_ago: int) -> dict[str, dict[str, object]]:
    """Events of hours that are over."""
    found: dict[str, dict[str, object]] = {}
    for hours in hours_ago:
        moment = datetime.now(tz=UTC) - timedelta(hours=hours)
        name = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        found[name] = {"id": name, **make_event(dice, moment)}
    return found


def _ledger_gaps(product: Product, projects: Sequence[Project]) -> list[str]:
    """What the ledger check takes for lost: nothing is, so each gap is a false alarm."""
    product.post_to("ledger-check", LEDGER_DUE)
    proofs = [product.ask(project, "GET", "/api/v1/ledger") for project in projects]
    wrong = [f"false alarm of the ledger: {gap}" for gap in proofs[0]["gaps"]]
    return wrong + [f"the ledger of {one['project_id']} does not balance: {one}" for one in proofs if one["missing"]]


def _keyed_once(product: Product, project: str, keys: int) -> list[str]:
    """Events with an Idempotency-Key alone, each sent many times at once."""
    rows = product.instance.warehouse(f"SELECT toUInt32(count()) FROM events FINAL WHERE project_id = '{project}'")
    count = rows[0][0]
    return [] if count == keys else [f"{keys} Idempotency-Keys made {count} events"]
