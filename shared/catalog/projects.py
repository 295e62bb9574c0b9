"""Organisations and their projects."""

import uuid
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.catalog.client import Catalog, Row
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected


async def create_organisation(catalog: Catalog, name: str) -> Row:
    """A new organisation: id, name, created_at. The name has 1 to 200 characters (CatalogRefusedError)."""
    return (await catalog.rows("create_organisation", {"id": uuid7(), "name": name}))[0]


async def create_project(catalog: Catalog, organisation_id: uuid.UUID, name: str, timezone: str = "UTC") -> Row:
    """A new, empty project: id, organisation_id, name, timezone, created_at.

    Raises Rejected(BAD_TIMEZONE) for a timezone that is no IANA name, CatalogRefusedError for an organisation that
    is not there or a name outside 1 to 200 characters.
    """
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Rejected(Refusal.BAD_TIMEZONE, f"{timezone!r} is not an IANA timezone such as Europe/Berlin") from error
    parameters = {"id": uuid7(), "organisation_id": organisation_id, "name": name, "timezone": timezone}
    return (await catalog.rows("create_project", parameters))[0]


async def list_projects(catalog: Catalog) -> list[Row]:
    """Every project, oldest first."""
    return await catalog.rows("list_projects")


async def remove_project(catalog: Catalog, project_id: uuid.UUID) -> bool:
    """End a project and its keys for good; False where there is none. Its events stay: delete them before.

    A key may be taken for some seconds more (shared.security.keys): revoke all, and wait, before deleting events.
    """
    return bool(await catalog.rows("remove_project", {"project_id": project_id}))
