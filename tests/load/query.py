"""`bench query-10M`: a fixed mix of questions about ten million rows, each beside plain SQL that knows of no repeats.

Every question is asked many times, each time of another range, so that no answer is a cached one; beside it the same
of the warehouse itself, without FINAL and with it. First from the rows, merged, then once the hours are rolled up.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import httpx

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.rollup import roll_up
from tests.load.rows import DAYS, REPEATED, Rows

ROLLED_BAR_MS = 15.0
BAR_MS = 100.0
ALL_USERS_BAR_MS = 300.0
FINAL_BAR = 1.5
ASKED = 10


class Question(NamedTuple):
    """The same question twice: to a function of ours, and as what stands between SELECT and FROM, and after WHERE.

    `rolled` says that counts of whole hours answer it.
    """

    name: str
    path: str
    body: dict[str, Any]
    select: str
    group: str = ""
    where: str = ""
    days: int = DAYS
    bar: float = BAR_MS
    rolled: bool = False


def questions(user: str) -> list[Question]:
    """The mix; `user` is the person of the timeline."""
    filtered = [{"property": "country", "op": "eq", "value": "DE"}]
    price = [{"property": "properties.price", "op": "gt", "value": 400}]
    hour, day = "toStartOfHour(timestamp) AS t", "toStartOfDay(timestamp) AS t"
    over_400 = "AND toFloat64OrNull(toString(properties.price)) > 400"
    last = "ORDER BY timestamp DESC LIMIT 100"
    return [
        Question("count", "count", {}, "count()", rolled=True),
        Question("count_7_days", "count", {}, "count()", days=7, rolled=True),
        Question("by_day", "timeseries", {}, f"{day}, count()", "GROUP BY t", rolled=True),
        Question("by_hour", "timeseries", {"interval": "hour"}, f"{hour}, count()", "GROUP BY t", rolled=True),
        Question("by_event", "breakdown", {"by": "event"}, "event, count()", "GROUP BY event", rolled=True),
        Question("by_country", "breakdown", {"by": "country"}, "country, count()", "GROUP BY country"),
        Question("users", "count", {"measure": "users"}, "uniqExact(user_key)", bar=ALL_USERS_BAR_MS),
        Question("users_7_days", "count", {"measure": "users"}, "uniqExact(user_key)", days=7),
        Question("filtered", "count", {"filters": filtered}, "count()", where="AND country = 'DE'"),
        Question("filtered_property_7_days", "count", {"filters": price}, "count()", where=over_400, days=7),
        Question("timeline", "events", {"user_id": user}, "*", last, f"AND user_id = '{user}'"),
    ]


def bench_query(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 of every question; raises InstanceError where a count is not that of the distinct events."""
    with Rows(instance) as rows, httpx.Client(base_url=instance.read.url, trust_env=False, timeout=120) as client:
        asking = _Asking(client, instance.read.key, rows)
        events = asking.count() + options.rows
        yield Measurement("query_filled", rows.fill(options.rows), "rows/s", details={"rows": options.rows})
        rows.merge()
        asking.check(events)
        user = rows.sql(f"SELECT any(user_id) FROM events WHERE project_id = '{rows.project}' AND event = 'purchase'")
        mix = questions(user.strip())
        for question in mix:
            yield _asked(asking, question, "rows", options.rounds * ASKED)
        roll_up(instance, rows)
        asking.check(events)
        for question in mix:
            if question.rolled:
                yield _asked(asking, question._replace(bar=ROLLED_BAR_MS), "rolled", options.rounds * ASKED)


class _Asking:
    """The functions as a client sees them, and plain SQL of the same."""

    def __init__(self, client: httpx.Client, key: str, rows: Rows) -> None:
        self._client = client
        self._key = {"X-API-Key": key}
        self._rows = rows

    def count(self) -> int:
        return int(self.ask(Question("count", "count", {}, "count()"), 0)["value"])

    def check(self, events: int) -> None:
        if (counted := self.count()) != events:
            raise InstanceError(f"{events} distinct events are stored, one in {REPEATED} twice; {counted} count")

    def ask(self, question: Question, number: int) -> dict[str, Any]:
        start, end = self._range(question, number)
        body = {"from": start.isoformat(), "to": end.isoformat(), **question.body}
        answer = self._client.post(f"/api/v1/query/{question.path}", json=body, headers=self._key)
        if answer.status_code != httpx.codes.OK:
            raise InstanceError(f"{question.name}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found

    def plain(self, question: Question, number: int, *, final: bool) -> None:
        start, end = self._range(question, number)
        where = (
            f"project_id = '{self._rows.project}' AND timestamp >= '{start:%F %T}' AND timestamp < '{end:%F %T}'"
            f" AND toDate(timestamp) >= '{start:%F}' AND toDate(timestamp) <= '{end:%F}' {question.where}"
        )
        settings = "SETTINGS do_not_merge_across_partitions_select_final = 1"
        self._rows.sql(
            f"SELECT {question.select} FROM events {'FINAL' if final else ''} WHERE {where} {question.group} {settings}"
        )

    def _range(self, question: Question, number: int) -> tuple[Any, Any]:
        """Another one each time, of whole hours: the whole first, then shorter by an hour at one end or the other."""
        end = self._rows.end - timedelta(hours=number // 2)
        return end - timedelta(days=question.days) + timedelta(hours=number), end


def _asked(asking: _Asking, question: Question, state: str, times: int) -> Measurement:
    load = load_average()
    answered: list[float] = []
    plain: list[float] = []
    final: list[float] = []
    answer: dict[str, Any] = {}
    for number in range(times + 1):
        took, answer = _milliseconds(partial(asking.ask, question, number))
        answered.append(took)
        plain.append(_milliseconds(partial(asking.plain, question, number, final=False))[0])
        final.append(_milliseconds(partial(asking.plain, question, number, final=True))[0])
    value, bare = percentile(answered[1:], 0.95), percentile(plain[1:], 0.95)
    return Measurement(
        f"query_{question.name}_{state}",
        value,
        "ms p95",
        bar=question.bar,
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
            "final_p50_ms": percentile(final[1:], 0.5),
            "final_over_plain": percentile(final[1:], 0.5) / percentile(plain[1:], 0.5),
            "final_over_plain_bar": FINAL_BAR,
            "mode": str(answer.get("plan", {}).get("mode", "")),
        },
    )


def _milliseconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return (time.perf_counter() - started) * 1_000, found
