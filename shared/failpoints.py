"""Named places where a crash test ends the process: `./task chaos` arms them, nobody else does.

A place is armed by a file of its name in the folder that SLUICE_FAILPOINTS names; the file holds the signal. Whoever
reaches it first takes it: the file becomes NAME.hit, then the process gets the signal, in the middle of its work.
Without the setting, and wherever SLUICE_MODE is not development, a place costs the call of a function.
"""

import contextlib
import os
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from shared.config import load, setting
from shared.security.sealing import MODE

# What the name of a place that was reached ends with.
HIT = ".hit"


@dataclass(frozen=True, kw_only=True)
class FailpointSettings:
    """Where crash tests arm places, and whether this is a machine they may do it on."""

    folder: str = setting(
        "SLUICE_FAILPOINTS",
        "For crash tests: a folder of files that end a process at the places they name; heeded in development only.",
        default="",
    )
    mode: Literal["production", "development"] = setting("SLUICE_MODE", MODE, default="production")


def reach(name: str) -> None:
    """Say that the place is reached; where it is armed the process gets the signal, and perhaps never returns."""
    folder = _folder()
    if folder is None:
        return
    armed = folder / name
    with contextlib.suppress(FileNotFoundError):
        number = signal.Signals[armed.read_text()]
        armed.rename(armed.with_name(name + HIT))  # of two that come at once, one finds nothing
        os.kill(os.getpid(), number)


@cache
def _folder() -> Path | None:
    settings = load(FailpointSettings)
    return Path(settings.folder) if settings.folder and settings.mode == "development" else None
