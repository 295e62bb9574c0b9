"""The demo organisation with one empty project and its keys, made once: `python -m shared.local.demo`.

What it makes stands in `$SLUICE_DATA/demo.json` (0600), for the README's commands and the `sluice` client.
"""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key, find_key
from shared.catalog.projects import create_organisation, create_project
from shared.config import DATA, CatalogSettings, load, setting
from shared.security.keys import hash_key


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
    await catalog.close()
    known["url"] = settings.url
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file, indent=1)
    fresh.replace(path)


async def _make(catalog: Catalog) -> dict[str, str]:
    organisation = await create_organisation(catalog, "Demo")
    project = await create_project(catalog, organisation["id"], "Demo")
    write_key, _ = await create_key(catalog, project["id"], "public", "demo write key")
    secret_key, _ = await create_key(
        catalog, project["id"], "secret", "demo secret key", scopes=("ingest", "read", "export")
    )
    return {"project_id": str(project["id"]), "write_key": write_key, "secret_key": secret_key}


if __name__ == "__main__":
    asyncio.run(main())
