"""What a client was told: the ids that were acknowledged and those whose fate it does not know."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self


class AckLog:
    """Appends acknowledged ids to a file, one a line, and keeps the open ones until `close`.

    The lines of an answer are handed to the operating system before the next request goes out, so the file
    is right whatever is killed, this process included. `close` writes the ids that were sent and never
    acknowledged beside it, to `PATH.unknown`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._unknown: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sent(self, ids: Iterable[str]) -> None:
        self._unknown.update(ids)

    def acked(self, ids: list[str]) -> None:
        self._file.write("".join(f"{name}\n" for name in ids).encode())
        self._unknown.difference_update(ids)

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            unknown_path(self._path).write_text("".join(f"{name}\n" for name in sorted(self._unknown)))


def unknown_path(path: Path) -> Path:
    return path.with_name(path.name + ".unknown")


def read_ids(path: Path) -> set[str]:
    """Read the ids of an acknowledgement file; raises ValueError if one was acknowledged twice."""
    ids = path.read_text().split()
    if len(set(ids)) != len(ids):
        raise ValueError(f"{path} names an id twice")
    return set(ids)
