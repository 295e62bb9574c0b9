"""Objects in a folder: the embedded storage. A file is written beside its place, synced, then renamed into it."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shared.clock import SYSTEM_CLOCK, Clock
from shared.objects import (
    ObjectInfo,
    ObjectMissingError,
    ObjectsRefusedError,
    ObjectsUnavailableError,
    Sink,
    check_key,
)
from shared.objects.links import Links

_HIDDEN = "."
_KEY_FILE = ".link-secret"
_SECRET_BYTES = 32
_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


class FolderObjects:
    """Objects below one folder, which is made when it is needed. Its links are answered by whoever serves FILES."""

    def __init__(self, root: Path, *, public_url: str = "", clock: Clock = SYSTEM_CLOCK) -> None:
        self._root = root
        self._public_url = public_url
        self._clock = clock

    def put(self, key: str, data: bytes, *, content_type: str = "") -> None:
        with self.writer(key, content_type=content_type) as sink:
            sink.write(data)

    @contextmanager
    def writer(self, key: str, *, content_type: str = "") -> Iterator[Sink]:
        del content_type  # a folder keeps none; whoever serves the file knows it by its name
        path = self._path(key)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with self._told(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = fresh.open("xb")
        try:
            yield _FileSink(file, self)
            try:
                with self._told(key):
                    file.flush()
                    os.fsync(file.fileno())
                    fresh.replace(path)
                    _sync(path.parent)
            except ObjectMissingError as error:
                raise ObjectsUnavailableError("what was written was swept away meanwhile") from error
        finally:
            with contextlib.suppress(OSError):  # what could not be flushed was told already
                file.close()
            fresh.unlink(missing_ok=True)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self._told(key), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read() if length is None else file.read(length)

    def size(self, key: str) -> int:
        with self._told(key):
            return self._path(key).stat().st_size

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = self._root / prefix.rpartition("/")[0]
        with self._told(prefix):
            paths = [path for path in folder.rglob("*") if not path.name.startswith(_HIDDEN) and path.is_file()]
        for key, path in sorted((path.relative_to(self._root).as_posix(), path) for path in paths):
            if key.startswith(prefix):
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    yield ObjectInfo(key, path.stat().st_size)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._told(key):
            path.unlink(missing_ok=True)
        self._remove_empty(path)

    def sweep(self, prefix: str) -> None:
        with self._told(prefix):
            for path in list((self._root / prefix.rpartition("/")[0]).rglob(f"{_HIDDEN}*")):
                key = path.relative_to(self._root).with_name(path.name.removeprefix(_HIDDEN)).as_posix()
                if path.name != _KEY_FILE and key.startswith(prefix) and path.is_file():
                    path.unlink(missing_ok=True)
                    self._remove_empty(path)

    def link(self, key: str, seconds: int) -> str:
        return self.links.make(check_key(key), seconds)

    @property
    def links(self) -> Links:
        """What makes and checks the links; the secret is the folder's own, made once."""
        with self._told(_KEY_FILE):
            return Links(self._secret(), self._clock, self._public_url)

    def holds(self, key: str, expires: int, signature: str) -> bool:
        """Whether a link to an object is one of ours that has not expired."""
        # Who never made one has no secret, and asking makes none.
        return (self._root / _KEY_FILE).is_file() and self.links.holds(key, expires, signature)

    def check(self) -> None:
        with self._told(""):
            self._root.mkdir(parents=True, exist_ok=True)
            if not os.access(self._root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "not writable")

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _remove_empty(self, path: Path) -> None:
        """Remove the folders above a file that is gone, as far as they are empty."""
        for parent in path.relative_to(self._root).parents[:-1]:
            try:
                (self._root / parent).rmdir()
            except OSError:  # not empty: somebody else's
                break

    def _secret(self) -> bytes:
        path = self._root / _KEY_FILE
        if not path.is_file():
            self._root.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{_KEY_FILE}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
            with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
                os.link(fresh, path)
            fresh.unlink()
        return path.read_bytes()

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """The system's faults as those of the port."""
        try:
            yield
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ObjectMissingError(key) from error
        except OSError as error:
            raise fault(error) from error


class _FileSink:
    def __init__(self, file: BinaryIO, folder: FolderObjects) -> None:
        self._file = file
        self._folder = folder

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise fault(error) from error


def fault(error: OSError) -> Exception:
    """What a fault of the file system means to whoever stores an object."""
    if error.errno in _FULL:
        return ObjectsUnavailableError("the storage of objects is full: make room, it goes on by itself")
    if error.errno in _DENIED:
        return ObjectsRefusedError("the folder of objects cannot be written to: no permission")
    return ObjectsUnavailableError(f"the folder of objects does not work: {error.strerror}")


def _sync(folder: Path) -> None:
    """A rename is durable once its folder is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
