"""Users in the catalog, as far as others than auth need them: whether a session holds, and what is open to its user."""

import uuid
from types import MappingProxyType

from shared.catalog.client import Catalog
from shared.security.members import Member, OpenProject


async def find_member(catalog: Catalog, user_id: uuid.UUID, session_id: uuid.UUID) -> Member | None:
    """The user of a session with every project of their organisations; None where user or session is not there."""
    rows = await catalog.rows("find_member", {"user_id": user_id, "session_id": session_id})
    if not rows:
        return None
    projects = {
        row["project_id"]: OpenProject(
            row["project_id"], row["name"], row["organisation_id"], row["role"], row["timezone"]
        )
        for row in rows
        if row["project_id"] is not None
    }
    return Member(user_id, rows[0]["email"], rows[0]["active"], MappingProxyType(projects))
