"""The supervisor of `./task up`: starts the parts in order, restarts what crashes, stops all of it cleanly.

What it knows stands in `$SLUICE_DATA/runtime.json` (0600), rewritten at every change: `up` shows its progress
from there, `status`, `down` and the benchmarks read the process ids.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import structlog

from shared.config import load
from shared.local.engines import EngineError
from shared.local.parent import ends_with_parent
from shared.local.parts import Part, Prepared, RuntimeSettings
from shared.local.web_build import build_beside
from shared.telemetry import configure_logging

log = structlog.get_logger()

READY_SECONDS = 90
STOP_SECONDS = 35
_BACKOFF_SECONDS = (0.2, 0.5, 1, 2, 5)
_STEADY_SECONDS = 30
_AGAIN_SECONDS = 1
_POLL_SECONDS = 0.05


class StartError(Exception):
    """A part did not become ready; the message says which, `log` is where it says why."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(f"{message}; its log is {log}")
        self.log = log


class State:
    """What is known of the run, written to runtime.json at every change."""

    def __init__(self, path: Path, settings: RuntimeSettings) -> None:
        self._path = path
        self._facts: dict[str, object] = {
            "state": "starting",
            "step": "",
            "pid": os.getpid(),
            "started_at": time.time(),
            "url": settings.url,
            "parts": {},
            "restarts": {},
            "env": {},
        }
        self.parts: dict[str, int] = {}
        self.restarts: dict[str, int] = {}

    def write(self, **facts: object) -> None:
        self._facts.update(facts, parts=self.parts, restarts=self.restarts)
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._facts, file, indent=1)
        fresh.replace(self._path)


class Child:
    """One running part: started, watched, started again when it ends before it is told to."""

    def __init__(self, part: Part, logs: Path, state: State) -> None:
        self.part = part
        self._logs = logs
        self._state = state
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._spawn()
        self._note()
        self._watcher = asyncio.create_task(self._watch(), name=f"watch-{self.part.name}")

    async def wait_ready(self) -> None:
        """Return when the part answers; raises StartError when it does not in time or keeps ending."""
        deadline = time.monotonic() + READY_SECONDS
        while not await self.part.ready():
            if time.monotonic() > deadline or self._state.restarts.get(self.part.name, 0) > len(_BACKOFF_SECONDS):
                raise StartError(f"{self.part.name} did not become ready", self._log_file())
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not within STOP_SECONDS."""
        if self._watcher is not None:
            self._watcher.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.part.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            log.warning("killed", part=self.part.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _watch(self) -> None:
        """Restart the part whenever it ends; one that ran steadily starts again at once."""
        tries = 0
        while self._process is not None:
            started = time.monotonic()
            code = await self._process.wait()
            tries = 0 if time.monotonic() - started > _STEADY_SECONDS else tries + 1
            wait = _BACKOFF_SECONDS[min(tries, len(_BACKOFF_SECONDS) - 1)]
            log.warning("part ended", part=self.part.name, code=code, restart_in=wait)
            await asyncio.sleep(wait)
            self._state.restarts[self.part.name] = self._state.restarts.get(self.part.name, 0) + 1
            await self._start_again()

    async def _start_again(self) -> None:
        """Start and note it, however long that takes: a disk that is full now has room again some time."""
        while True:
            try:
                if self._process is None or self._process.returncode is not None:
                    await self._spawn()
                self._note()
            except OSError as error:
                log.warning("part not started again", part=self.part.name, error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    def _note(self) -> None:
        if self._process is not None:
            self._state.parts[self.part.name] = self._process.pid
            self._state.write()

    async def _spawn(self) -> None:
        with self._log_file().open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.part.argv,
                env=dict(self.part.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=ends_with_parent(self.part.stop_signal),
                user=self.part.user,
                cwd="/" if self.part.user else None,
            )

    def _log_file(self) -> Path:
        return self._logs / f"{self.part.name}.log"


async def run(settings: RuntimeSettings) -> None:
    """Start everything, keep it running until SIGTERM or SIGINT, stop it in reverse order."""
    logs = settings.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    state = State(settings.data / "runtime.json", settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running: list[Child] = []
    starting = asyncio.create_task(_start(settings, logs, state, running))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await _serve(settings, logs, stop)
        starting.cancel()
        state.write(state="stopped", step="")
    except (StartError, EngineError) as error:
        log.exception("not started")
        state.write(state="failed", step=str(error), log=str(getattr(error, "log", "")))
    finally:
        await _stop(running, state)


async def _serve(settings: RuntimeSettings, logs: Path, stop: asyncio.Event) -> None:
    """Run until `stop`; the app is built meanwhile, so that the API never waits for it."""
    if settings.web == "off":
        await stop.wait()
        return
    building = asyncio.create_task(build_beside(logs / "web.log"), name="web")
    try:
        await stop.wait()
    finally:
        building.cancel()
        await asyncio.gather(building, return_exceptions=True)


async def _start(settings: RuntimeSettings, logs: Path, state: State, running: list[Child]) -> None:
    state.write(step="engines")
    prepared = await asyncio.to_thread(Prepared, settings)
    state.write(env=prepared.env)
    await _start_all(prepared.engines(), logs, state, running)
    for name, argv, env in prepared.setup():
        state.write(step=name)
        await _run_once(name, argv, env, logs)
    state.write(step="functions")
    await _start_all(prepared.functions(), logs, state, running)
    state.write(state="ready", step="", ready_at=time.time())
    log.info("ready", url=settings.url)


@contextlib.asynccontextmanager
async def engines_alone(settings: RuntimeSettings) -> AsyncIterator[Mapping[str, str]]:
    """The embedded engines without the functions, and the environment of clients; for who must be alone with the data.

    Nothing else may run on the data folder. Raises StartError, EngineError.
    """
    logs = settings.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    state = State(settings.data / "runtime.json", settings)
    running: list[Child] = []
    try:
        prepared = await asyncio.to_thread(Prepared, settings)
        await _start_all(prepared.engines(), logs, state, running)
        yield prepared.env
    finally:
        await _stop(running, state)
        state.write(state="stopped")


async def _start_all(parts: Sequence[Part], logs: Path, state: State, running: list[Child]) -> None:
    children = [Child(part, logs, state) for part in parts]
    for child in children:
        running.append(child)
        await child.start()
    await asyncio.gather(*(child.wait_ready() for child in children))


async def _run_once(name: str, argv: Sequence[str], env: Mapping[str, str], logs: Path) -> None:
    path = logs / f"{name}.log"
    with path.open("ab") as output:
        process = await asyncio.create_subprocess_exec(*argv, env=dict(env), stdout=output, stderr=output)
        if await process.wait() != 0:
            raise StartError(f"{name} failed", path)


async def _stop(running: Sequence[Child], state: State) -> None:
    """Functions before engines, each group at once: what they hold is written before its store goes."""
    for group in ("function", "engine"):
        members = [child for child in reversed(running) if child.part.kind == group]
        await asyncio.gather(*(child.stop() for child in members))
    state.parts.clear()
    state.write()


def main() -> None:
    """`python -m shared.local.supervisor`."""
    settings = load(RuntimeSettings)
    configure_logging("supervisor", settings.log_level)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
