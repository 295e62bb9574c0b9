"""Benchmarks by name: `python -m tests.load.bench NAME…`, from the repository's root.

Prints a table and keeps the numbers in bench-results/. A number below its bar is shown, not punished: it depends on
the machine and on what else it does. What was acknowledged and is not counted, or counted twice, ends with 1.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from shared.cli.client import CliError, Connection
from tests.engines.kafka import running as running_kafka
from tests.load.export import bench_export
from tests.load.gateway import bench_gateway
from tests.load.generator import ROOT
from tests.load.ingest import bench_ingest
from tests.load.instance import Instance, InstanceError, private_instance
from tests.load.measurement import Measurement, Options, show, write_results
from tests.load.query import bench_query

Benchmark = Callable[[Instance, Options], Iterator[Measurement]]
BENCHMARKS: dict[str, Benchmark] = {
    "export": bench_export,
    "gateway": bench_gateway,
    "ingest": bench_ingest,
    "query": bench_query,
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, each on a fresh instance unless --url names one; 1 for a wrong count."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement; the median counts")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one round")
    parser.add_argument("--events", type=int, default=1_000_000, help="that `query` and `export` store before they ask")
    parser.add_argument("--url", default="", help="a server of this machine that runs already")
    parser.add_argument("--key", default="", help="its secret key with the scopes ingest and read")
    parser.add_argument("--data", type=Path, help="its data folder, for CPU figures and the bus lag")
    parser.add_argument("--kafka", action="store_true", help="on a real Kafka broker of its own instead of Valkey")
    given = parser.parse_args(arguments)
    options, console, wrong = Options(given.rounds, given.seconds, given.events), Console(highlight=False), False
    for name in given.names:
        found: list[Measurement] = []
        try:
            with _instance(given) as instance:
                for measurement in BENCHMARKS[name](instance, options):
                    console.print(f"{measurement.name}: {measurement.value:,.0f} {measurement.unit}")
                    found.append(measurement)
        except (InstanceError, CliError) as error:
            console.print(f"{name}: {error}", style="red", markup=False)
            wrong = True
        show(console, found)
        kept = write_results(ROOT / "bench-results", f"{name}-kafka" if given.kafka else name, found, options)
        console.print(f"kept in {kept}")
    return 1 if wrong else 0


@contextlib.contextmanager
def _instance(given: argparse.Namespace) -> Iterator[Instance]:
    if given.url:
        connection = Connection(given.url, given.key)
        yield Instance(connection, connection, given.data)
        return
    with contextlib.ExitStack() as ends:
        added = {"SLUICE_BUS_URL": ends.enter_context(running_kafka()).url} if given.kafka else {}
        yield ends.enter_context(private_instance(**added))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
