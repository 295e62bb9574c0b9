"""Where copies are: their files in S3 or a folder, listed, verified, and removed once no copy needs them.

Everything here blocks: callers run it in threads of their own.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from uuid import UUID

from shared.backups import BackupError, CopyFile, Manifest, Seal, files_of, manifest_key
from shared.objects import ObjectMissingError, Objects, ObjectsRefusedError, Sink

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 4 * 1024 * 1024
_COPIES = "copies/"


class Fault(NamedTuple):
    """A file that is not what the manifest says."""

    key: str
    what: str


class Storage:
    """The copies of one place; what the storage refuses is raised as BackupError, ObjectsUnavailableError passes."""

    def __init__(self, objects: Objects, seal: Seal) -> None:
        self.objects = objects
        self.seal = seal

    def check(self) -> None:
        """Raise BackupError where copies cannot be stored at all."""
        with refused():
            self.objects.check()

    @contextmanager
    def writer(self, key: str) -> Iterator["Counting"]:
        """Write a file; its size and hash are known after the block."""
        with refused(), self.objects.writer(key) as sink:
            yield Counting(key, sink)

    def put(self, key: str, data: bytes) -> CopyFile:
        """Write a small file whole."""
        with refused():
            self.objects.put(key, data)
        return CopyFile(key, len(data), hashlib.sha256(data).hexdigest())

    def read(self, key: str) -> bytes:
        """A small file; raises BackupError where it is missing."""
        with refused():
            return self.objects.get(key)

    def chunks(self, file: CopyFile) -> Iterator[bytes]:
        """The bytes of a file in order."""
        place = 0
        while place < file.size:
            with refused():
                data = self.objects.get(file.key, place, min(_CHUNK, file.size - place))
            if not data:
                raise BackupError(f"{file.key} ends after {place} of {file.size} bytes: the copy is truncated")
            place += len(data)
            yield data

    def open(self, file: CopyFile) -> BinaryIO:
        """The file, to be read from anywhere."""
        return io.BufferedReader(_Ranged(self, file), buffer_size=_CHUNK)

    def write_manifest(self, manifest: Manifest) -> None:
        """The end of making a copy: from now on it is one."""
        self.put(manifest_key(manifest.id), self.seal.close(manifest))

    def manifest(self, copy_id: UUID) -> Manifest:
        """The manifest of a copy; raises BackupError where there is none, or it is damaged or another instance's."""
        return self.seal.open(self.read(manifest_key(copy_id)))

    def copies(self) -> list[UUID]:
        """The copies there are, the oldest first."""
        found = []
        with refused():
            for info in self.objects.list(_COPIES):
                name = info.key.removeprefix(_COPIES).partition("/")[0]
                if info.key.endswith(".json"):
                    found.append(UUID(name))
        return sorted(found)

    def newest(self) -> Manifest | None:
        """The manifest of the newest copy that can be read."""
        for copy_id in reversed(self.copies()):
            try:
                return self.manifest(copy_id)
            except BackupError:
                continue
        return None

    def faults(self, manifest: Manifest, say: Callable[[str], None] = lambda _: None) -> list[Fault]:
        """What is wrong with the files of a copy: each is read to its end."""
        found = []
        for file in manifest.files:
            try:
                digest = hashlib.sha256()
                for data in self.chunks(file):
                    digest.update(data)
                if self.objects.size(file.key) != file.size:
                    found.append(Fault(file.key, f"is longer than the {file.size} bytes it had"))
                elif digest.hexdigest() != file.sha256:
                    found.append(Fault(file.key, "was changed: its bytes hash to something else"))
            except BackupError as error:
                found.append(Fault(file.key, str(error)))
            say(file.key)
        return found

    def remove(self, copy_id: UUID) -> int:
        """End a copy: its manifest first, then its files that no other copy needs; returns how many files went."""
        with refused():
            self.objects.delete(manifest_key(copy_id))
            needed = {file.key for other in self.copies() for file in self.manifest(other).files}
            return self.sweep(copy_id, needed)

    def sweep(self, copy_id: UUID, needed: Iterable[str] = ()) -> int:
        """Remove the files that a copy wrote, but those that are `needed`."""
        kept, gone = set(needed), 0
        with refused():
            self.objects.sweep(files_of(copy_id))
            for info in list(self.objects.list(files_of(copy_id))):
                if info.key not in kept:
                    self.objects.delete(info.key)
                    gone += 1
        return gone


class Counting(io.RawIOBase):
    """A sink that knows how many bytes went through it, and their hash."""

    def __init__(self, key: str, sink: Sink) -> None:
        super().__init__()
        self._key = key
        self._sink = sink
        self._digest = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer") -> int:
        piece = bytes(data)
        self._sink.write(piece)
        self._digest.update(piece)
        self._size += len(piece)
        return len(piece)

    @property
    def file(self) -> CopyFile:
        """What was written."""
        return CopyFile(self._key, self._size, self._digest.hexdigest())


class _Ranged(io.RawIOBase):
    """A file of the storage as one that can be sought in."""

    def __init__(self, storage: Storage, file: CopyFile) -> None:
        self._storage = storage
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._file.size - self._place)
        if wanted <= 0:
            return 0
        with refused():
            data = self._storage.objects.get(self._file.key, self._place, wanted)
        view[: len(data)] = data
        self._place += len(data)
        return len(data)


@contextmanager
def refused() -> Iterator[None]:
    """What the storage does not let us do, as an error of copies; a storage that is away or full stays what it is."""
    try:
        yield
    except ObjectMissingError as error:
        raise BackupError(f"{error} is missing: the copy is not whole; use another copy") from error
    except ObjectsRefusedError as error:
        raise BackupError(f"the storage of copies refuses: {error}") from error
