"""Benchmarks by name, or `all`: `python -m tests.load.bench NAME…`, from the repository's root.

Prints a table and keeps the numbers in bench-results/. A number below its bar is shown, not punished: it depends on
the machine and on what else it does. What was acknowledged and is not counted, or counted twice, ends with 1.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from shared.cli.client import CliError, Connection
from tests.engines.kafka import running as running_kafka
from tests.load.alerts import bench_alerts
from tests.load.analyses import bench_analyses
from tests.load.copies import bench_backup
from tests.load.dashboard import bench_dashboard
from tests.load.erasure import bench_erasure
from tests.load.export import bench_export
from tests.load.first_data import bench_first_data
from tests.load.freshness import bench_freshness
from tests.load.gateway import bench_gateway
from tests.load.generator import ROOT
from tests.load.importing import bench_import
from tests.load.ingest import bench_batch, bench_single
from tests.load.instance import Instance, InstanceError, private_instance
from tests.load.measurement import Measurement, Options, show, write_results
from tests.load.people import bench_people
from tests.load.query import bench_query
from tests.load.rollup import bench_rollup
from tests.load.segments import bench_segments
from tests.load.split import bench_split
from tests.load.starting import bench_cold_start, bench_idle

ROWS = 10_000_000
ALL = "all"


class Benchmark(NamedTuple):
    """What it runs, and the settings its own instance gets."""

    run: Callable[[Instance, Options], Iterator[Measurement]]
    environ: Mapping[str, str] = {}


# Hours are rolled up at once, not after they were quiet; no limit on how often one key asks.
_QUICK = {"SLUICE_ROLLUP_QUIET_SECONDS": "0", "SLUICE_LIMIT_READ_KEY": "none", "SLUICE_LIMIT_READ_ADDRESS": "none"}
BENCHMARKS: dict[str, Benchmark] = {
    "ingest-single": Benchmark(bench_single),
    "ingest-workers": Benchmark(bench_single, {"SLUICE_EDGE_WORKERS": "2"}),
    "ingest-batch": Benchmark(bench_batch),
    "freshness": Benchmark(bench_freshness, _QUICK),
    "import-10M": Benchmark(bench_import),
    "query-10M": Benchmark(bench_query, _QUICK),
    "segments": Benchmark(bench_segments, _QUICK),
    "people-10M": Benchmark(bench_people, _QUICK),
    "analyses-10M": Benchmark(bench_analyses, _QUICK),
    "rollup-backfill": Benchmark(bench_rollup, _QUICK),
    "cold-start": Benchmark(bench_cold_start),
    "idle": Benchmark(bench_idle),
    "split": Benchmark(bench_split, {"SLUICE_PROFILE": "split", "SLUICE_IDLE_SECONDS": "1"}),
    "dashboard": Benchmark(bench_dashboard, _QUICK),
    "first-data": Benchmark(bench_first_data, _QUICK),
    "export": Benchmark(bench_export),
    "backup": Benchmark(bench_backup),
    "erasure": Benchmark(bench_erasure, _QUICK),
    "gateway": Benchmark(bench_gateway),
    "alerts-10k": Benchmark(bench_alerts),
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, each on a fresh instance unless --url names one; 1 for a wrong count."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    known = [*BENCHMARKS, ALL]
    parser.add_argument("names", nargs="*", default=[ALL], choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement; the median counts")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one round")
    rows = int(os.environ.get("ROWS", ROWS))
    parser.add_argument("--rows", type=int, default=rows, help="of those that need many; by default ROWS or 10000000")
    parser.add_argument("--url", default="", help="a server of this machine that runs already")
    parser.add_argument("--key", default="", help="its secret key with the scopes ingest and read")
    parser.add_argument("--data", type=Path, help="its data folder, for CPU figures and the bus lag")
    parser.add_argument("--kafka", action="store_true", help="on a real Kafka broker of its own instead of Valkey")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever stops a run stops its instance, too
    options, console, wrong = Options(given.rounds, given.seconds, given.rows), Console(highlight=False), False
    for name in BENCHMARKS if ALL in given.names else given.names:
        found: list[Measurement] = []
        try:
            with _instance(given, BENCHMARKS[name]) as instance:
                for measurement in BENCHMARKS[name].run(instance, options):
                    console.print(f"{measurement.name}: {measurement.value:,.2f} {measurement.unit}")
                    found.append(measurement)
        except (InstanceError, CliError) as error:
            console.print(f"{name}: {error}", style="red", markup=False)
            wrong = True
        show(console, found)
        kept = write_results(ROOT / "bench-results", f"{name}-kafka" if given.kafka else name, found, options)
        console.print(f"kept in {kept}")
    return 1 if wrong else 0


@contextlib.contextmanager
def _instance(given: argparse.Namespace, benchmark: Benchmark) -> Iterator[Instance]:
    if given.url:
        connection = Connection(given.url, given.key)
        yield Instance(connection, connection, given.data)
        return
    with contextlib.ExitStack() as ends:
        added = dict(benchmark.environ)
        if given.kafka:
            added["SLUICE_BUS_URL"] = ends.enter_context(running_kafka()).url
        yield ends.enter_context(private_instance(**added))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
