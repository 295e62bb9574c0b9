"""Incidents as the product keeps them, on a clock of the test's own: the catalog is real."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from functions.incidents.kept import KeptPolicy, Policies, Windows
from functions.incidents.links import Links
from functions.incidents.logic import Keeper
from functions.incidents.maintenance import Window, WindowRequest
from functions.incidents.policies import Policy
from functions.incidents.signals import FIRING, RESOLVED, read
from functions.incidents.states import Incident
from functions.incidents.store import Incidents
from functions.incidents.telling import Teller
from shared.bus import Bus, Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import FixedClock, to_micros
from shared.events import CONTROL_TOPIC
from shared.query.request import from_json
from shared.security.sealing import Sealer
from tests.integration.exporting import make_project

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PUBLIC_URL = "https://s.example"


def said(project: uuid.UUID, rule: uuid.UUID, moment: datetime, **more: Any) -> dict[str, Any]:
    """What a rule says of itself; `incident_id` follows from the rule and the group unless given."""
    incident = uuid.uuid5(rule, str(more.get("group", "")))
    data = {"alert_id": str(rule), "incident_id": str(incident), "project_id": str(project), "name": "no signups"}
    data |= {"severity": "error", "at": moment.isoformat(), "value": 0.0, "condition": "count = 0"}
    return {**data, "dedup_key": f"{rule}:{more.get('group', '')}", **more}


def event(data: dict[str, Any], *, firing: bool, event_id: str = "") -> Message:
    """The event of what a rule says."""
    kind = FIRING if firing else RESOLVED
    attributes = {"specversion": "1.0", "id": event_id or str(uuid.uuid4()), "source": "/sluice/alerts", "type": kind}
    return Message(attributes, msgspec.json.encode(data))


class Kept:
    """One project's incidents and who keeps them."""

    def __init__(self, catalog: Catalog, url: str, project: uuid.UUID) -> None:
        self.project = project
        self.url = url
        self.catalog = catalog
        self.incidents = Incidents(catalog)
        self.clock = FixedClock(to_micros(NOW))
        self.bus: Bus = MemoryBus()
        self.keeper = self.another()

    def another(self) -> Keeper:
        """One more replica."""
        links = Links(Sealer("s" * 32), self.clock, PUBLIC_URL, hours=24)
        keeper = Keeper(self.catalog, Teller(self.bus, links, PUBLIC_URL), self.clock)
        keeper.wake = lambda: None  # type: ignore[method-assign]  # nothing is told but by the ticks of the test
        return keeper

    def rule(self) -> uuid.UUID:
        """A rule of the project that says nothing by itself."""
        rule = uuid.uuid4()
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO alerts (id, project_id, name, rule) VALUES (%s, %s, 'r', '{}')", [rule, self.project]
            )
        return rule

    async def policy(self, *steps: dict[str, Any], **more: Any) -> KeptPolicy:
        given = {"name": "p", "steps": steps or [{"emails": ["a@b.example"], "repeat": "10m"}], **more}
        policy = from_json(msgspec.json.encode(given), Policy).checked()
        async with self.catalog.transaction() as transaction:
            return await Policies(transaction).create(self.project, policy)

    async def window(self, start: timedelta, end: timedelta, **more: Any) -> Window:
        given = {"name": "w", "from": (NOW + start).isoformat(), "to": (NOW + end).isoformat(), **more}
        async with self.catalog.transaction() as transaction:
            return await Windows(transaction).create(self.project, from_json(msgspec.json.encode(given), WindowRequest))

    async def fires(self, rule: uuid.UUID, policy: KeptPolicy | None = None, **more: Any) -> dict[str, Any]:
        """A rule fires; what it said."""
        moment = datetime.fromtimestamp(self.clock.micros() / 1_000_000, UTC)
        named = {"policy": str(policy.id)} if policy is not None else {}
        data = said(self.project, rule, moment, **named, **more)
        await self.keeper.take(read(event(data, firing=True)))
        return data

    async def is_over(self, data: dict[str, Any]) -> None:
        await self.keeper.take(read(event(data, firing=False)))

    async def minutes(self, count: int) -> None:
        """So many ticks, one a minute."""
        for _ in range(count):
            self.clock.advance(60)
            await self.keeper.tick()

    async def one(self, data: dict[str, Any]) -> Incident:
        found = await self.incidents.find(uuid.UUID(data["incident_id"]), self.project)
        assert found is not None
        return found

    async def timeline(self, data: dict[str, Any]) -> list[str]:
        return [step.kind for step in await self.incidents.timeline(uuid.UUID(data["incident_id"]))]

    async def told(self) -> list[Any]:
        """The notifications that were published since the last call."""
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "test")
        found = await subscription.take(10_000, 0)
        await subscription.ack([one.position for one in found])
        await subscription.close()
        return [json.loads(one.message.data) for one in found]


@contextlib.asynccontextmanager
async def kept(catalog_url: str) -> AsyncIterator[Kept]:
    """A new project."""
    project = uuid.uuid4()
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    found = Kept(catalog, catalog_url, project)
    yield found
    await catalog.close()
