"""Whom a project erased, kept as keyed hashes: they say that somebody is one of them, and of nobody who they are.

Each project has a key of its own, so the same person has other hashes elsewhere and no list of hashes made before
fits. Whoever has the catalog has the key too, and can find out whether a person they can name was erased.
"""

import hashlib
import hmac
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.catalog.client import Catalog, Queries


def of_user(user_id: str) -> str:
    """A known person, as `user_key` of the events has it."""
    return f"u:{user_id}"


def of_anonymous(anonymous_id: str) -> str:
    """Somebody who is only known as a device or a browser."""
    return f"a:{anonymous_id}"


def person_hash(key: bytes, person: str) -> bytes:
    """What is kept of a person: 32 bytes."""
    return hmac.digest(key, person.encode(), hashlib.sha256)


async def person_key(catalog: Catalog, project_id: uuid.UUID) -> bytes | None:
    """The project's key; None where there is no such project any more."""
    rows = await catalog.rows("person_key", {"project_id": project_id})
    return bytes(rows[0]["person_key"]) if rows else None


async def keep_erased(
    catalog: Catalog, project_id: uuid.UUID, job_id: uuid.UUID, hashes: Mapping[bytes, bytes]
) -> None:
    """Note that people are erased, each hash with what all of the person's share; harmless to repeat."""
    values = {"project_id": project_id, "job_id": job_id}
    people = {"people": list(hashes), "together": list(hashes.values())}
    await catalog.rows("keep_erased_people", {**values, **people})


async def erased_people(catalog: Catalog, project_id: uuid.UUID) -> frozenset[bytes]:
    """The hashes of everybody the project erased and did not readmit."""
    rows = await catalog.rows("list_erased_people", {"project_id": project_id})
    return frozenset(bytes(row["person"]) for row in rows)


async def readmit(catalog: Queries, project_id: uuid.UUID, hashes: Iterable[bytes]) -> list[bytes]:
    """Forget that people were erased, by any of their ids; the hashes of all ids that were."""
    rows = await catalog.rows("readmit_people", {"project_id": project_id, "people": list(hashes)})
    return [bytes(row["person"]) for row in rows]


async def withdrawn_people(catalog: Catalog, project_id: uuid.UUID) -> dict[bytes, int]:
    """The hashes of everybody who withdrew consent, each with when, in microseconds."""
    rows = await catalog.rows("withdrawn_consents", {"project_id": project_id})
    return {bytes(row["person"]): int(row["version"]) for row in rows}


async def projects_refusing(catalog: Catalog) -> list[tuple[uuid.UUID, bytes]]:
    """The projects of which somebody is not stored, each with its key."""
    rows = await catalog.rows("projects_with_refused_people")
    return [(row["project_id"], bytes(row["person_key"])) for row in rows]


async def projects_to_look_at(catalog: Catalog) -> list[tuple[uuid.UUID, datetime]]:
    """The projects that erased anybody, each with the time until which what was stored has been looked through."""
    rows = await catalog.rows("projects_with_erased_people")
    return [(row["project_id"], row["stored_until"]) for row in rows]


async def note_look(catalog: Catalog, project_id: uuid.UUID, stored_until: datetime) -> None:
    """What was stored until then has been looked through."""
    await catalog.rows("note_erasure_look", {"project_id": project_id, "stored_until": stored_until})
