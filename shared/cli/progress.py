"""How an import shows itself while it runs: one bar, and the rejects file."""

import time
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shared.importing.job import RefusedRow


class ImportDisplay:
    """Watches an import: draws on `console` where that is a terminal, writes refused rows to `rejects`."""

    def __init__(self, console: Console, rejects: BinaryIO | None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, facts="")
        self._rejects = rejects
        self._title = ""
        self._started = 0.0
        self._done = self._lines = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def reading(self, file: str, done: int, size: int) -> None:
        """The file is hashed: `done` of `size` bytes."""
        self._progress.update(self._task, description=f"reading {escape(file)}", completed=done, total=size, facts="")

    def importing(self, file: str, lines: int) -> None:
        """Its `lines` are being sent."""
        self._title, self._started = f"importing {escape(file)}", time.monotonic()
        self._done, self._lines = 0, lines
        self._progress.reset(self._task, total=lines, description=self._title, facts="")

    def advanced(self, lines: int) -> None:
        """So many more lines have their final answer."""
        self._done += lines
        rate = self._done / max(time.monotonic() - self._started, 1e-3)
        facts = f"{self._done:,}/{self._lines:,} rows  {rate:,.0f}/s"
        self._progress.update(self._task, advance=lines, description=self._title, facts=facts)

    def waiting(self, fault: str, seconds: float) -> None:
        """A request met a fault and is repeated after so many seconds."""
        self._progress.update(self._task, description=f"next try in {seconds:.1f} s: {escape(fault)[:100]}")

    def refused(self, row: RefusedRow) -> None:
        if self._rejects is not None:
            self._rejects.write(msgspec.json.encode(row) + b"\n")
