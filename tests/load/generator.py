"""Make load over raw HTTP/1.1: keep-alive connections, one request in flight on each, this machine only.

Closed loop by default (a connection sends its next request when its answer came); with `rate` an open loop
whose latencies count from the moment a request was due. `python -m tests.load.generator` reads a `Plan` as
JSON on stdin and writes a `Result` as JSON: the load has an interpreter of its own. `run_load` does that.
"""

import array
import asyncio
import contextlib
import gc
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from tests.load.acklog import AckLog
from tests.load.http1 import AnswerError, AnswerParser, accepted_of
from tests.load.pool import event_id, make_bodies, make_requests, new_run, target_of

ACCEPTED = 202
RETRYABLE = (429, 503)
RECONNECT_SECONDS = 0.05
TICK_SECONDS = 0.001
CONNECT_SECONDS = 5.0
SETTLE_SECONDS = 0.2
ROOT = Path(__file__).resolve().parents[2]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run: at most `seconds` long and, if not 0, at most `requests` requests.

    `batch` events a request, out of a pool of `pool` distinct ones made from `seed`. `rate` requests a second
    is the open loop, 0 the closed one. `acks` names a file for an `AckLog`; with `resend` a request that was
    answered 429 or 503, or whose connection broke, is repeated unchanged until it is acknowledged. After the
    time is up the open answers are awaited for `grace` seconds. Events are of the `hours` before `now` (epoch
    seconds; 0 is the start).
    """

    url: str
    path: str = "/api/v1/events"
    key: str = ""
    connections: int = 64
    seconds: float = 10.0
    requests: int = 0
    batch: int = 1
    rate: float = 0.0
    seed: int = 1
    pool: int = 20_000
    acks: str = ""
    resend: bool = False
    grace: float = 10.0
    now: float = 0.0
    hours: int = 1

    @property
    def moment(self) -> datetime | None:
        return datetime.fromtimestamp(self.now, UTC) if self.now else None


class Result(msgspec.Struct, kw_only=True):
    """What came of it. `accepted` counts events the answers called accepted; latencies are milliseconds.

    `unanswered` requests were sent and got no final answer: their events may be stored or not. `rate` is
    answers a second, `started` the wall clock at the first request (epoch seconds). `cpu` is the share of one
    core this generator used: near 1 it was the limit itself.
    """

    run: str
    sent: int
    answered: int
    unanswered: int
    accepted: int
    started: float
    seconds: float
    rate: float
    statuses: dict[str, int]
    errors: dict[str, int]
    p50: float
    p90: float
    p99: float
    max: float
    cpu: float


class _Connection(asyncio.Protocol):
    """One keep-alive connection; `pending` is the request that has no final answer yet."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._parser = AnswerParser()
        self._write: Callable[[bytes], object] | None = None
        self._transport: asyncio.Transport | None = None
        self._in_flight = False
        self.pending = b""
        self.number = 0
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        self._parser = AnswerParser()
        if self.pending:
            self.send()
        else:
            self._load.ready(self)

    def send(self) -> None:
        """Write `pending`, unless it is under way; without a connection the next one does it."""
        if self._write is not None and not self._in_flight:
            self._in_flight = True
            self._write(self.pending)

    def data_received(self, data: bytes) -> None:
        try:
            status = self._parser.feed(data)
        except AnswerError as error:
            self._load.errors[f"answer: {error}"] += 1
            self.close()
            return
        if status:
            self._in_flight = False
            self._load.answered(self, status, self._parser.body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._write = self._transport = None
        if self._in_flight:
            self._in_flight = False
            self._load.errors["dropped"] += 1
            if not self._load.plan.resend:
                self.pending = b""
        self._load.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Load:
    """The run: hands requests to connections, counts answers, stops in time."""

    def __init__(self, plan: Plan, log: AckLog | None) -> None:
        self.plan = plan
        self.errors: Counter[str] = Counter()
        self._log = log
        self._target = target_of(plan.url, plan.path)
        self._run = new_run()
        bodies = make_bodies(
            run=self._run, seed=plan.seed, pool=plan.pool, batch=plan.batch, now=plan.moment, hours=plan.hours
        )
        self._requests = make_requests(bodies, target=self._target, key=plan.key, batch=plan.batch)
        self._connections = [_Connection(self) for _ in range(plan.connections)]
        self._statuses: Counter[int] = Counter()
        self._latencies = array.array("d")
        self._idle: deque[_Connection] = deque()
        self._overdue: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent = self._answered = self._settled = self._accepted = 0
        self._deadline = self._last_answer = 0.0
        self._started = False
        self._finished = asyncio.Event()

    async def run(self) -> Result:
        await self._connect_all()
        started, cpu = time.perf_counter(), time.process_time()
        self._deadline = started + self.plan.seconds
        self._started = True
        for _ in range(len(self._idle)):
            self.ready(self._idle.popleft())
        if self.plan.rate:
            self._start(self._open_loop(started))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._finished.wait(), self.plan.seconds + self.plan.grace)
        cpu = time.process_time() - cpu
        self._finished.set()
        for connection in self._connections:
            connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._result(started, cpu)

    def ready(self, connection: _Connection) -> None:
        """Give an idle connection its next request; in the open loop only one that is already due."""
        if not self._started:
            self._idle.append(connection)
        elif not self.plan.rate or time.perf_counter() >= self._deadline:
            self._next(connection, time.perf_counter())
        elif self._overdue:
            self._next(connection, self._overdue.popleft())
        else:
            self._idle.append(connection)

    def answered(self, connection: _Connection, status: int, body: bytes) -> None:
        now = time.perf_counter()
        self._last_answer = now
        self._answered += 1
        self._statuses[status] += 1
        self._latencies.append(now - connection.due)
        if status == ACCEPTED:
            self._acknowledge(connection, body)
        elif status in RETRYABLE and self.plan.resend:
            asyncio.get_running_loop().call_later(RECONNECT_SECONDS, connection.send)
            return
        self._settled += 1
        connection.pending = b""
        self.ready(connection)

    def stop(self) -> None:
        """Send nothing more, also when broken off: what goes out after the log was closed would be forgotten."""
        self._deadline = 0.0
        self._finished.set()
        for connection in self._connections:
            connection.close()

    def lost(self, connection: _Connection) -> None:
        """Reconnect while there is time; what is unsent or to be repeated goes out on the new connection."""
        if self._finished.is_set():
            return
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        self._start(self._connect(connection, wait=RECONNECT_SECONDS))

    def _next(self, connection: _Connection, due: float) -> None:
        plan = self.plan
        if time.perf_counter() >= self._deadline or self._sent == plan.requests > 0:
            self._finish_if_quiet()
            return
        number = self._sent
        self._sent += 1
        first = number * plan.batch
        template = self._requests[number % len(self._requests)]
        connection.pending = template % tuple(range(first, first + plan.batch))
        connection.number, connection.due = number, due
        if self._log is not None:
            self._log.sent(self._ids(number))
        connection.send()

    def _acknowledge(self, connection: _Connection, body: bytes) -> None:
        if not body:  # the bare baseline
            return
        accepted = accepted_of(body)
        self._accepted += accepted
        if accepted != self.plan.batch:
            self.errors["partly accepted"] += 1
        elif self._log is not None:
            self._log.acked(self._ids(connection.number))

    def _ids(self, number: int) -> list[str]:
        first = number * self.plan.batch
        return [event_id(self._run, first + offset) for offset in range(self.plan.batch)]

    async def _connect_all(self) -> None:
        """Connect before the clock starts: under load a uvloop server accepts one connection a loop."""
        self._deadline = time.perf_counter() + CONNECT_SECONDS + self.plan.seconds
        for connection in self._connections:
            self._start(self._connect(connection))
        await asyncio.wait(self._tasks, timeout=CONNECT_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)

    async def _connect(self, connection: _Connection, *, wait: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(wait)
        while connection.pending or time.perf_counter() < self._deadline:
            try:
                await loop.create_connection(lambda: connection, "127.0.0.1", self._target.port)
            except OSError:
                self.errors["connect"] += 1
            else:
                return
            await asyncio.sleep(RECONNECT_SECONDS)
        self._finish_if_quiet()

    async def _open_loop(self, started: float) -> None:
        due, step = started, 1.0 / self.plan.rate
        while due < self._deadline:
            now = time.perf_counter()
            while due <= now and due < self._deadline:
                if self._idle:
                    self._next(self._idle.popleft(), due)
                else:
                    self._overdue.append(due)
                due += step
            await asyncio.sleep(TICK_SECONDS)
        if self._overdue:
            self.errors["due but never sent"] += len(self._overdue)
            self._overdue.clear()
        self._finish_if_quiet()

    def _finish_if_quiet(self) -> None:
        over = time.perf_counter() >= self._deadline or self._sent == self.plan.requests > 0
        if over and not any(connection.pending for connection in self._connections):
            self._finished.set()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _result(self, started: float, cpu: float) -> Result:
        seconds = max(self._last_answer - started, 1e-9)
        ordered = sorted(self._latencies)
        return Result(
            run=self._run,
            sent=self._sent,
            answered=self._answered,
            unanswered=self._sent - self._settled,
            accepted=self._accepted,
            started=time.time() - (time.perf_counter() - started),
            seconds=seconds,
            rate=len(ordered) / seconds,
            statuses={str(status): count for status, count in sorted(self._statuses.items())},
            errors=dict(self.errors),
            p50=percentile(ordered, 50),
            p90=percentile(ordered, 90),
            p99=percentile(ordered, 99),
            max=percentile(ordered, 100),
            cpu=cpu / seconds,
        )


def percentile(ordered: list[float], rank: int) -> float:
    """Nearest-rank percentile of sorted seconds, in milliseconds; 0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-rank * len(ordered) // 100) - 1)] * 1_000


async def run(plan: Plan) -> Result:
    """Make the load of `plan` in this interpreter; raises TargetError for another machine's address."""
    if not plan.acks:
        return await _Load(plan, None).run()
    with AckLog(Path(plan.acks)) as log:
        load = _Load(plan, log)
        try:
            return await load.run()
        finally:
            load.stop()


def start_load(plan: Plan) -> subprocess.Popen[bytes]:
    """Start `plan` in a process of its own; `finish_load` waits for its result."""
    command = [sys.executable, "-m", "tests.load.generator"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan))
    process.stdin.close()
    process.stdin = None
    return process


def finish_load(process: subprocess.Popen[bytes], seconds: float) -> Result:
    """Wait for a started load; raises subprocess.TimeoutExpired when it takes longer than `seconds`."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    if process.returncode:
        raise RuntimeError(f"the load generator ended with status {process.returncode}")
    return msgspec.json.decode(output, type=Result)


def run_load(plan: Plan) -> Result:
    """Make the load of `plan` in a process of its own and wait for it."""
    start_up = 30.0
    return finish_load(start_load(plan), start_up + plan.seconds + plan.grace)


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    gc.disable()  # nothing on the hot path makes cycles, and a collection would show as latency
    try:
        result = uvloop.run(run(plan))
    except KeyboardInterrupt:  # how a crash test ends it: what it was told is in its file
        sys.exit(130)
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


if __name__ == "__main__":
    main()
