import json
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from tests.load.bench import main
from tests.load.generator import Result
from tests.load.ingest import _Ledger
from tests.load.instance import Instance, InstanceError, free_ports
from tests.load.measurement import Measurement, Options, show, write_results


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
    assert kept["options"] == {"rounds": 3, "seconds": 10.0, "events": 1_000_000}
    console = Console(record=True, width=120)
    show(console, [one])
    text = console.export_text()
    for shown in ("speed", "1,234 ✗", "2,000", "50%", "p99_ms", "3.25"):
        assert shown in text


def test_an_unknown_benchmark_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "ingest" in capsys.readouterr().err


def test_ports_for_an_instance_are_free_in_a_row() -> None:
    assert 20_000 <= free_ports() < 60_000
