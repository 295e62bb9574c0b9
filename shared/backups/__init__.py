"""Copies of an instance: what one consists of, and how it is told that it is whole (decision 0034).

A copy is a manifest that names files. The manifest is written last, so there is no half a copy; a file belongs to the
copy that wrote it and may serve later ones, whose months have not changed since. Nothing here holds a secret in clear:
what the catalog seals stays sealed, and the secret it was sealed with is not part of a copy.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.refusals import UnavailableError

FORMAT = 1
MANIFEST = "manifest.json"
_INFO = b"sluice backup 1"

CopyState = Literal["running", "completed", "failed", "deleted"]


class CopyFile(msgspec.Struct, frozen=True):
    """A file of a copy: its key, how long it is, and what its bytes hash to."""

    key: str
    size: int
    sha256: str


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the warehouse, or a month of it: `rows` without repeats, whose hashes add up to `hash`.

    `version` is what it was found unchanged by; `month` is 0 for a whole table. `file` is null where there is no row.
    """

    table: str
    month: int
    columns: list[str]
    rows: int
    hash: int
    version: str
    file: CopyFile | None


class CatalogTable(msgspec.Struct, frozen=True):
    """A table of the catalog that has rows, as COPY writes it, compressed with gzip."""

    table: str
    columns: list[str]
    rows: int
    file: CopyFile


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One copy. Every event that was accepted before `holds_until` is in it, and perhaps some later ones.

    `settings` are those of the instance that are no secrets; `secret_id` names the secret its sealed values open with.
    """

    id: UUID
    created_at: datetime
    holds_until: datetime
    finished_at: datetime
    catalog_revision: str
    warehouse_version: int
    secret_id: str
    settings: dict[str, str]
    sequences: dict[str, int]
    catalog: list[CatalogTable]
    units: list[Unit]
    format: int = FORMAT

    @property
    def files(self) -> list[CopyFile]:
        """Every file, of earlier copies too."""
        return [one.file for one in self.catalog] + [one.file for one in self.units if one.file is not None]

    @property
    def rows(self) -> int:
        """Rows of the warehouse."""
        return sum(unit.rows for unit in self.units)

    @property
    def events(self) -> int:
        """Events, each once."""
        return sum(unit.rows for unit in self.units if unit.table == "events")

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.size for file in self.files)

    @property
    def written_bytes(self) -> int:
        """Of the files that were written for this copy."""
        return sum(file.size for file in self.files if file.key.startswith(files_of(self.id)))


class BackupError(Exception):
    """A copy cannot be made, used or restored; the message says what is wrong and what to do."""


class BackupBusyError(UnavailableError):
    """Another copy is being made."""


def files_of(copy_id: UUID) -> str:
    """What the keys of the files that a copy wrote begin with."""
    return f"files/{copy_id}/"


def manifest_key(copy_id: UUID) -> str:
    """Where the manifest of a copy is."""
    return f"copies/{copy_id}/{MANIFEST}"


class Seal:
    """Proves that a manifest was written by an instance with this secret, and not changed since."""

    def __init__(self, secret: str) -> None:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret.encode())
        self.id = hashlib.sha256(b"id" + self._key).hexdigest()[:8]

    def close(self, manifest: Manifest) -> bytes:
        """The manifest with its seal, as it is stored."""
        data = msgspec.json.encode(manifest)
        sealed = _Sealed(secret_id=self.id, mac=self._mac(data), manifest=data.decode())
        return msgspec.json.encode(sealed)

    def open(self, data: bytes) -> Manifest:
        """The manifest in what was stored; raises BackupError where it is not whole, not ours or of a newer format."""
        try:
            sealed = msgspec.json.decode(data, type=_Sealed)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BackupError("the manifest is damaged: it cannot be read; use another copy") from error
        if sealed.secret_id != self.id:
            raise BackupError(
                "the copy was made by an instance with another secret: set JWT_SECRET_KEY to the one it had"
                " (`jwt_secret_key` in secrets.json of its data folder)"
            )
        text = sealed.manifest.encode()
        if not hmac.compare_digest(self._mac(text), sealed.mac):
            raise BackupError("the manifest was changed after it was written; use another copy")
        manifest = msgspec.json.decode(text, type=Manifest)
        if manifest.format > FORMAT:
            raise BackupError(f"the copy has format {manifest.format}, this version knows {FORMAT}: use a newer one")
        return manifest

    def _mac(self, data: bytes) -> str:
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()


class _Sealed(msgspec.Struct, frozen=True):
    secret_id: str
    mac: str
    manifest: str
