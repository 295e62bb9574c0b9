"""Organisations and their projects."""

import uuid

from shared.catalog.client import Catalog, Row
from shared.ids import uuid7


async def create_organisation(catalog: Catalog, name: str) -> Row:
    """A new organisation: id, name, created_at."""
    return (await catalog.rows("create_organisation", {"id": uuid7(), "name": name}))[0]


async def create_project(catalog: Catalog, organisation_id: uuid.UUID, name: str, timezone: str = "UTC") -> Row:
    """A new, empty project: id, organisation_id, name, timezone, created_at."""
    parameters = {"id": uuid7(), "organisation_id": organisation_id, "name": name, "timezone": timezone}
    return (await catalog.rows("create_project", parameters))[0]


async def list_projects(catalog: Catalog) -> list[Row]:
    """Every project, oldest first."""
    return await catalog.rows("list_projects")
