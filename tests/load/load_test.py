"""`./task load-test`: so many events a second for so long, in an open loop; what was acknowledged and what counts.

Against the running instance of SLUICE_DATA (or --url, --key), else one of its own. Latencies count from the moment a
request was due, so a server that falls behind cannot hide it. Ends with 1 where acknowledged events do not count.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from shared.cli.client import CliError, Connection, read_demo
from shared.local.control import is_running, read_state
from tests.load.generator import Plan, Result, run_load
from tests.load.instance import Instance, InstanceError, private_instance
from tests.load.measurement import load_average


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="load-test", description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--batch", type=int, default=1, help="events of one request")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--url", default="", help="a server of this machine; by default that of SLUICE_DATA")
    parser.add_argument("--key", default="", help="its secret key with the scopes ingest and read")
    given = parser.parse_args(arguments)
    try:
        with _instance(given.url, given.key) as instance:
            plan = Plan(
                url=instance.write.url,
                key=instance.write.key,
                connections=given.connections,
                rate=given.rate / given.batch,
                batch=given.batch,
                seconds=given.seconds,
            )
            return _loaded(instance, plan)
    except (InstanceError, CliError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _loaded(instance: Instance, plan: Plan) -> int:
    load, before = load_average(), instance.count()
    result = run_load(plan)
    counted = instance.wait_until_counted(before + result.accepted) - before
    _say(plan, result, counted, load)
    possible = result.accepted + result.unanswered * plan.batch
    return 0 if result.accepted <= counted <= possible else 1


def _say(plan: Plan, result: Result, counted: int, load: float) -> None:
    rows = {
        "wanted": f"{plan.rate * plan.batch:,.0f} events/s for {plan.seconds:.0f} s, open loop",
        "acknowledged": f"{result.accepted:,} events, {result.accepted / result.seconds:,.0f}/s",
        "counted": f"{counted:,} events",
        "not answered": f"{result.unanswered:,} requests",
        "answers": ", ".join(f"{status}: {count:,}" for status, count in result.statuses.items()) or "none",
        "faults": ", ".join(f"{what}: {count:,}" for what, count in result.errors.items()) or "none",
        "p50": f"{result.p50:.1f} ms",
        "p99": f"{result.p99:.1f} ms",
        "load average": f"{load:.1f} before",
    }
    for name, value in rows.items():
        sys.stdout.write(f"{name:>13}  {value}\n")


@contextlib.contextmanager
def _instance(url: str, key: str) -> Iterator[Instance]:
    data = Path(os.environ.get("SLUICE_DATA", ".sluice"))
    if url:
        connection = Connection(url, key)
        yield Instance(connection, connection, None)
    elif is_running(read_state(data)) and (demo := read_demo(data)) is not None:
        yield Instance(Connection(demo.url, demo.write_key), Connection(demo.url, demo.secret_key), data)
    else:
        with private_instance() as instance:
            yield instance


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
