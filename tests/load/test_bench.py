import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from tests.load import load_test
from tests.load.bench import _QUICK, BENCHMARKS, main
from tests.load.generator import Result
from tests.load.ingest import _Ledger
from tests.load.instance import Instance, InstanceError, free_ports, private_instance
from tests.load.measurement import Measurement, Options, show, write_results
from tests.load.performance_page import PAGE, keep, page

SMALL = Options(rounds=1, seconds=1.0, rows=20_000)
# Those that start a Sluice, a broker or every function for themselves take longer than a test should.
QUICKLY = sorted(BENCHMARKS.keys() - {"cold-start", "gateway", "export", "split"})


class Counting:
    """An instance that counts what it is told to."""

    def __init__(self, *counts: int) -> None:
        self._counts = list(counts)

    def count(self) -> int:
        return self._counts.pop(0)

    def wait_until_counted(self, least: int) -> int:
        return self.count()


def result(accepted: int, unanswered: int = 0) -> Result:
    zeros = dict.fromkeys(("started", "seconds", "rate", "p50", "p90", "p99", "max", "cpu"), 0.0)
    return Result(
        run="r", sent=0, answered=0, unanswered=unanswered, accepted=accepted, statuses={}, errors={}, **zeros
    )


@pytest.mark.parametrize(("counted", "unanswered"), [(10, 0), (10, 2), (12, 2)])
def test_a_run_is_settled_when_every_acknowledged_event_counts_once(counted: int, unanswered: int) -> None:
    ledger = _Ledger(cast("Instance", Counting(5, 5 + counted)))
    ledger.settle(result(10, unanswered), 1)
    assert ledger.acked == 10


@pytest.mark.parametrize(("counted", "unanswered"), [(9, 0), (11, 0), (13, 2)])
def test_a_lost_or_doubled_event_fails_the_run(counted: int, unanswered: int) -> None:
    ledger = _Ledger(cast("Instance", Counting(5, 5 + counted)))
    with pytest.raises(InstanceError, match="10 events were acknowledged"):
        ledger.settle(result(10, unanswered), 1)


def test_measurements_are_kept_and_shown(tmp_path: Path) -> None:
    one = Measurement("speed", 1234.5, "x/s", bar=2000, ratio=0.5, baseline=2469, details={"p99_ms": 3.25, "runs": [1]})
    kept = json.loads(write_results(tmp_path / "new", "name", [one], Options()).read_text())
    assert kept["measurements"][0]["details"] == {"p99_ms": 3.25, "runs": [1]}
    assert kept["options"] == {"rounds": 3, "seconds": 10.0, "rows": 10_000_000}
    console = Console(record=True, width=120)
    show(console, [one])
    text = console.export_text()
    for shown in ("speed", "1,234 ✗", "≥ 2,000", "0.50", "p99_ms", "3.25"):
        assert shown in text


def test_a_bar_is_a_least_or_a_most() -> None:
    kept = [
        Measurement("m", value, "x", bar=10.0, at_most=at_most).kept
        for value, at_most in ((5.0, False), (15.0, False), (5.0, True), (15.0, True))
    ]
    assert kept == [False, True, True, False]


def test_an_unknown_benchmark_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "ingest" in capsys.readouterr().err


def test_ports_for_an_instance_are_free_in_a_row() -> None:
    assert 20_000 <= free_ports() < 60_000


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with private_instance(**_QUICK, SLUICE_EDGE_WORKERS="2") as started:
        yield started


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICKLY)
def test_a_small_run_of_a_benchmark_measures_and_finds_every_event(instance: Instance, name: str) -> None:
    found = list(BENCHMARKS[name].run(instance, SMALL))
    assert found
    assert all(one.value >= 0 and (one.ratio is None or one.ratio > 0) for one in found), found


def test_a_load_test_counts_what_was_acknowledged(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    assert instance.write.url
    told = ["--rate", "50", "--seconds", "2", "--url", instance.read.url, "--key", instance.read.key]
    assert load_test.main(told) == 0
    shown = capsys.readouterr().out
    assert "open loop" in shown
    assert "p99" in shown


def test_the_page_is_prose_with_the_tables_of_the_kept_results(tmp_path: Path) -> None:
    results, folder = tmp_path / "results", tmp_path / "kept"
    folder.mkdir()
    (folder / "prose.md").write_text("# Page\n\n{{idle}}\n\n{{freshness}}\n")
    write_results(results, "idle", [Measurement("idle_memory", 501.0, "MiB", bar=600, at_most=True)], SMALL)
    assert keep(results, folder) == ["idle"]
    text = page(folder)
    assert "| idle_memory | 501 ✓ MiB | ≤ 600 |" in text
    assert "*`./task bench freshness`: nothing is kept yet.*" in text


def test_the_page_in_docs_is_what_the_kept_results_say() -> None:
    assert PAGE.read_text() == page(), "run ./task bench:docs"
