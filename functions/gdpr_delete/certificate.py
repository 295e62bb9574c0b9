"""What an erasure says at its end: counts by store, copies, backups that still hold the people, signed."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from functions.gdpr_delete.copies import Delivered, Withdrawn
from shared.catalog.client import Catalog

TYPE = "sluice.erasure.v1"


class Store(msgspec.Struct, frozen=True):
    """One place where people were: `erased` rows, repeats too, and how many a last look found."""

    store: str
    erased: int
    left: int


class Backup(msgspec.Struct, frozen=True):
    """A copy of the instance made before: it holds the people until it is removed (null: nobody removes it).

    A restore applies the erasures made since before anything can be read.
    """

    id: uuid.UUID
    created_at: datetime
    until: datetime | None


class Bus(msgspec.Struct, frozen=True):
    """Records that were sent before: `kept_hours` on the bus, null where they are gone once they are stored.

    `rewritten`: the bus was told to write its log anew without them.
    """

    kept_hours: int | None
    rewritten: bool


class Disk(msgspec.Struct, frozen=True):
    """Bytes: when partitions were rewritten, and when the parts that held the rows were seen to be gone.

    `old_parts` are left where `gone_at` is null; the engine removes them within minutes.
    """

    partitions: int
    rewritten_at: datetime
    gone_at: datetime | None
    old_parts: int


class Certificate(msgspec.Struct, frozen=True):
    """Proof of an erasure; it names nobody. `fingerprint` is that of the people asked for, `tombstones` of all ids.

    `events` is each event once; `anonymised` how many of them are kept under names that nobody can trace.
    """

    type: str
    erasure_id: uuid.UUID
    project_id: uuid.UUID
    mode: str
    linked: bool
    people: int
    tombstones: int
    fingerprint: str
    requested_at: datetime
    hidden_at: datetime
    verified_at: datetime
    issued_at: datetime
    events: int
    anonymised: int
    hours: int
    stores: list[Store]
    disk: Disk
    withdrawn: list[Withdrawn]
    delivered: list[Delivered]
    backups: list[Backup]
    bus: Bus


async def backups_of(catalog: Catalog, before: datetime) -> list[Backup]:
    """The copies that still hold whoever was erased then."""
    rows = await catalog.rows("backups_holding", {"before": before})
    return [Backup(row["id"], row["created_at"], row["expires_at"]) for row in rows]


def plain(certificate: Certificate) -> dict[str, Any]:
    """As it is signed: JSON without fractions, whose only form is the one that is signed."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(certificate))
    return found
