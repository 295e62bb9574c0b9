"""How an import shows itself while it runs: one bar, or a line now and then, and the rejects file."""

import time
from datetime import timedelta
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from shared.importing.progress import RefusedRow

_LINE_EVERY_SECONDS = 10.0


class ImportDisplay:
    """Watches an import: draws on `console` where that is a terminal, else tells it a line every ten seconds.

    Refused rows are appended to `rejects`, which is emptied first unless the import goes on after another.
    """

    def __init__(self, console: Console, rejects: BinaryIO | None) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[facts]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, facts="")
        self._rejects = rejects
        self._title = ""
        self._started = self._told = 0.0
        self._done = self._already = self._rows = 0
        self._files = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def reading(self, file: str, done: int, size: int) -> None:
        """The file is hashed: `done` of `size` bytes."""
        self._progress.update(self._task, description=f"reading {escape(file)}", completed=done, total=size, facts="")

    def importing(self, file: str, rows: int, already: int) -> None:
        """Its rows (so many at most) are being sent, after the first `already` ones that an earlier run sent."""
        if self._rejects is not None and not already and not self._files:
            self._rejects.truncate(0)
        if already:
            self.say(
                f"Going on after the first {already:,} rows of {file}, which are stored; --restart sends all again."
            )
        self._files += 1
        self._title = f"importing {escape(file)}"
        self._started = self._told = time.monotonic()
        self._done = self._already = already
        self._rows = rows
        self._progress.reset(self._task, total=rows, completed=already, description=self._title, facts="")

    def advanced(self, rows: int) -> None:
        """So many more rows have their final answer."""
        self._done += rows
        if self._console.is_terminal:
            self._progress.update(self._task, advance=rows, description=self._title, facts=self._facts())
        elif time.monotonic() - self._told > _LINE_EVERY_SECONDS:
            self._told = time.monotonic()
            self.say(f"{self._title}: {self._facts()}")

    def waiting(self, fault: str, seconds: float) -> None:
        """A request met a fault and is repeated after so many seconds."""
        told = f"next try in {seconds:.1f} s: {fault[:100]}"
        self._progress.update(self._task, description=escape(told))
        if not self._console.is_terminal and time.monotonic() - self._told > _LINE_EVERY_SECONDS:
            self._told = time.monotonic()
            self.say(told)

    def refused(self, row: RefusedRow) -> None:
        if self._rejects is not None:
            self._rejects.write(msgspec.json.encode(row) + b"\n")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _facts(self) -> str:
        """Rows done, rows a second, and how long the rest takes at that rate."""
        rate = (self._done - self._already) / max(time.monotonic() - self._started, 1e-3)
        left = timedelta(seconds=round(max(0, self._rows - self._done) / max(rate, 1e-3)))
        return f"{self._done:,}/{self._rows:,} rows, {rate:,.0f}/s, {left} left"
