"""A function in a process of its own, there while it is asked: what Knative's activator and autoscaler do for one.

The first request starts the process and waits for it, as do those that come meanwhile; one that asked nothing for
`idle` seconds is told to end. A process that ended by itself is started again by the next request. A function whose
lowest scale is above 0 is started at once and never stopped.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from shared.edge.forward import Forwarder
from shared.function import LIVE, METRICS, READY
from shared.http import Reply, Request, Send
from shared.local.parent import ends_with_parent
from shared.refusals import UnavailableError
from shared.wiring import Function

log = structlog.get_logger()

START_SECONDS = 60.0
# A source that goes on trying must not keep the machine busy with starts that fail.
AGAIN_SECONDS = 2.0
_DRAIN_SECONDS = 32.0
_POLL_SECONDS = 0.01
# What asks whether a function is there, or what it has counted, is no reason to start it.
_NO_WORK = LIVE | READY | {METRICS}
_MOST_BYTES = 11 * 1024 * 1024


class StartFailedError(UnavailableError):
    """The function's process ended, or did not listen in time; its log says why."""

    retry_after_seconds = 5


@dataclass(frozen=True)
class Process:
    """A started process and the way to it."""

    process: asyncio.subprocess.Process
    forwarder: Forwarder


class Runner:
    """One function: its process, where there is one, and who waits for it."""

    def __init__(self, row: Function, logs: Path, idle: float, changed: Callable[[], None]) -> None:
        """`changed` is called when its process has come or gone."""
        self.row = row
        self.starts = 0
        self.start_ms = 0.0
        self._logs = logs
        self._idle = idle
        self._changed = changed
        self._stays = row.scale.min > 0
        self._room = asyncio.Semaphore(row.concurrency)
        self._busy = 0
        self._current: Process | None = None
        self._starting: asyncio.Task[Process] | None = None
        self._failed_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def pid(self) -> int:
        """Of its process; 0 where there is none."""
        return self._current.process.pid if self._current else 0

    async def open(self) -> None:
        """Start what is to be there always."""
        if self._stays and not self._closing:
            await self._running()

    async def close(self) -> None:
        """End its processes, whose requests may finish first."""
        self._closing = True
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        self._stop()
        await asyncio.gather(*self._ending)

    async def answer(self, request: Request) -> Reply:
        """The function's answer as it gives it, or one without it to what is no reason to start it.

        Raises UnavailableError where it does not start or does not answer. The process stays while the answer is sent.
        """
        if self._current is None and request.path in _NO_WORK:
            return Reply(200, b"", "text/plain")
        await self._room.acquire()
        self._busy += 1
        self._keep()
        try:
            one = await self._running()
            return _Sent(await one.forwarder.forward(request, self.row, _MOST_BYTES), self._done)
        except BaseException:
            self._done()
            raise

    def _done(self) -> None:
        self._room.release()
        self._busy -= 1
        if not self._busy and not self._stays and not self._closing:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._stop)

    def _keep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _running(self) -> Process:
        """The process, started where there is none; a caller that goes does not end a start others wait for."""
        if self._current is not None:
            return self._current
        if self._starting is None:
            if time.monotonic() - self._failed_at < AGAIN_SECONDS:
                raise self._failure()
            self._starting = asyncio.create_task(self._start(), name=f"start-{self.row.service}")
            self._starting.add_done_callback(self._started)
        return await asyncio.shield(self._starting)

    def _started(self, task: asyncio.Task[Process]) -> None:
        self._starting = None
        if task.cancelled() or task.exception() is not None:
            self._failed_at = time.monotonic()
            return
        self._current = task.result()
        self._ending.add(watch := asyncio.create_task(self._watch(self._current)))
        watch.add_done_callback(self._ending.discard)
        self._changed()

    async def _start(self) -> Process:
        began = time.monotonic()
        port = _free_port()
        with (self._logs / f"{self.row.name}.log").open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "shared.function", self.row.name),
                env={**os.environ, "PORT": str(port), "SLUICE_HOST": "127.0.0.1"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=ends_with_parent(),
            )
        try:
            await asyncio.wait_for(self._listening(process, port), START_SECONDS)
        except TimeoutError as error:
            raise self._failure() from error
        finally:
            if sys.exception() is not None and process.returncode is None:
                process.kill()
        self.starts += 1
        self.start_ms = (time.monotonic() - began) * 1_000
        log.info("started", service=self.row.service, pid=process.pid, ms=round(self.start_ms))
        return Process(process, Forwarder(f"http://127.0.0.1:{port}", unchanged=True))

    async def _listening(self, process: asyncio.subprocess.Process, port: int) -> None:
        """Return once it takes connections, which it does when its clients are open."""
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(_POLL_SECONDS)
        raise self._failure()

    def _failure(self) -> StartFailedError:
        return StartFailedError(f"{self.row.service} does not start; logs/{self.row.name}.log says why")

    async def _watch(self, one: Process) -> None:
        """Notice its end: asked for or not, the next request finds that there is none."""
        code = await one.process.wait()
        await one.forwarder.close()
        if self._current is not one:
            return
        self._current = None
        self._changed()
        log.warning("ended by itself", service=self.row.service, code=code)
        if self._stays and not self._closing:
            await asyncio.sleep(AGAIN_SECONDS)
            with contextlib.suppress(StartFailedError):
                await self.open()

    def _stop(self) -> None:
        """Let go of the process and tell it to end; the next request starts another."""
        self._keep()
        if self._current is None:
            return
        one, self._current = self._current, None
        self._ending.add(ending := asyncio.create_task(self._end(one)))
        ending.add_done_callback(self._ending.discard)
        self._changed()

    async def _end(self, one: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            one.process.terminate()
        try:
            await asyncio.wait_for(one.process.wait(), _DRAIN_SECONDS)
        except TimeoutError:
            log.warning("killed", service=self.row.service)
            with contextlib.suppress(ProcessLookupError):
                one.process.kill()
            await one.process.wait()
        log.info("stopped", service=self.row.service, pid=one.process.pid)


class _Sent(Reply):
    """An answer that tells when it has been sent."""

    __slots__ = ("_done", "_reply")

    def __init__(self, reply: Reply, done: Callable[[], None]) -> None:
        super().__init__(reply.status, reply.body, reply.content_type)
        self.headers = reply.headers
        self._reply = reply
        self._done = done

    async def send(self, send: Send) -> None:
        try:
            await self._reply.send(send)
        finally:
            self._done()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
