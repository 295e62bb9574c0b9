"""`bench query`: count, time series and breakdown of a million events beside plain SQL, which knows of no repeats.

The events go in through ingest. Each question is asked of the function and, right after, as one SQL statement without
FINAL of the warehouse itself, over one connection each. The ratio is what exactness and HTTP cost.
"""

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from tests.load.instance import STORED_SECONDS, Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.pool import event_id, make_event, new_run

DAYS = 60
P95_BAR_MS = 100.0
ASKED = 15
_BATCH = 1_000
_SENDERS = 4
_MERGED_SECONDS = 120.0


class Question(NamedTuple):
    """The same question twice: to a function of ours, and as what stands between SELECT and FROM, and after WHERE."""

    name: str
    path: str
    body: dict[str, Any]
    select: str
    group: str = ""
    days: int = DAYS


QUESTIONS = (
    Question("count", "count", {}, "count()"),
    Question("count_7_days", "count", {}, "count()", days=7),
    Question("users", "count", {"measure": "users"}, "uniqExact(user_key)"),
    Question("timeseries_days", "timeseries", {}, "toStartOfDay(timestamp) AS t, count()", "GROUP BY t"),
    Question(
        "timeseries_hours", "timeseries", {"interval": "hour"}, "toStartOfHour(timestamp) AS t, count()", "GROUP BY t"
    ),
    Question(
        "timeseries_users_by_event",
        "timeseries",
        {"measure": "users", "group_by": "event"},
        "toStartOfDay(timestamp) AS t, event, uniqExact(user_key)",
        "GROUP BY t, event",
    ),
    Question("breakdown_event", "breakdown", {"by": "event"}, "event, count() AS n", "GROUP BY event ORDER BY n DESC"),
    Question(
        "breakdown_sum_by_property",
        "breakdown",
        {"by": "properties.screen", "measure": "sum:price"},
        "toString(properties.screen) AS s, sum(toFloat64OrNull(toString(properties.price))) AS n",
        "GROUP BY s ORDER BY n DESC LIMIT 10",
    ),
    Question(
        "breakdown_user",
        "breakdown",
        {"by": "user_id"},
        "user_id, count() AS n",
        "GROUP BY user_id ORDER BY n DESC LIMIT 10",
    ),
)


def bench_query(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p50 and p95 of every question, just written and merged; raises InstanceError unless every event counts once."""
    started, now, run = time.monotonic(), datetime.now(tz=UTC), new_run()
    ours = _Ours(instance, now)
    _fill(ours, options.events, run)
    yield _stored(ours, options.events, started)
    plain = _Plain(instance, event_id(run, 0), now)
    states: tuple[tuple[str, Callable[[], None]], ...] = (("fresh", lambda: None), ("merged", plain.merge))
    for state, bring_there in states:
        bring_there()
        for question in QUESTIONS:
            yield _asked(ours, plain, question, state, options.rounds * ASKED)


class _Ours:
    """The functions, as a client sees them."""

    def __init__(self, instance: Instance, now: datetime) -> None:
        self._client = httpx.Client(base_url=instance.write.url, trust_env=False, timeout=60)
        self._write = {"X-API-Key": instance.write.key, "Content-Type": "application/json"}
        self._read = {"X-API-Key": instance.read.key}
        self.now = now

    def send(self, body: bytes) -> None:
        answer = self._client.post("/api/v1/events", content=body, headers=self._write)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise InstanceError(f"{answer.status_code} {answer.text[:300]}")

    def ask(self, question: Question) -> dict[str, Any]:
        span = {"from": (self.now - timedelta(days=question.days)).isoformat(), "to": self.now.isoformat()}
        answer = self._client.post(f"/api/v1/query/{question.path}", json={**span, **question.body}, headers=self._read)
        if answer.status_code != httpx.codes.OK:
            raise InstanceError(f"{question.name}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found


def _fill(ours: _Ours, events: int, run: str) -> None:
    with ThreadPoolExecutor(_SENDERS) as pool:
        sending: deque[Future[None]] = deque()
        for body in _bodies(events, run, ours.now):
            sending.append(pool.submit(ours.send, body))
            if len(sending) > 2 * _SENDERS:  # bodies of a million events would fill the memory
                sending.popleft().result()
        for one in sending:
            one.result()


def _bodies(events: int, run: str, now: datetime) -> Iterator[bytes]:
    dice = random.Random(1)
    for first in range(0, events, _BATCH):
        numbers = range(first, min(first + _BATCH, events))
        batch = (make_event(dice, now - timedelta(days=DAYS) * dice.uniform(0.001, 0.999)) for _ in numbers)
        named = [{"id": event_id(run, number), **event} for number, event in zip(numbers, batch, strict=True)]
        yield msgspec.json.encode({"events": named})


def _stored(ours: _Ours, events: int, started: float) -> Measurement:
    """How fast the events went in, once they all count, and a second later too."""
    deadline = time.monotonic() + STORED_SECONDS
    while (counted := ours.ask(QUESTIONS[0])["value"]) < events:
        if time.monotonic() > deadline:
            raise InstanceError(f"{counted} of {events} events count after {STORED_SECONDS} s")
        time.sleep(0.25)
    rate = events / (time.monotonic() - started)
    time.sleep(1)
    if (counted := ours.ask(QUESTIONS[0])["value"]) != events:
        raise InstanceError(f"{events} events were acknowledged, {counted} count")
    return Measurement("query_filled", rate, "events/s", details={"events": events})


class _Plain:
    """The warehouse itself, without FINAL; of the project that holds the event."""

    def __init__(self, instance: Instance, event: str, now: datetime) -> None:
        if not instance.warehouse_url:
            raise InstanceError("plain SQL needs the data folder of the instance: give --data")
        address = urlsplit(instance.warehouse_url)
        self._client = httpx.Client(
            base_url=address._replace(path="/").geturl(),
            params={"database": address.path.strip("/")},
            trust_env=False,
            timeout=_MERGED_SECONDS,
        )
        self._now = now
        self._project = self._sql(f"SELECT any(project_id) FROM events WHERE event_id = '{event}'").strip()

    def ask(self, question: Question) -> None:
        first, last = (f"'{at:%F %T.%f}'" for at in (self._now - timedelta(days=question.days), self._now))
        where = f"project_id = '{self._project}' AND timestamp >= {first} AND timestamp < {last}"
        self._sql(f"SELECT {question.select} FROM events WHERE {where} {question.group}")

    def merge(self) -> None:
        """Bring every partition to one part, as background merges do within minutes."""
        self._sql("OPTIMIZE TABLE events FINAL")

    def _sql(self, sql: str) -> str:
        answer = self._client.post("", content=sql)
        if answer.status_code != httpx.codes.OK:
            raise InstanceError(f"{answer.status_code} {answer.text[:300]}")
        return answer.text


def _asked(ours: _Ours, plain: _Plain, question: Question, state: str, times: int) -> Measurement:
    load, answered, selected = load_average(), [], []
    for _ in range(times + 1):
        answered.append(_milliseconds(lambda: ours.ask(question)))
        selected.append(_milliseconds(lambda: plain.ask(question)))
    warm, bare = sorted(answered[1:]), statistics.median(selected[1:])
    value = statistics.median(warm)
    return Measurement(
        f"query_{question.name}_{state}",
        value,
        "ms",
        ratio=value / bare,
        baseline=bare,
        load_average=load,
        details={
            "p95_ms": _p95(warm),
            "p95_bar_ms": P95_BAR_MS,
            "first_ms": answered[0],
            "plain_p95_ms": _p95(sorted(selected[1:])),
        },
    )


def _p95(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
