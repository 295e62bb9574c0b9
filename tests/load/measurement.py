"""What every benchmark hands back, and how it is shown and kept."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table


class Options(msgspec.Struct, frozen=True):
    """How long a benchmark measures: rounds of so many seconds, or of questions to so many events."""

    rounds: int = 3
    seconds: float = 10.0
    events: int = 1_000_000


class Measurement(msgspec.Struct, frozen=True):
    """One number: `bar` is what DESIGN §8 asks, `ratio` is `value` over `baseline` (both from the same run)."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    ratio: float | None = None
    baseline: float | None = None
    load_average: float = 0.0
    details: dict[str, Any] = {}


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


def show(console: Console, found: list[Measurement]) -> None:
    """A table of the measurements; plain details stand below their number."""
    table = Table("measurement", "value", "unit", "bar", "of bare", "bare", "load", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found:
        mark = "" if one.bar is None else " ✓" if one.value >= one.bar else " ✗"
        bar, ratio, bare = _number(one.bar), "", _number(one.baseline)
        if one.ratio is not None:
            ratio = f"{one.ratio:.0%}"
        table.add_row(one.name, _number(one.value) + mark, one.unit, bar, ratio, bare, f"{one.load_average:.1f}")
        for name, value in one.details.items():
            if isinstance(value, int | float):
                table.add_row(f"  {name}", _number(value))
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
