"""Consent of one person: withdrawn, nothing of theirs is stored any more; granted again, it is.

What is stored already stays, and goes by an erasure. Kept are hashes: the register says of somebody whether they
withdrew, and of nobody who they are.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.catalog.client import Catalog, Queries
from shared.catalog.people import person_hash
from shared.clock import to_datetime
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.relatives import everybody
from shared.tombstones import publish
from shared.warehouse.client import Warehouse

State = Literal["withdrawn", "granted"]


class ConsentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody said. `source`: where, such as `banner`; it should name nobody.

    `linked`: of all their ids, else of the one in the address alone.
    """

    state: State
    source: Annotated[str, msgspec.Meta(max_length=200)] = ""
    linked: bool = True


class ConsentAnswer(msgspec.Struct, frozen=True):
    """What a person said last; `unknown` where they never said anything, and then their events are kept.

    `ids`: how many of their ids it was said of; null where it was only asked for.
    """

    state: Literal["withdrawn", "granted", "unknown"]
    source: str
    changed_at: datetime | None
    ids: int | None = None


async def ids_of(warehouse: Warehouse, project_id: uuid.UUID, key: str, *, linked: bool) -> list[str]:
    """The ids of the person of a key, which is one of them."""
    if not linked:
        return [key]
    asker = Asker(Remembering(warehouse), function="gdpr_delete")
    return sorted(await everybody(project_id, asker, [key]))


async def said(catalog: Catalog, project_id: uuid.UUID, hashes: Sequence[bytes]) -> ConsentAnswer:
    """What was said last of any of these ids."""
    rows = await catalog.rows("find_consent", {"project_id": project_id, "people": list(hashes)})
    if not rows:
        return ConsentAnswer("unknown", "", None)
    return ConsentAnswer(rows[0]["state"], rows[0]["source"], rows[0]["changed_at"])


async def say(
    queries: Queries, project_id: uuid.UUID, pepper: bytes, keys: Sequence[str], asked: ConsentRequest, *, micros: int
) -> ConsentAnswer:
    """Keep it in the catalog; publish_consent comes behind the transaction."""
    people = [person_hash(pepper, key) for key in keys]
    values = {"project_id": project_id, "people": people, "state": asked.state, "source": asked.source}
    at = to_datetime(micros)
    await queries.rows("put_consent", {**values, "version": micros, "changed_at": at})
    return ConsentAnswer(asked.state, asked.source, at, len(keys))


async def publish_consent(
    warehouse: Warehouse,
    project_id: uuid.UUID,
    pepper: bytes,
    keys: Sequence[str],
    asked: ConsentRequest,
    *,
    micros: int,
) -> None:
    """Let every batch_write know, within seconds. Where this fails the timer does it, within a quarter of an hour."""
    people = [person_hash(pepper, key) for key in keys]
    active = asked.state == "withdrawn"
    await publish(warehouse, project_id, pepper, "consent_withdrawn", people, active=active, version=micros)
