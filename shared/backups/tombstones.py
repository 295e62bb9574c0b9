"""Whom an instance erased, kept beside its copies: a copy made before still has them, and a restore must not.

What is kept are keyed hashes with the projects' keys, as in the catalog: whoever has a copy can find out of a person
they can name whether they were erased, and of nobody who they are.
"""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from typing import IO, Any

import msgspec

from shared.backups import BackupError
from shared.backups.storage import Storage
from shared.catalog.people import person_hash
from shared.clock import Clock
from shared.objects import ObjectMissingError
from shared.query.parameters import Parameters
from shared.tombstones import Blocked, Reason, publish
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Rows, Table, delete_rows, note_hours, touched_hours

KEY = "tombstones.json"
_REASON: Reason = "person_erased"
_MOST_AT_ONCE = 5_000
_DELETE_SECONDS = 3_600.0
_TOLD = """
SELECT row_to_json(e)::text, e.project_id, encode(e.person, 'hex'), encode(p.person_key, 'hex')
FROM erased_people AS e JOIN projects AS p ON p.id = e.project_id ORDER BY e.project_id, e.person
"""
_ACTIVE = """
SELECT toString(project_id), person, pepper FROM refused_people FINAL WHERE reason = 'person_erased' AND active
"""


class Erased(msgspec.Struct, frozen=True):
    """One hash of a person who was erased; `row` is the catalog's own, as JSON."""

    project_id: uuid.UUID
    person: str
    pepper: str
    row: str


class Tombstones(msgspec.Struct, frozen=True):
    """Everybody an instance had erased at a time in microseconds."""

    at: int
    people: list[Erased]

    @property
    def by_project(self) -> dict[uuid.UUID, list[Erased]]:
        """The same, project by project."""
        found: dict[uuid.UUID, list[Erased]] = {}
        for one in self.people:
            found.setdefault(one.project_id, []).append(one)
        return found


def keep(catalog_url: str, storage: Storage, clock: Clock) -> int:
    """Write whom the catalog knows as erased beside the copies; returns how many hashes. Blocks."""
    import psycopg

    from shared.catalog.client import CatalogUnavailableError

    try:
        with psycopg.connect(catalog_url, connect_timeout=10) as connection:
            rows = connection.execute(_TOLD).fetchall()
    except psycopg.OperationalError as error:
        raise CatalogUnavailableError("the catalog is away") from error
    people = [Erased(project, person, pepper, row) for row, project, person, pepper in rows]
    before = read(storage)
    if before is None or before.people != people:
        storage.put(KEY, msgspec.json.encode(Tombstones(clock.micros(), people)))
    return len(people)


def read(storage: Storage) -> Tombstones | None:
    """What is kept beside the copies; None where nothing ever was. Raises BackupError for what cannot be read."""
    try:
        return msgspec.json.decode(storage.objects.get(KEY), type=Tombstones)
    except ObjectMissingError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupError(f"{KEY} beside the copies is damaged: whom not to restore is not known") from error


async def apply(warehouse: Warehouse, tombstones: Tombstones, clock: Clock) -> int:
    """Take everybody who was erased out of a warehouse that was restored, and let batch_write know of them.

    Who was readmitted since the copy was made is let in again. Returns how many ids were found.
    """
    found = 0
    for project_id, people in tombstones.by_project.items():
        pepper = bytes.fromhex(people[0].pepper)
        hashes = [bytes.fromhex(one.person) for one in people]
        await publish(warehouse, project_id, pepper, _REASON, hashes, active=True, version=clock.micros())
        keys = await asyncio.to_thread(_keys, warehouse, project_id, pepper, frozenset(hashes))
        found += len(keys)
        await _delete(warehouse, project_id, keys)
        await _empty_rejected(warehouse, project_id, Blocked(pepper, dict.fromkeys(hashes, _REASON)))
    await _readmit(warehouse, tombstones, clock)
    return found


async def _readmit(warehouse: Warehouse, tombstones: Tombstones, clock: Clock) -> None:
    known = {(str(one.project_id), one.person) for one in tombstones.people}
    for project, person, pepper in (await warehouse.query(_ACTIVE)).rows:
        if (project, person) not in known:
            await publish(
                warehouse,
                uuid.UUID(project),
                bytes.fromhex(pepper),
                _REASON,
                [bytes.fromhex(person)],
                active=False,
                version=clock.micros(),
            )


def _keys(warehouse: Warehouse, project_id: uuid.UUID, pepper: bytes, hashes: frozenset[bytes]) -> list[str]:
    """The user keys of a project's events whose hash is one of these."""
    parameters = Parameters()
    project = parameters.bind("UUID", str(project_id))
    sql = f"""
SELECT DISTINCT key FROM
(
    SELECT user_key AS key FROM events WHERE project_id = {project}
    UNION ALL SELECT user_key AS key FROM segment_lists WHERE project_id = {project}
    UNION ALL SELECT arrayJoin(from_keys) AS key FROM identity_events WHERE project_id = {project}
    UNION ALL SELECT arrayJoin([from_key, to_key]) AS key FROM identity_merges WHERE project_id = {project}
)
"""

    def consume(stream: IO[bytes]) -> list[str]:
        return [key for key in _lines(stream) if person_hash(pepper, key) in hashes]

    return warehouse.read(sql, parameters.values, "JSONCompactEachRow", consume)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while data := stream.read(1 << 20):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield msgspec.json.decode(line, type=list[str])[0]
    if rest.strip():
        yield msgspec.json.decode(rest, type=list[str])[0]


async def _delete(warehouse: Warehouse, project_id: uuid.UUID, keys: list[str]) -> None:
    for begin in range(0, len(keys), _MOST_AT_ONCE):
        some = keys[begin : begin + _MOST_AT_ONCE]
        events = _rows("events", project_id, "user_key", some)
        hours = await touched_hours(warehouse, events)
        wheres: list[tuple[Table, str]] = [
            ("events", "user_key"),
            ("identity_events", "user_key"),
            ("segment_lists", "user_key"),
            ("segment_members", "person"),
            ("identity_merges", "from_key"),
            ("identity_merges", "to_key"),
        ]
        for table, column in wheres:
            await delete_rows(warehouse, _rows(table, project_id, column, some), _go_on, seconds=_DELETE_SECONDS)
        await note_hours(warehouse, project_id, hours)


def _rows(table: Table, project_id: uuid.UUID, column: str, keys: list[str]) -> Rows:
    parameters = Parameters()
    project, some = parameters.bind("UUID", str(project_id)), parameters.bind("Array(String)", keys)
    return Rows(table, f"project_id = {project} AND has({some}, {column})", parameters.values)


async def _empty_rejected(warehouse: Warehouse, project_id: uuid.UUID, blocked: Blocked) -> None:
    """Delete what was refused of them: a payload may name anybody anywhere."""
    parameters = Parameters()
    project = parameters.bind("UUID", str(project_id))
    sql = f"SELECT toString(batch_id), position, raw, raw_encoding FROM rejected_events FINAL WHERE project_id = {project}"  # noqa: E501 (a bound value)
    found: list[tuple[str, int]] = [
        (batch, int(position))
        for batch, position, raw, encoding in (await warehouse.query(sql, parameters.values)).rows
        if encoding == "utf-8" and blocked.why_not_payload(raw)
    ]
    for batch, position in found:
        one: Mapping[str, Any] = {"project": str(project_id), "batch": batch, "position": position}
        where = "project_id = {project:UUID} AND batch_id = {batch:UUID} AND position = {position:UInt32}"
        await delete_rows(warehouse, Rows("rejected_events", where, one), _go_on, seconds=_DELETE_SECONDS)


def _go_on() -> None:
    """Nobody takes a restore away."""
