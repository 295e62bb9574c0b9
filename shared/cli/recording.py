"""What the command line changes in the catalog is on record as well: whoever has the host acts as `sluice`."""

import uuid
from typing import Any

from shared.catalog.client import Catalog

ACTOR = "sluice"


async def recorded(
    catalog: Catalog,
    project_id: uuid.UUID | None,
    action: str,
    target: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append to the audit log of a project's organisation, without a project to the instance's own."""
    from shared.security.audit import Agent, record

    values = {"project_id": project_id}
    rows = await catalog.rows("organisation_of_project", values) if project_id else []
    await record(
        catalog,
        organisation_id=rows[0]["organisation_id"] if rows else None,
        actor=Agent(ACTOR),
        action=action,
        target=target,
        before=before,
        after=after,
        project_id=project_id,
    )
