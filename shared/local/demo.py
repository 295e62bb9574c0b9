"""The demo organisation, an empty project, its keys and a user who owns it, made once: `python -m shared.local.demo`.

What it makes stands in `$SLUICE_DATA/demo.json` (0600), for people, the README's commands and the `sluice` client.
"""

import asyncio
import json
import os
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key, find_key
from shared.catalog.projects import create_organisation, create_project
from shared.config import DATA, CatalogSettings, load, setting
from shared.ids import uuid7
from shared.security.keys import hash_key
from shared.security.passwords import Passwords

EMAIL = "demo@sluice.localhost"
_PASSWORD_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class DemoSettings(CatalogSettings):
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))
    url: str = setting("SLUICE_URL", "The server the `sluice` commands talk to.", default="")


async def main() -> None:
    settings = load(DemoSettings)
    path = settings.data / "demo.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    catalog = Catalog(settings.catalog_url)
    # Another catalog than last time does not know the keys of the one before.
    if not known or await find_key(catalog, hash_key(known["write_key"])) is None:
        known = await _make(catalog)
    if not await _has_user(catalog, known):
        known |= await _make_user(catalog, uuid.UUID(known["project_id"]))
    await catalog.close()
    known["url"] = settings.url
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file, indent=1)
    fresh.replace(path)


async def _make(catalog: Catalog) -> dict[str, str]:
    organisation = await create_organisation(catalog, "Demo")
    project = await create_project(catalog, organisation["id"], "Demo")
    await catalog.rows("set_retention", {"project_id": project["id"], "days": None, "rejected_days": None})
    write_key, _ = await create_key(catalog, project["id"], "public", "demo write key")
    secret_key, _ = await create_key(
        catalog, project["id"], "secret", "demo secret key", scopes=("ingest", "read", "export")
    )
    return {"project_id": str(project["id"]), "write_key": write_key, "secret_key": secret_key}


async def _has_user(catalog: Catalog, known: dict[str, str]) -> bool:
    email = known.get("email", "")
    return bool(email and await catalog.rows("auth/find_user_by_email", {"email": email}))


async def _make_user(catalog: Catalog, project_id: uuid.UUID) -> dict[str, str]:
    """The demo's user, owner of its organisation; one that is there already gets a new password."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    passwords = Passwords()
    hashed = await passwords.hash(password)
    passwords.close()
    async with catalog.transaction() as transaction:
        user = {"id": uuid7(), "email": EMAIL, "name": "Demo", "language": "en", "password_hash": hashed}
        await transaction.rows("auth/add_user", {**user, "verified": True})
        [found] = await transaction.rows("auth/find_user_by_email", {"email": EMAIL})
        new = {"user_id": found["id"], "password_hash": hashed, "instead_of": None, "verified": True}
        await transaction.rows("auth/set_password", new)
        await transaction.rows("auth/join_organisation_of", {"user_id": found["id"], "project_id": project_id})
    return {"email": EMAIL, "password": password}


if __name__ == "__main__":
    asyncio.run(main())
