"""Lengths of time as people write them: `30s`, `45m`, `6h`, `7d`, `2w`."""

from typing import Annotated

import msgspec

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,8}[smhdw]$", examples=["30m", "7d"])]


def seconds(duration: str) -> int:
    """How many seconds a Duration is long."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]
