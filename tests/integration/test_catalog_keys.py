import asyncio
import traceback
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from shared.catalog.client import Catalog, CatalogRefusedError
from shared.catalog.keys import create_key, find_key, list_keys, revoke_key, touch_key
from shared.catalog.migrate import migrate
from shared.catalog.projects import create_organisation, create_project
from shared.clock import SYSTEM_CLOCK, FixedClock
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security.access import open_access
from shared.security.keys import Key, KeyRing, hash_key, new_key


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    yield catalog
    await catalog.close()


@pytest.fixture
async def project_id(catalog: Catalog) -> uuid.UUID:
    organisation = await create_organisation(catalog, "Acme")
    project: dict[str, Any] = await create_project(catalog, organisation["id"], "Shop")
    found: uuid.UUID = project["id"]
    return found


def refused(rejected: pytest.ExceptionInfo[Rejected]) -> Refusal:
    return rejected.value.refusal


async def test_a_new_key_is_found_by_its_hash_and_only_its_beginning_is_kept(
    catalog: Catalog, catalog_url: str, project_id: uuid.UUID
) -> None:
    until = datetime(2100, 1, 1, tzinfo=UTC)
    clear, key = await create_key(catalog, project_id, "secret", "ci", scopes=("read", "export"), expires_at=until)
    assert await find_key(catalog, hash_key(clear)) == key
    assert (key.project_id, key.kind, key.name, key.prefix) == (project_id, "secret", "ci", clear[:8])
    assert key.scopes == {"read", "export"}
    assert (key.expires_at, key.revoked_at, key.last_used_at) == (until, None, None)
    with psycopg.connect(catalog_url) as connection:
        kept = connection.execute("SELECT api_keys::text FROM api_keys").fetchall()
    assert clear[8:] not in str(kept)


async def test_a_key_that_was_never_made_is_not_found(catalog: Catalog) -> None:
    assert await find_key(catalog, hash_key(new_key("secret"))) is None


async def test_keys_are_listed_oldest_first_and_for_their_project_alone(
    catalog: Catalog, project_id: uuid.UUID
) -> None:
    organisation = await create_organisation(catalog, "Other")
    other = await create_project(catalog, organisation["id"], "Other")
    made = [(await create_key(catalog, project_id, "public", f"k{i}"))[1] for i in range(3)]
    await create_key(catalog, other["id"], "public", "theirs")
    assert await list_keys(catalog, project_id) == made


@pytest.mark.parametrize(("kind", "scopes"), [("public", ("read",)), ("secret", ()), ("secret", ("everything",))])
async def test_scopes_a_key_cannot_have_are_refused(
    catalog: Catalog, project_id: uuid.UUID, kind: Any, scopes: Any
) -> None:
    with pytest.raises(CatalogRefusedError):
        await create_key(catalog, project_id, kind, "k", scopes=scopes)
    assert await list_keys(catalog, project_id) == []


async def test_a_refused_key_leaves_nothing_of_itself_in_the_refusal(catalog: Catalog, project_id: uuid.UUID) -> None:
    """PostgreSQL's own message repeats the failing row, which holds the key's hash."""
    with pytest.raises(CatalogRefusedError) as caught:
        await create_key(catalog, project_id, "secret", "")
    shown = "".join(traceback.format_exception(caught.value))
    assert "create_key" in str(caught.value)
    assert "Failing row" not in shown
    assert str(project_id) not in shown
    assert "\\x" not in shown


async def test_a_key_of_no_project_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogRefusedError):
        await create_key(catalog, uuid7(), "public", "k")


async def test_a_revocation_keeps_the_time_of_the_first(catalog: Catalog, project_id: uuid.UUID) -> None:
    clear, key = await create_key(catalog, project_id, "public", "k")
    first = await revoke_key(catalog, key.id)
    again = await revoke_key(catalog, key.id)
    assert first is not None
    assert first.revoked_at is not None
    assert again == first == await find_key(catalog, hash_key(clear))
    assert await revoke_key(catalog, uuid7()) is None


async def test_the_last_use_is_written_once_in_five_minutes(
    catalog: Catalog, catalog_url: str, project_id: uuid.UUID
) -> None:
    clear, key = await create_key(catalog, project_id, "public", "k")

    async def used() -> datetime:
        await touch_key(catalog, key.id)
        found = await find_key(catalog, hash_key(clear))
        assert found is not None
        assert found.last_used_at is not None
        return found.last_used_at

    first = await used()
    assert await used() == first
    with psycopg.connect(catalog_url) as connection:
        connection.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '6 minutes'")
    assert await used() > first


async def test_a_revoked_key_is_refused_within_five_seconds(catalog: Catalog, project_id: uuid.UUID) -> None:
    clear, key = await create_key(catalog, project_id, "secret", "k", scopes=("ingest", "read"))
    clock = FixedClock(SYSTEM_CLOCK.micros())

    async def look_up(key_hash: bytes) -> Key | None:
        return await find_key(catalog, key_hash)

    ring = KeyRing(look_up, clock)
    assert (await ring.require(clear, "read")).id == key.id
    await revoke_key(catalog, key.id)
    clock.advance(5)
    with pytest.raises(Rejected) as rejected:
        await ring.require(clear, "read")
    assert refused(rejected) is Refusal.KEY_REVOKED


async def test_access_notes_the_use_and_tells_the_refusals_apart(
    catalog: Catalog, catalog_url: str, project_id: uuid.UUID
) -> None:
    public, _ = await create_key(catalog, project_id, "public", "browser")
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired, _ = await create_key(catalog, project_id, "public", "old", expires_at=past)
    async with open_access(catalog_url) as access:
        await access.ready()
        key = await access.require({"authorization": f"Bearer {public}"}, "ingest")
        assert key.project_id == project_id
        for clear, scope, expected in [
            (public, "read", Refusal.SCOPE_MISSING),
            (expired, "ingest", Refusal.KEY_EXPIRED),
            (new_key("public"), "ingest", Refusal.KEY_UNKNOWN),
            ("", "ingest", Refusal.KEY_MISSING),
        ]:
            with pytest.raises(Rejected) as rejected:
                await access.require({"x-api-key": clear}, scope)  # type: ignore[arg-type] # the list loses the type
            assert refused(rejected) is expected
    [first, _] = await list_keys(catalog, project_id)
    assert first.last_used_at is not None


async def test_a_key_works_on_a_catalog_that_can_only_be_read(empty_catalog_url: str) -> None:
    await asyncio.to_thread(migrate, empty_catalog_url)
    catalog = Catalog(empty_catalog_url)
    organisation = await create_organisation(catalog, "Acme")
    project = await create_project(catalog, organisation["id"], "Shop")
    clear, _ = await create_key(catalog, project["id"], "public", "k")
    await catalog.close()
    with psycopg.connect(empty_catalog_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database))
    async with open_access(empty_catalog_url) as access:
        assert (await access.require({"x-api-key": clear}, "ingest")).project_id == project["id"]


async def test_a_flood_of_requests_with_one_key_is_one_question(catalog: Catalog, project_id: uuid.UUID) -> None:
    clear, key = await create_key(catalog, project_id, "public", "k")
    asked = 0

    async def look_up(key_hash: bytes) -> Key | None:
        nonlocal asked
        asked += 1
        return await find_key(catalog, key_hash)

    ring = KeyRing(look_up, SYSTEM_CLOCK)
    found = await asyncio.gather(*(ring.require(clear, "ingest") for _ in range(500)))
    assert {one.id for one in found} == {key.id}
    assert asked == 1
