"""What every benchmark hands back, and how it is shown and kept."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

Loop = Literal["", "closed", "open"]


class Options(msgspec.Struct, frozen=True):
    """How long a benchmark measures: rounds of so many seconds, or of questions to so many rows."""

    rounds: int = 3
    seconds: float = 10.0
    rows: int = 10_000_000


class Measurement(msgspec.Struct, frozen=True):
    """One number: `bar` is what DESIGN §8 asks, at least or `at_most`; `ratio` is `value` over `baseline`.

    Both are from the same run; `beside` says what the baseline is. `loop` says of load whether a connection sends its
    next request when its answer came (closed) or when it is due (open).
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = False
    ratio: float | None = None
    baseline: float | None = None
    beside: str = ""
    loop: Loop = ""
    load_average: float = 0.0
    details: dict[str, Any] = {}

    @property
    def kept(self) -> bool | None:
        """Whether the bar is kept; None where there is none."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


class Kept(msgspec.Struct, frozen=True):
    """A file of results."""

    at: datetime
    machine: dict[str, Any]
    options: dict[str, Any]
    measurements: list[Measurement]


def load_average() -> float:
    """The machine's load over the last minute: well above 0 before a run, the figures are a hint only."""
    return os.getloadavg()[0]


def write_results(folder: Path, name: str, found: list[Measurement], options: Options) -> Path:
    """Keep the measurements as JSON; returns the file."""
    folder.mkdir(exist_ok=True)
    now = datetime.now(tz=UTC)
    path = folder / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    machine = {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    document = {"at": now, "machine": machine, "options": options, "measurements": found}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    return path


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all is not above; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def show(console: Console, found: list[Measurement]) -> None:
    """A table of the measurements; plain details stand below their number."""
    table = Table("measurement", "value", "unit", "bar", "ratio", "baseline", "load", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found:
        value, bar, bare, ratio = cells(one)
        table.add_row(one.name, value, one.unit, bar, ratio, bare, f"{one.load_average:.1f}")
        for name, detail in one.details.items():
            if isinstance(detail, int | float):
                table.add_row(f"  {name}", number(detail))
    console.print(table)


def cells(one: Measurement) -> tuple[str, str, str, str]:
    """Value with ✓ or ✗, bar, baseline and ratio as people read them."""
    mark = {None: "", True: " ✓", False: " ✗"}[one.kept]
    bar = "" if one.bar is None else f"{'≤' if one.at_most else '≥'} {number(one.bar)}"
    bare = f"{number(one.baseline)} {one.beside}".strip()
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    return number(one.value) + mark, bar, bare, ratio


def number(value: float | None) -> str:
    """A number for people: thousands apart, two places below a hundred; '' for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
