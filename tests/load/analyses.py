"""`bench analyses-10M`: funnels, retention and paths of ten million events of 200,000 people, just as they are asked.

Beside each runs the least that the warehouse must do for it: one statement of plain SQL that brings everybody's events
of these names together, in order where order matters. Each question is of another range, so that no answer is cached.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import httpx

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.rows import Rows

ASKED = 10
BAR_MS = 300.0
PATHS_BAR_MS = 1_000.0
_WAY = ["page_view", "search", "add_to_cart", "purchase"]


class Analysis(NamedTuple):
    """A question, how many days it is about, and the plain SQL of what everybody did."""

    name: str
    path: str
    body: dict[str, Any]
    days: int
    select: str
    where: str = ""
    bar: float | None = BAR_MS
    beyond: timedelta = timedelta()
    """How far behind its range it reads."""


def analyses() -> list[Analysis]:
    """The mix: the three that have a bar, then what costs more."""
    window = timedelta(days=7)
    names = ", ".join(f"'{name}'" for name in _WAY)
    in_order = "arraySort(groupArray((timestamp, event)))"
    weeks = "groupUniqArray(toMonday(timestamp))"
    funnel: dict[str, Any] = {"steps": [{"event": name} for name in _WAY], "window": "7d"}
    retention = {"interval": "week", "periods": 8, "start": {"event": "signup"}, "returning": {"event": "purchase"}}
    bought = "AND event IN ('signup', 'purchase')"
    return [
        Analysis("funnel_4_steps", "funnel", funnel, 31, in_order, f"AND event IN ({names})", beyond=window),
        Analysis("retention_8_weeks", "retention", retention, 56, weeks, bought),
        Analysis("paths_5_steps", "paths", {"steps": 5}, 31, in_order, bar=PATHS_BAR_MS),
        Analysis(
            "funnel_by_country",
            "funnel",
            {**funnel, "breakdown": "country"},
            31,
            in_order,
            f"AND event IN ({names})",
            bar=None,
            beyond=window,
        ),
        Analysis("retention_any", "retention", {"interval": "week", "periods": 8}, 56, weeks, bar=None),
        Analysis(
            "retention_by_country", "retention", {**retention, "breakdown": "country"}, 56, weeks, bought, bar=None
        ),
        Analysis(
            "attribution",
            "attribution",
            {"conversion": {"event": "purchase"}, "by": "country", "lookback": "7d"},
            31,
            in_order,
            bar=None,
        ),
        Analysis("lifecycle", "lifecycle", {"interval": "week"}, 56, weeks, bar=None),
    ]


def bench_analyses(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 of every analysis beside its plain SQL; raises InstanceError where one is refused."""
    with Rows(instance) as rows, httpx.Client(base_url=instance.read.url, trust_env=False, timeout=120) as client:
        client.headers["x-api-key"] = instance.read.key
        yield Measurement("analyses_filled", rows.fill(options.rows), "rows/s", details={"rows": options.rows})
        rows.merge()
        for one in analyses():
            yield _measured(client, rows, one, options.rounds * ASKED)


def _measured(client: httpx.Client, rows: Rows, one: Analysis, times: int) -> Measurement:
    load = load_average()
    answered: list[float] = []
    plain: list[float] = []
    for number in range(times + 1):
        end = rows.end - one.beyond - timedelta(hours=number)
        start = end - timedelta(days=one.days)
        answered.append(_milliseconds(partial(_ask, client, one, start, end)))
        plain.append(_milliseconds(partial(_plain, rows, one, start, end + one.beyond)))
    value, bare = percentile(answered[1:], 0.95), percentile(plain[1:], 0.95)
    return Measurement(
        f"analysis_{one.name}",
        value,
        "ms p95",
        bar=one.bar,
        at_most=True,
        ratio=value / bare,
        baseline=bare,
        beside="plain SQL",
        loop="closed",
        load_average=load,
        details={
            "p50_ms": percentile(answered[1:], 0.5),
            "first_ms": answered[0],
            "plain_p50_ms": percentile(plain[1:], 0.5),
        },
    )


def _ask(client: httpx.Client, one: Analysis, start: datetime, end: datetime) -> None:
    body = {"from": start.isoformat(), "to": end.isoformat(), **one.body}
    answer = client.post(f"/api/v1/query/{one.path}", json=body)
    if answer.status_code != httpx.codes.OK:
        raise InstanceError(f"{one.name}: {answer.status_code} {answer.text[:300]}")


def _plain(rows: Rows, one: Analysis, start: datetime, end: datetime) -> None:
    rows.sql(
        f"SELECT sum(length(done)) FROM (SELECT user_key, {one.select} AS done FROM events"
        f" WHERE project_id = '{rows.project}' AND timestamp >= '{start:%F %T}' AND timestamp < '{end:%F %T}'"
        f" AND toDate(timestamp) >= '{start:%F}' AND toDate(timestamp) <= '{end:%F}' {one.where} GROUP BY user_key)"
    )


def _milliseconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
