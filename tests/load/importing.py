"""`bench import-10M`: ten million events through HTTP, in requests of a thousand; what every process takes meanwhile.

Closed loop over few connections; what is answered 429 or 503 is repeated unchanged, as an importer does. The load is a
process of its own whose memory is not counted.
"""

import time
from collections.abc import Iterator

from tests.load.generator import Plan, finish_load, start_load
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.memory import Memory
from tests.load.rows import DAYS, Rows

BATCH = 1_000
CONNECTIONS = 8
BAR = 100_000.0
# The last quarter of the time may take so much more than the second: caches fill, nothing grows with the rows.
FLAT = 1.25
_SECONDS = 4 * 3_600.0
_STILL_SECONDS = 30


def bench_import(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Events a second until all are stored; raises InstanceError unless stored = acknowledged = distinct."""
    load = load_average()
    parts = instance.parts()
    with Rows(instance) as rows:  # only to look: everything goes in through HTTP
        before = int(rows.sql("SELECT count() FROM events FINAL"))
        started = time.monotonic()
        with Memory(parts) as memory:
            result = finish_load(start_load(_plan(instance, options)), _SECONDS + 120)
            acked_seconds = time.monotonic() - started
            stored, distinct = _settled(rows, before, result.accepted)
            seconds = time.monotonic() - started
    if not result.accepted == stored == distinct:
        raise InstanceError(f"{result.accepted} events were acknowledged, {stored} count, {distinct} ids are stored")
    yield Measurement(
        "import_stored",
        result.accepted / seconds,
        "events/s",
        bar=BAR,
        loop="closed",
        load_average=load,
        details={
            "acked": result.accepted,
            "stored": stored,
            "distinct": distinct,
            "acked_per_second": result.accepted / acked_seconds,
            "seconds": seconds,
            "repeated_requests": sum(count for status, count in result.statuses.items() if status != "202"),
        },
    )
    for name in parts:
        quarters = memory.quarters(name)
        yield Measurement(
            f"import_memory_{name}",
            max(quarters),
            "MiB highest",
            load_average=load,
            details={
                **{f"quarter_{place}_mib": quarter for place, quarter in enumerate(quarters, start=1)},
                "flat": quarters[-1] <= FLAT * quarters[1] if len(quarters) > 1 else True,
            },
        )


def _plan(instance: Instance, options: Options) -> Plan:
    return Plan(
        url=instance.write.url,
        key=instance.write.key,
        connections=CONNECTIONS,
        seconds=_SECONDS,
        requests=-(-options.rows // BATCH),
        batch=BATCH,
        hours=DAYS * 24,
        resend=True,
        grace=60,
    )


def _settled(rows: Rows, before: int, accepted: int) -> tuple[int, int]:
    """What counts and how many ids there are, once it is as many as were acknowledged or nothing comes any more."""
    last, still = -1, 0
    counted = f"SELECT count() - {before}, uniqExact(event_id) - {before} FROM events FINAL"
    while True:
        stored, distinct = map(int, rows.sql(counted).split())
        if stored >= accepted or still >= _STILL_SECONDS:
            return stored, distinct
        still = still + 1 if stored == last else 0
        last = stored
        time.sleep(1)
