"""The clock as an argument: code that needs the time takes a `Clock`, tests pass a `FixedClock`."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in microseconds since 1970, and a monotonic reading in seconds for durations."""

    def micros(self) -> int: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def micros(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that moves only when told to; for tests."""

    def __init__(self, micros: int) -> None:
        self._micros = micros

    def micros(self) -> int:
        return self._micros

    def monotonic(self) -> float:
        return self._micros / 1_000_000

    def advance(self, seconds: float) -> None:
        self._micros += round(seconds * 1_000_000)


SYSTEM_CLOCK = SystemClock()


def to_datetime(micros: int) -> datetime:
    """Microseconds since 1970 as an aware UTC datetime (exact: no float is involved)."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)


def to_micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970 (exact)."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
