"""Policies and maintenance windows in the catalog."""

import uuid
from datetime import datetime

import msgspec

from functions.incidents.maintenance import Window, WindowRequest
from functions.incidents.policies import Policy
from shared.catalog.client import Queries, Row
from shared.catalog.webhooks import Webhooks
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected

MOST = 100
_SHOWN = 3


class KeptPolicy(msgspec.Struct, frozen=True):
    """A row of `policies`; `policy` is the JSON of a Policy."""

    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    policy: str
    created_at: datetime
    updated_at: datetime

    @property
    def parsed(self) -> Policy:
        return msgspec.json.decode(self.policy, type=Policy)


class Policies:
    """Reads and writes policies, in a catalog or a transaction; raises CatalogUnavailableError where that is away."""

    def __init__(self, catalog: Queries) -> None:
        self._catalog = catalog
        self._webhooks = Webhooks(catalog)

    async def create(self, project_id: uuid.UUID, policy: Policy) -> KeptPolicy:
        """A new policy, in a transaction, which holds the project's row.

        Refuses channels the project does not have (`bad_destination`), and more than MOST of a project (`conflict`).
        """
        await self._webhooks.require(policy.channels, project_id)
        await self._catalog.rows("lock_project", {"project_id": project_id})
        values = {"id": uuid7(), "project_id": project_id, **_written(policy), "most": MOST}
        found = await self._one("create_policy", values)
        if found is None:
            raise Rejected(Refusal.CONFLICT, f"the project has {MOST} policies, as many as it may: delete one")
        return found

    async def find(self, policy_id: uuid.UUID, project_id: uuid.UUID) -> KeptPolicy | None:
        """The policy, if it is the project's."""
        return await self._one("find_policy", {"id": policy_id, "project_id": project_id})

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[KeptPolicy]:
        """A project's, the newest first, at most so many of those made before that id."""
        values = {"project_id": project_id, "before": before, "most": most}
        return [KeptPolicy(**row) for row in await self._catalog.rows("incidents/list_policies", values)]

    async def replace(self, policy_id: uuid.UUID, project_id: uuid.UUID, policy: Policy) -> KeptPolicy | None:
        """Write it anew; open incidents go on by it. Refuses channels the project does not have."""
        await self._webhooks.require(policy.channels, project_id)
        return await self._one("replace_policy", {"id": policy_id, "project_id": project_id, **_written(policy)})

    async def remove(self, policy_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove it; refuses one that rules name (`conflict`): nobody would hear of them."""
        values = {"policy_id": str(policy_id), "project_id": project_id, "most": _SHOWN + 1}
        named = [row["name"] for row in await self._catalog.rows("incidents/rules_of_policy", values)]
        if named:
            shown = ", ".join(map(repr, named[:_SHOWN])) + (" and others" if len(named) > _SHOWN else "")
            raise Rejected(Refusal.CONFLICT, f"alert rules name this policy: {shown}; give them another first")
        return bool(await self._catalog.rows("incidents/remove_policy", {"id": policy_id, "project_id": project_id}))

    async def _one(self, query: str, values: Row) -> KeptPolicy | None:
        rows = await self._catalog.rows(f"incidents/{query}", values)
        return KeptPolicy(**rows[0]) if rows else None


class Windows:
    """Reads and writes maintenance windows, as Policies does policies."""

    def __init__(self, catalog: Queries) -> None:
        self._catalog = catalog

    async def create(self, project_id: uuid.UUID, asked: WindowRequest) -> Window:
        """A new one, in a transaction, which holds the project's row; more than MOST are refused (`conflict`)."""
        await self._catalog.rows("lock_project", {"project_id": project_id})
        values = {"id": uuid7(), "project_id": project_id, **_asked(asked), "most": MOST}
        found = await self._one("create_window", values)
        if found is None:
            raise Rejected(Refusal.CONFLICT, f"the project has {MOST} maintenance windows: delete one that is over")
        return found

    async def find(self, window_id: uuid.UUID, project_id: uuid.UUID) -> Window | None:
        """The window, if it is the project's."""
        return await self._one("find_window", {"id": window_id, "project_id": project_id})

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Window]:
        """A project's, the newest first, at most so many of those made before that id."""
        return await self._all("list_windows", {"project_id": project_id, "before": before, "most": most})

    async def coming(self, project_id: uuid.UUID, now: datetime) -> list[Window]:
        """Those that are on, or may be soon."""
        return await self._all("windows_from", {"project_id": project_id, "now": now})

    async def replace(self, window_id: uuid.UUID, project_id: uuid.UUID, asked: WindowRequest) -> Window | None:
        """Write it anew."""
        return await self._one("replace_window", {"id": window_id, "project_id": project_id, **_asked(asked)})

    async def remove(self, window_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove it: who it kept from being told is told."""
        return bool(await self._catalog.rows("incidents/remove_window", {"id": window_id, "project_id": project_id}))

    async def _one(self, query: str, values: Row) -> Window | None:
        found = await self._all(query, values)
        return found[0] if found else None

    async def _all(self, query: str, values: Row) -> list[Window]:
        return [Window(**row) for row in await self._catalog.rows(f"incidents/{query}", values)]


def _written(policy: Policy) -> Row:
    return {"name": policy.name, "policy": msgspec.json.encode(policy).decode()}


def _asked(asked: WindowRequest) -> Row:
    starts_at, ends_at = asked.span()
    values = {"name": asked.name, "timezone": asked.timezone, "weekly": asked.weekly, "rules": list(asked.rules)}
    return {**values, "starts_at": starts_at, "ends_at": ends_at}
