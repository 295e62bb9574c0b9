"""API keys in the catalog: made, listed, found, revoked. The clear key exists only in the answer of `create_key`."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from shared.catalog.client import Catalog, Row
from shared.ids import uuid7
from shared.security.keys import PUBLIC_SCOPES, Key, Kind, Scope, hash_key, new_key, shown_prefix

# How coarse "last used" is.
TOUCH_SECONDS = 300


async def create_key(
    catalog: Catalog,
    project_id: uuid.UUID,
    kind: Kind,
    name: str,
    *,
    scopes: Sequence[Scope] = PUBLIC_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[str, Key]:
    """A new key of a project; returns the clear key, which is shown this once, and what is kept of it.

    `expires_at` is an aware datetime. Raises CatalogRefusedError for a project that is not there, a name outside 1
    to 200 characters, no scope at all, and for a public key any scope but ingest.
    """
    clear = new_key(kind)
    rows = await catalog.rows(
        "create_key",
        {
            "id": uuid7(),
            "project_id": project_id,
            "kind": kind,
            "name": name,
            "prefix": shown_prefix(clear),
            "key_hash": hash_key(clear),
            "scopes": list(scopes),
            "expires_at": expires_at,
        },
    )
    return clear, _key(rows[0])


async def find_key(catalog: Catalog, key_hash: bytes) -> Key | None:
    """The key with this hash, also a revoked or expired one; None where there is none."""
    rows = await catalog.rows("find_key", {"key_hash": key_hash})
    return _key(rows[0]) if rows else None


async def list_keys(catalog: Catalog, project_id: uuid.UUID) -> list[Key]:
    """The keys of a project, oldest first."""
    return [_key(row) for row in await catalog.rows("list_keys", {"project_id": project_id})]


async def revoke_key(catalog: Catalog, key_id: uuid.UUID) -> Key | None:
    """End a key; functions refuse it within five seconds. None where there is no such key."""
    rows = await catalog.rows("revoke_key", {"id": key_id})
    return _key(rows[0]) if rows else None


async def touch_key(catalog: Catalog, key_id: uuid.UUID) -> None:
    """Note that a key is in use; written at most once in TOUCH_SECONDS, however often it is called."""
    await catalog.rows("touch_key", {"id": key_id, "seconds": TOUCH_SECONDS})


def _key(row: Row) -> Key:
    settings = {"allowed_origins": tuple(row["allowed_origins"])} if "allowed_origins" in row else {}
    return Key(**{**row, **settings, "scopes": frozenset(row["scopes"])})
