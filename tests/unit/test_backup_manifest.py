"""What a copy says of itself: sealed, whole, and without a secret."""

import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from shared.backups import FORMAT, BackupError, CopyFile, Manifest, Seal, Unit, files_of
from shared.config import public_settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OURS, EARLIER = uuid.UUID(int=2), uuid.UUID(int=1)


def unit(table: str, rows: int, copy_id: uuid.UUID, size: int) -> Unit:
    file = CopyFile(f"{files_of(copy_id)}warehouse/{table}.parquet", size, "00")
    return Unit(table=table, month=0, columns=["a"], rows=rows, hash=1, version="1", file=file if rows else None)


def manifest(**more: object) -> Manifest:
    made = Manifest(
        id=OURS,
        created_at=NOW,
        holds_until=NOW,
        finished_at=NOW,
        catalog_revision="0018",
        warehouse_version=10,
        secret_id="",
        settings={},
        sequences={},
        catalog=[],
        units=[unit("events", 5, OURS, 100), unit("batches", 2, EARLIER, 30), unit("segments", 0, OURS, 0)],
    )
    return msgspec.structs.replace(made, **more)


def test_a_copy_knows_its_size_and_what_it_shares_with_earlier_ones() -> None:
    made = manifest()
    assert (made.events, made.rows, made.bytes, made.written_bytes, len(made.files)) == (5, 7, 130, 100, 2)


def test_a_sealed_manifest_opens_with_the_same_secret_only_and_unchanged() -> None:
    seal = Seal("one secret of an instance")
    data = seal.close(manifest())
    assert seal.open(data) == manifest()
    with pytest.raises(BackupError, match="another secret"):
        Seal("another one").open(data)
    with pytest.raises(BackupError, match="changed after"):
        seal.open(data.replace(b"0018", b"0019"))
    for damaged in (b"", data[:-9], b"{}", b"\xff" + data):
        with pytest.raises(BackupError):
            seal.open(damaged)


def test_a_copy_of_a_newer_format_is_left_to_a_newer_version() -> None:
    seal = Seal("one secret of an instance")
    with pytest.raises(BackupError, match="use a newer one"):
        seal.open(seal.close(manifest(format=FORMAT + 1)))


def test_the_settings_in_a_copy_are_no_secrets() -> None:
    environ = {
        "SLUICE_PORT": "8080",
        "SLUICE_CATALOG_URL": "postgresql://a:b@c/d",
        "SLUICE_PUBLIC": "https://u:p@host",
        "SLUICE_KAFKA_PASSWORD": "p",
        "SLUICE_WAREHOUSE_OPERATOR_PASSWORD": "p",
        "JWT_SECRET_KEY": "s",
        "PATH": "/bin",
    }
    assert public_settings(environ) == {"SLUICE_PORT": "8080"}
