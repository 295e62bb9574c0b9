"""What processes take while something runs."""

import threading
from collections.abc import Mapping
from typing import Self

import psutil

MIB = 2**20
_EVERY_SECONDS = 0.2


class Memory:
    """Resident bytes of each named process while the block runs: before, highest, and by quarters of the time."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.seen: dict[str, list[int]] = {name: [_taken(process)] for name, process in self._processes.items()}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def before(self, name: str) -> int:
        return self.seen[name][0]

    def highest(self, name: str) -> int:
        return max(self.seen[name])

    def quarters(self, name: str) -> list[float]:
        """The highest MiB of each quarter of the time: flat memory has four numbers alike."""
        seen = self.seen[name]
        size = max(1, len(seen) // 4)
        return [max(seen[at : at + size]) / MIB for at in range(0, size * 4, size) if seen[at : at + size]]

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            for name, process in self._processes.items():
                self.seen[name].append(_taken(process))


def _taken(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
