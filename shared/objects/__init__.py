"""The objects port: files by key, in S3-compatible storage, in a folder, or in memory for tests.

Every implementation passes tests/contract/test_objects.py. All calls block: callers run them in threads of their own,
where what is written comes from blocking libraries anyway. Safe for concurrent use by several threads.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from shared.config import ConfigError
from shared.refusals import UnavailableError

FILES = "/api/v1/files"
"""The public address that answers the links of a folder."""
MAX_LINK_SECONDS = 7 * 24 * 3600
_MAX_KEY = 512
_SEGMENT = re.compile(r"[A-Za-z0-9_=@+,-][A-Za-z0-9_=@+,.-]*")


class ObjectInfo(msgspec.Struct, frozen=True):
    """An object and its bytes."""

    key: str
    size: int


class ObjectMissingError(Exception):
    """There is no object of that key."""


class ObjectsRefusedError(Exception):
    """The storage does not let us in: no such bucket, wrong credentials, no permission. Says what, without secrets."""


class ObjectsUnavailableError(UnavailableError):
    """The storage is away, slow or full: what was asked may be asked again, nothing half-written is visible."""


class Sink(Protocol):
    """Where the bytes of one object go, in order."""

    def write(self, data: bytes) -> int: ...


class Objects(Protocol):
    """Files by key. Every call may raise ObjectsUnavailableError and ObjectsRefusedError."""

    def put(self, key: str, data: bytes, *, content_type: str = ...) -> None:
        """Store the object whole, replacing one of that key; durable when it returns."""
        ...

    def writer(self, key: str, *, content_type: str = ...) -> AbstractContextManager[Sink]:
        """Store an object of any length piece by piece, in bounded memory.

        It replaces the object of that key when the block ends, all at once; a block that ends with an error, or a
        process that dies, leaves the key as it was.
        """
        ...

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start` on, at most `length`; past the end none. Raises ObjectMissingError."""
        ...

    def size(self, key: str) -> int:
        """The object's bytes; raises ObjectMissingError."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """The objects whose keys begin so, by key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        ...

    def sweep(self, prefix: str) -> None:
        """Remove what writers of keys that begin so left half-written when they died; who still writes one fails."""
        ...

    def link(self, key: str, seconds: int) -> str:
        """An address that gives the object to anybody who has it, for so many seconds (at most a week).

        It is not looked whether the object is there.
        """
        ...

    def check(self) -> None:
        """Raise ObjectsRefusedError where objects cannot be stored at all."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def check_key(key: str) -> str:
    """The key, where it is one: segments of letters, digits and `_=@+,.-` between slashes, none beginning with a dot.

    Raises ValueError otherwise: no key can lead out of a folder or name a hidden file.
    """
    if len(key) > _MAX_KEY or not all(map(_SEGMENT.fullmatch, key.split("/"))):
        raise ValueError(f"{key[:80]!r} is no key of an object")
    return key


def check_seconds(seconds: int) -> int:
    """How long a link holds, where it may be so; raises ValueError otherwise."""
    if not 0 < seconds <= MAX_LINK_SECONDS:
        raise ValueError(f"a link holds 1 to {MAX_LINK_SECONDS} seconds, not {seconds}")
    return seconds


def open_objects(url: str, *, public_url: str = "") -> Objects:
    """The storage behind a URL: s3://, file:// or memory://; connects at the first call.

    `s3://[key:secret@]bucket/prefix?endpoint=…&region=…&public_endpoint=…`; without credentials in it the usual
    sources of AWS count. `public_url` is what the links of a folder begin with. Raises ConfigError for a URL that is
    none of these; the message never holds it.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.hostname:
        from shared.objects.s3 import S3Objects

        return S3Objects(url)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        from shared.objects.folder import FolderObjects

        return FolderObjects(Path(unquote(parts.path)), public_url=public_url)
    if parts.scheme == "memory":
        from shared.objects.memory import MemoryObjects

        return MemoryObjects()
    raise ConfigError(["SLUICE_OBJECTS_URL is none of s3://bucket/prefix, file:///folder, memory://"])
