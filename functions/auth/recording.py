"""What is done to an account, in the audit log of the organisation its user joined first."""

from typing import Any

from functions.auth.asking import Call
from shared.catalog.client import Queries
from shared.security import audit
from shared.security.actor import Actor


async def recorded(
    queries: Queries, call: Call, actor: Actor, action: str, target: str = "", *, after: dict[str, Any] | None = None
) -> None:
    """Append a row; `target` is by default the actor's own account. Last in its transaction."""
    rows = await queries.rows("auth/oldest_organisation", {"user_id": actor.id})
    await audit.record(
        queries,
        organisation_id=rows[0]["organisation_id"] if rows else None,
        actor=actor,
        action=action,
        target=target or f"user:{actor.id}",
        after=after,
        request_id=call.asked.request_id,
        address=call.address,
    )
