"""Objects in memory: the twin of the real ones for tests, held to the same contract."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from shared.clock import SYSTEM_CLOCK, Clock
from shared.objects import ObjectInfo, ObjectMissingError, Sink, check_key
from shared.objects.links import Links


class MemoryObjects:
    """Objects that live as long as this."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._kept: dict[str, bytes] = {}
        self.links = Links(secrets.token_bytes(32), clock)

    def put(self, key: str, data: bytes, *, content_type: str = "") -> None:
        del content_type
        self._kept[check_key(key)] = bytes(data)

    @contextmanager
    def writer(self, key: str, *, content_type: str = "") -> Iterator[Sink]:
        buffer = BytesIO()
        check_key(key)
        yield buffer
        self.put(key, buffer.getvalue(), content_type=content_type)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = self._found(key)
        return data[start:] if length is None else data[start : start + length]

    def size(self, key: str) -> int:
        return len(self._found(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self._kept):
            if key.startswith(prefix):
                yield ObjectInfo(key, len(self._kept[key]))

    def delete(self, key: str) -> None:
        self._kept.pop(check_key(key), None)

    def sweep(self, prefix: str) -> None:
        """Nothing outlives its writer here."""

    def link(self, key: str, seconds: int) -> str:
        return self.links.make(check_key(key), seconds)

    def check(self) -> None:
        """Memory takes everything."""

    def close(self) -> None:
        """Nothing to close."""

    def _found(self, key: str) -> bytes:
        try:
            return self._kept[check_key(key)]
        except KeyError:
            raise ObjectMissingError(key) from None
