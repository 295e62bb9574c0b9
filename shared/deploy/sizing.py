"""How large a cluster has to be for a rate of events: from figures for one core, each labelled.

docs/scaling.md shows it and terraform/modules/sizing takes it (`task docs` writes both). Nothing here was tried at
these sizes: what is computed is only as good as the figures it is computed from.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple

from shared.wiring import Function, Wiring

PAGE = Path("docs/scaling.md")
TERRAFORM_FILE = Path("terraform/modules/sizing/sizes.json")
BEGIN = "<!-- made by `task docs` from shared/deploy/sizing.py: begin -->"
END = "<!-- end -->"
RATES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}

_DAY = 86_400
_GIB = 1024**3
_HOURS_A_MONTH = 730
_DAYS_A_MONTH = 30
_MICRO = 1e-6
_MILLI = 1e-3
_PARTITIONS = 12
_FEWEST = 2
_MOST_BROKER_CORES = 16

Label = Literal["measured", "computed", "estimated"]


class Figure(NamedTuple):
    """A number, what it counts, and how it is known."""

    value: float
    what: str
    label: Label
    source: str


FIGURES = {
    "ingest_us": Figure(70, "µs of CPU of ingest an event, in requests of 100", "measured", "performance.md"),
    "ingest_single_us": Figure(200, "µs of CPU of ingest an event, one a request", "measured", "performance.md"),
    "write_us": Figure(46, "µs of CPU of batch_write and its source an event", "computed", "128 in all - 70 - 12"),
    "row_us": Figure(12, "µs of CPU of the warehouse a row", "measured", "performance.md"),
    "insert_ms": Figure(18, "ms of CPU of the warehouse an insert", "measured", "performance.md"),
    "inserts": Figure(4, "inserts a second of a busy replica of batch_write", "computed", "it gathers for 250 ms"),
    "merges": Figure(2, "times the CPU of inserts, for merges and rollups", "estimated", "not measured"),
    "busy": Figure(0.6, "of a core in use, the rest for peaks and for a node that is lost", "estimated", "habit"),
    "broker_cores": Figure(4, "cores of Kafka a copy, for each 100,000 events/s", "estimated", "not measured"),
    "bus_bytes": Figure(300, "bytes an event takes on the bus, lz4", "estimated", "415 bytes as sent, enriched"),
    "bus_hours": Figure(24, "hours that the bus keeps records (168 by default)", "estimated", "a day's outage"),
    "row_bytes": Figure(150, "bytes a row takes in the warehouse, compressed", "estimated", "63 as Parquet, measured"),
    "copies": Figure(3, "copies on the bus, and 2 in the warehouse", "computed", "the chart's production values"),
    "awake_seconds": Figure(150, "seconds a function is awake after a tick", "estimated", "60 s window, 60 s kept"),
    "core_dollars": Figure(0.048, "dollars a core and hour, with 4 GiB", "estimated", "list prices of 2026, by hand"),
    "disk_dollars": Figure(0.08, "dollars a GB of disk and month", "estimated", "list prices of 2026, by hand"),
}
_WAREHOUSE_COPIES = 2


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a rate needs; `_month` values are for the whole cluster, disks with all copies, rates around the clock."""

    events_per_second: int
    ingest_replicas: int
    ingest_replicas_single: int
    batch_write_replicas: int
    partitions: int
    brokers: int
    broker_cores: int
    bus_disk_gib: int
    warehouse_cores: int
    warehouse_replicas: int
    warehouse_disk_gib_month: int
    function_memory_gib: int
    cores: int
    dollars_month: int


def size_for(rate: int, wiring: Wiring) -> Size:
    """The size of a cluster that takes `rate` events a second, in requests of 100, around the clock."""
    ingest = _replicas(rate * _figure("ingest_us") * _MICRO)
    write = _replicas(rate * _figure("write_us") * _MICRO)
    inserting = rate * _figure("row_us") * _MICRO + write * _figure("inserts") * _figure("insert_ms") * _MILLI
    warehouse = max(4, _whole(inserting * _figure("merges") / _figure("busy")))
    broking = rate / 100_000 * _figure("broker_cores") * _figure("copies")
    brokers = max(3, _whole(broking / _MOST_BROKER_CORES))
    broker_cores = max(2, _whole(broking / brokers))
    bus_disk = rate * _figure("bus_hours") * 3_600 * _figure("bus_bytes") * _figure("copies")
    stored = rate * _DAY * _DAYS_A_MONTH * _figure("row_bytes") * _WAREHOUSE_COPIES
    cores = ingest + write + brokers * broker_cores + _WAREHOUSE_COPIES * warehouse
    memory = ingest * _memory_mib(wiring, "ingest") + write * _memory_mib(wiring, "batch_write")
    disk_gib = _whole(bus_disk / _GIB) + _whole(stored / _GIB)
    dollars = cores * _figure("core_dollars") * _HOURS_A_MONTH + disk_gib * _figure("disk_dollars")
    return Size(
        events_per_second=rate,
        ingest_replicas=ingest,
        ingest_replicas_single=_replicas(rate * _figure("ingest_single_us") * _MICRO),
        batch_write_replicas=write,
        partitions=_PARTITIONS * _whole(max(1.0, 2 * write / _PARTITIONS)),
        brokers=brokers,
        broker_cores=broker_cores,
        bus_disk_gib=_whole(bus_disk / _GIB),
        warehouse_cores=warehouse,
        warehouse_replicas=_WAREHOUSE_COPIES,
        warehouse_disk_gib_month=_whole(stored / _GIB),
        function_memory_gib=_whole(memory / 1_024),
        cores=cores,
        dollars_month=int(round(dollars, -2)),
    )


def _figure(name: str) -> float:
    return FIGURES[name].value


def _whole(value: float) -> int:
    return math.ceil(value)


def _replicas(cores: float) -> int:
    """Replicas of a function that uses one core at most each; never fewer than two, so that one may go."""
    return max(_FEWEST, _whole(cores / _figure("busy")))


def _memory_mib(wiring: Wiring, function: str) -> int:
    return int(wiring.find(function).memory.removesuffix("Mi"))


def sizes_file(wiring: Wiring) -> str:
    """terraform/modules/sizing/sizes.json."""
    return json.dumps({name: asdict(size_for(rate, wiring)) for name, rate in RATES.items()}, indent=2) + "\n"


def scaling_page(text: str, wiring: Wiring) -> str:
    """`text` of docs/scaling.md with its tables made anew; raises ValueError where their place is not marked."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no place for its tables")
    tables = [*_figures(), "", *_sizes(wiring), "", *_idle(wiring)]
    return "\n".join([before + BEGIN, "", *tables, "", END + after])


def _figures() -> Iterator[str]:
    yield "| figure | | how it is known | from |"
    yield "|---|---|---|---|"
    for figure in FIGURES.values():
        yield f"| {figure.value:g} | {figure.what} | {figure.label} | {figure.source} |"


def _sizes(wiring: Wiring) -> Iterator[str]:
    sizes = [size_for(rate, wiring) for rate in RATES.values()]
    yield "| computed for | " + " | ".join(f"{size.events_per_second:,} events/s" for size in sizes) + " |"
    yield "|---" * (len(sizes) + 1) + "|"
    for field, what in _ROWS.items():
        yield f"| {what} | " + " | ".join(f"{getattr(size, field):,}" for size in sizes) + " |"


def awake(row: Function) -> float:
    """Which part of the time a function is awake though nobody asks it: always, or for a while after each tick."""
    if row.scale.min:
        return 1.0
    a_day = sum(_ticks_a_day(cron.schedule) for cron in row.cron)
    return min(1.0, a_day * _figure("awake_seconds") / _DAY)


def _ticks_a_day(schedule: str) -> int:
    from croniter import croniter

    start = datetime(2026, 1, 1, tzinfo=UTC)
    ticks = croniter(schedule, start)
    times = iter(lambda: ticks.get_next(datetime), None)
    return sum(1 for _ in takewhile(lambda moment: moment <= start + timedelta(days=1), times))


def _idle(wiring: Wiring) -> Iterator[str]:
    yield "| idle, computed | awake | memory asked for |"
    yield "|---|---|---|"
    in_all = 0.0
    for row in wiring.functions:
        if share := awake(row):
            memory = share * _memory_mib(wiring, row.name)
            in_all += memory
            yield f"| `{row.service}` | {share:.0%} of the time | {memory:.0f} MiB |"
    yield "| all other functions | never | 0 |"
    yield f"| together, on average | | {in_all:.0f} MiB |"


_ROWS = {
    "ingest_replicas": "replicas of `ingest`, requests of 100 events",
    "ingest_replicas_single": "the same, one event a request",
    "batch_write_replicas": "replicas of `batch_write`",
    "partitions": "partitions of the topic `events`",
    "brokers": "Kafka brokers",
    "broker_cores": "cores of each broker",
    "bus_disk_gib": "disk of the bus, three copies, GiB",
    "warehouse_cores": "cores of each ClickHouse replica",
    "warehouse_replicas": "ClickHouse replicas, one shard",
    "warehouse_disk_gib_month": "disk of the warehouse for each month kept, two copies, GiB",
    "function_memory_gib": "memory of `ingest` and `batch_write`, GiB",
    "cores": "cores in all, for writing",
    "dollars_month": "dollars a month for these cores and a month's disk, an estimate",
}
