"""`bench rollup-backfill`: how long rollup takes for all hours of ten million rows, and what it needs for it."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import NamedTuple

import httpx

from shared.ledger import CHANGED
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.memory import MIB, Memory
from tests.load.rows import Rows

BAR_SECONDS = 10.0
_ROLLED_SECONDS = 600.0
_LOOK_SECONDS = 0.25
_DUE = """
SELECT count() FROM (
    SELECT hour, sum(changes) AS version FROM hour_changes WHERE project_id = '{project}' AND hour < '{end}'
    GROUP BY hour
) AS ledger LEFT JOIN (
    SELECT hour, argMax(version, generation) AS version FROM rollup_hours WHERE project_id = '{project}' GROUP BY hour
) AS header ON ledger.hour = header.hour
WHERE ledger.version != header.version
"""
_COUNT = """
SELECT toStartOfHour(timestamp) AS hour, event, bot, count() FROM events FINAL WHERE project_id = '{project}'
GROUP BY hour, event, bot SETTINGS do_not_merge_across_partitions_select_final = 1 FORMAT Null
"""


def bench_rollup(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Seconds until every hour is rolled up, merged rows before, beside one statement that counts the same.

    Sessions of the same days are made after them, in the same event; `with_sessions_s` is the time of both.
    """
    with Rows(instance) as rows:
        rows.fill(options.rows)
        rows.merge()
        load = load_average()
        started = time.monotonic()
        rows.sql(_COUNT.format(project=rows.project))
        plain = time.monotonic() - started
        with Memory({name: instance.part(name) for name in ("work", "warehouse")}) as memory:
            rolled = roll_up(instance, rows)
    yield Measurement(
        "rollup_backfill",
        rolled.hours,
        "s",
        bar=BAR_SECONDS,
        at_most=True,
        ratio=rolled.hours / plain,
        baseline=plain,
        beside="one GROUP BY from FINAL",
        load_average=load,
        details={
            "rows": options.rows,
            "rows_per_second": options.rows / rolled.hours,
            "with_sessions_s": rolled.all,
            **{f"{name}_mib_before": memory.before(name) / MIB for name in memory.seen},
            **{f"{name}_mib_highest": memory.highest(name) / MIB for name in memory.seen},
        },
    )


class Rolled(NamedTuple):
    """Seconds until no hour was due any more, and until the sessions of the same days were made as well."""

    hours: float
    all: float


def roll_up(instance: Instance, rows: Rows) -> Rolled:
    """Let rollup run until no hour of the rows is due and it has ended; how long that took."""
    started, still_due = time.monotonic(), _DUE.format(project=rows.project, end=f"{rows.end:%F %T}")
    hours = 0.0
    with ThreadPoolExecutor(1) as threads:
        while True:
            telling = threads.submit(_tell, instance)
            while not telling.done():
                wait([telling], timeout=_LOOK_SECONDS)
                if not hours and not int(rows.sql(still_due)):
                    hours = time.monotonic() - started
            telling.result()
            if hours:
                return Rolled(hours, time.monotonic() - started)
            if time.monotonic() - started > _ROLLED_SECONDS:
                raise InstanceError(f"hours are due still after {_ROLLED_SECONDS:.0f} s")


def _tell(instance: Instance) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": str(uuid.uuid4()), "ce-source": "/bench", "ce-type": CHANGED}
    answer = httpx.post(
        f"{instance.environment['SLUICE_WORK_URL']}/rollup/", headers=headers, timeout=120, trust_env=False
    )
    if not answer.is_success:
        raise InstanceError(f"rollup: {answer.status_code} {answer.text[:300]}")
