"""Crash rounds: `./task chaos`, ROUNDS=50 for fifty, `--seed N --rounds 1` for one of them again.

Each round is a function of its seed. Ends with 1 where an event was lost, counted twice or miscounted, or where a
failpoint was not reached; the report is kept as JSON in bench-results/.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.chaos.disk import disk_full_round
from tests.chaos.plans import POINTS, ROUNDS_FOR_ALL, plan_round
from tests.chaos.product import product
from tests.chaos.rounds import Report, run_round
from tests.load.instance import ROOT


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=int(os.environ.get("ROUNDS", "10")), help="by default ROUNDS or 10"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each next one has the next seed")
    parser.add_argument("--report", type=Path, help="where the report goes; by default into bench-results/")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever stops a run stops its instance, too
    reports = _run(range(given.seed, given.seed + given.rounds))
    summary = summarise(given.seed, reports)
    path = given.report or _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=1))
    _say(_told(summary))
    _say(f"kept in {path}")
    return 0 if summary["right"] else 1


def _run(seeds: range) -> list[Report]:
    found = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, product(Path(name)) as instance:
        for seed in seeds:
            plan = plan_round(seed)
            _say(f"round {seed}")
            found.append(run_round(instance, plan, Path(name), _say))
            if not found[-1].right:
                _say("\n".join(found[-1].wrong) + instance.instance.log_ends(5))
            if plan.disk_full:
                found.append(disk_full_round(seed, _say))
    return found


def summarise(seed: int, reports: list[Report]) -> dict[str, Any]:
    """The report of all rounds; a run long enough to reach every place is wrong where one was not."""
    hits: Counter[str] = Counter()
    planned = set[str]()
    for report in reports:
        hits.update(report.hits)
        planned |= report.hits.keys()
    missed = sorted(name for name in planned if not hits[name])
    if len({report.seed for report in reports}) >= ROUNDS_FOR_ALL:
        missed = sorted(name for name in POINTS if not hits[name])
    recovered = sorted(done.recovered_seconds for report in reports for done in report.done)
    return {
        "at": datetime.now(tz=UTC),
        "seed": seed,
        "rounds": len({report.seed for report in reports}),
        "right": not missed and all(report.right for report in reports),
        "acked": sum(report.acked for report in reports),
        "unknown": sum(report.unknown for report in reports),
        "stored": sum(report.stored for report in reports),
        "counted": sum(report.counted for report in reports),
        "lost": sum(report.lost for report in reports),
        "doubled": sum(report.doubled for report in reports),
        "failpoints": {name: hits[name] for name in POINTS},
        "not_reached": missed,
        "faults": Counter(done.step.what for report in reports for done in report.done),
        "recovered_seconds": {"median": _at(recovered, 0.5), "p90": _at(recovered, 0.9), "longest": _at(recovered, 1)},
        "skipped": [reason for report in reports for reason in report.skipped],
        "each": reports,
    }


def _at(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _told(summary: dict[str, Any]) -> str:
    names = ("rounds", "acked", "unknown", "stored", "counted", "lost", "doubled", "not_reached", "recovered_seconds")
    lines = [f"{name}: {summary[name]}" for name in names]
    lines += [f"  {name}: {hits}" for name, hits in summary["failpoints"].items()]
    lines += [*summary["skipped"], "all right" if summary["right"] else "WRONG"]
    return "\n".join(lines)


def _path() -> Path:
    return ROOT / "bench-results" / f"chaos-{datetime.now(tz=UTC):%Y%m%dT%H%M%SZ}.json"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
