"""A wall clock that a crash test moves: Python imports this by itself in every process that has its folder in the path.

The file that SLUICE_CHAOS_CLOCK names holds the seconds by which `time.time` and `time.time_ns` are ahead.
"""

import os
import time
from pathlib import Path

_LOOKS_PER_SECOND = 20


def _move(file: Path) -> None:
    wall, wall_ns, monotonic = time.time, time.time_ns, time.monotonic
    known = {"at": 0.0, "ahead": 0.0}

    def ahead() -> float:
        if (now := monotonic()) - known["at"] > 1 / _LOOKS_PER_SECOND:
            known["at"] = now
            known["ahead"] = float(file.read_text() or 0) if file.exists() else 0.0
        return known["ahead"]

    time.time = lambda: wall() + ahead()
    time.time_ns = lambda: wall_ns() + round(ahead() * 1e9)


if _file := os.environ.get("SLUICE_CHAOS_CLOCK"):
    _move(Path(_file))
