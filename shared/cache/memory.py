"""The cache in memory: the twin of the real one for tests, held to the same contract."""

from collections.abc import Mapping

from shared.cache import (
    EMPTY,
    KEPT_MINUTES,
    MOST_NAMES,
    MOST_PROJECTS,
    MOST_RECORDS,
    Counts,
    Window,
    window_of,
)


class _Kept:
    """One window: its counts, and the records counted in it. A lost one keeps nothing but that."""

    def __init__(self, *, lost: bool = False) -> None:
        self.names: dict[str, int] = {}
        self.rest = 0
        self.records: set[str] = set()
        self.lost = lost

    @property
    def full(self) -> bool:
        return len(self.records) >= MOST_RECORDS

    def add(self, record: str, names: Mapping[str, int]) -> None:
        self.records.add(record)
        for name, events in names.items():
            if name in self.names or len(self.names) < MOST_NAMES:
                self.names[name] = self.names.get(name, 0) + events
            else:
                self.rest += events


class _Project:
    """A project's windows, which are complete from the minute `since` on."""

    def __init__(self, now: int) -> None:
        self.since = now + 2
        self.last = now
        self.windows: dict[int, _Kept] = {}

    def add(self, minute: int, record: str, names: Mapping[str, int]) -> None:
        window = self.windows.setdefault(minute, _Kept())
        if window.lost or record in window.records:
            return
        if window.full:
            self.windows[minute] = _Kept(lost=True)
        else:
            window.add(record, names)


class MemoryCache:
    """A Cache that lives as long as its object."""

    def __init__(self) -> None:
        self._projects: dict[str, _Project] = {}
        self._forgotten = 0

    async def count(self, project: str, record: str, counts: Counts, now: int) -> None:
        oldest = now - KEPT_MINUTES
        if now > self._forgotten:
            self._forget(now)
        if project not in self._projects and len(self._projects) >= MOST_PROJECTS:
            return
        known = self._projects.setdefault(project, _Project(now))
        known.last = max(known.last, now)
        for minute, names in counts.items():
            if minute >= known.since and minute > oldest:
                known.add(minute, record, names)

    def _forget(self, now: int) -> None:
        """Drop what is older than the minutes kept, once a minute."""
        oldest, self._forgotten = now - KEPT_MINUTES, now
        self._projects = {name: known for name, known in self._projects.items() if known.last >= oldest}
        for known in self._projects.values():
            known.windows = {minute: window for minute, window in known.windows.items() if minute > oldest}

    async def windows(self, project: str, first: int, last: int, now: int) -> list[Window | None]:
        known = self._projects.get(project)
        oldest = now - KEPT_MINUTES
        return [_read(known, minute) if known and minute > oldest else None for minute in range(first, last + 1)]

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to close."""


def _read(known: _Project, minute: int) -> Window | None:
    if minute < known.since:
        return None
    window = known.windows.get(minute)
    if window is None:
        return EMPTY
    return None if window.lost else window_of(list(window.names.items()), window.rest)
