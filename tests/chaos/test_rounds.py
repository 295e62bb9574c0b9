"""The crash rounds themselves: what they plan, what they notice. `./task chaos` runs them."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.__main__ import summarise
from tests.chaos.clients import Client, fact_of
from tests.chaos.compare import Compared
from tests.chaos.plans import FAULTS, POINTS, ROUNDS_FOR_ALL, plan_round
from tests.chaos.rounds import Report
from tests.load.generator import Plan
from tests.load.instance import ROOT
from tests.load.pool import event_id, make_events, new_run

_REACHED = re.compile(r"\breach\(\"([\w.]+)\"\)")


def test_every_named_place_in_the_code_is_planned_and_every_planned_one_is_there() -> None:
    files = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]
    named = [name for file in files for name in _REACHED.findall(file.read_text())]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("first", [0, 5, 1_000])
def test_a_few_rounds_in_a_row_reach_every_place_and_meet_every_fault(first: int) -> None:
    rounds = [plan_round(seed) for seed in range(first, first + ROUNDS_FOR_ALL)]
    assert {point for one in rounds for point in one.points} == set(POINTS)
    steps = {step.what for one in rounds for step in one.steps}
    assert {fault.partition(":")[0] for fault in FAULTS if not fault.startswith("clock")} <= steps
    assert sum(plan_round(seed).disk_full for seed in range(first, first + 10)) == 1


def test_a_seed_plans_the_same_round_again_and_another_seed_another() -> None:
    assert plan_round(7) == plan_round(7)
    assert len({str((plan.steps, plan.after)) for plan in map(plan_round, range(20))}) == 20


def report(**fields: int) -> Report:
    found = Report(1, hits={"ingest.after_publish": 1}, done=[], wrong=[], skipped=[])
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_a_run_is_right_only_without_loss_doubles_and_unreached_places() -> None:
    assert summarise(1, [report()])["right"]
    assert not summarise(1, [report(lost=1)])["right"]
    assert not summarise(1, [report(doubled=1)])["right"]
    missed = Report(1, hits={"ingest.after_publish": 0}, done=[], wrong=[], skipped=[])
    summary = summarise(1, [missed])
    assert (summary["right"], summary["not_reached"]) == (False, ["ingest.after_publish"])


def test_a_long_run_is_wrong_where_a_place_was_in_no_round() -> None:
    reports = [Report(seed, hits={"ingest.after_publish": 1}) for seed in range(ROUNDS_FOR_ALL)]
    assert "export.after_part" in summarise(0, reports)["not_reached"]


def test_a_comparison_says_what_is_lost_and_what_is_there_twice() -> None:
    found = report()
    found.add(Compared(10, 2, 9, 9, ["a"], ["b"], [], []))
    assert (found.acked, found.stored, found.lost, found.doubled, found.right) == (10, 9, 1, 1, False)
    assert found.wrong == ["lost a", "doubled b"]


def test_a_client_knows_the_name_and_the_hour_of_every_id_it_sent(tmp_path: Path) -> None:
    plan = Plan(
        url="http://127.0.0.1:1", batch=3, pool=12, seed=4, now=1_750_000_000, hours=5, acks=str(tmp_path / "a")
    )
    events = make_events(seed=4, count=12, now=plan.moment, hours=5)  # type: ignore[arg-type]  # it is set
    run = new_run()
    ids = [event_id(run, number) for number in range(30)]
    Path(plan.acks).write_text("".join(f"{name}\n" for name in ids))
    client = Client(plan, subprocess.Popen([sys.executable, "-c", ""]))
    client.process.wait()
    assert client.acked() == {name: fact_of(events[number % 12]) for number, name in enumerate(ids)}


def test_a_moved_clock_is_that_of_the_process_and_not_of_the_machine(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("3600")
    code = "import time; from shared.clock import SYSTEM_CLOCK; print(SYSTEM_CLOCK.micros() / 1e6 - time.monotonic())"
    path = f"{ROOT}/tests/chaos/clock:{ROOT}"

    def read(**environ: str) -> float:
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=True, text=True)
        return float(done.stdout)

    ahead = read(PYTHONPATH=path, SLUICE_CHAOS_CLOCK=str(clock)) - read(PYTHONPATH=path)
    assert 3_590 < ahead < 3_610


@pytest.mark.parametrize(
    ("mode", "status"), [("development", -signal.SIGKILL), ("production", 0), ("", 0)], ids=["on", "off", "unset"]
)
def test_an_armed_place_ends_a_process_in_development_only(tmp_path: Path, mode: str, status: int) -> None:
    (tmp_path / "some.place").write_text("SIGKILL")
    environ = {"PYTHONPATH": str(ROOT), "SLUICE_FAILPOINTS": str(tmp_path), "SLUICE_MODE": mode}
    code = "from shared.failpoints import reach; reach('some.other'); reach('some.place'); reach('some.place')"
    assert subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode == status
    assert (tmp_path / "some.place.hit").exists() is (status != 0)
