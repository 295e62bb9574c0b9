"""Keeping incidents: what rules say opens and resolves them, each minute moves them on, and people act on them.

The truth is in the catalog. Whatever happens to an incident is one statement that fails where somebody else was first;
whoever is to hear of it is written with it, and told after. So an event that comes again, a second replica and a crash
between two of these change nothing.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from functions.incidents.kept import Policies, Windows
from functions.incidents.maintenance import Window, maintained_until
from functions.incidents.policies import Policy
from functions.incidents.signals import Signal
from functions.incidents.states import (
    By,
    Hold,
    Incident,
    Move,
    Step,
    begins,
    escalated,
    fired_again,
    resolved,
    signal_step_id,
)
from functions.incidents.store import Incidents
from functions.incidents.telling import Teller
from shared.catalog.client import Catalog, CatalogRefusedError, Queries
from shared.clock import Clock, to_datetime
from shared.failpoints import reach
from shared.ids import uuid7
from shared.refusals import UnavailableError

log = structlog.get_logger()

# What opens so shortly after an incident is told with it.
GROUP_SECONDS = 5.0
# The same people are told of so much at most: a bit less than from one tick to the next.
_APART = timedelta(seconds=50)
_MOST_AT_ONCE = 2_000
_SIDE_BY_SIDE = 8
# Moves that one incident makes at one tick: a snooze that ends, a step, and what else is due by then.
_MOST_MOVES = 5


class Keeper:
    """Opens, escalates and resolves incidents; `wake` it where somebody is to be told before the next tick."""

    def __init__(self, catalog: Catalog, teller: Teller, clock: Clock, *, group_seconds: float = GROUP_SECONDS) -> None:
        self._catalog = catalog
        self._teller = teller
        self._clock = clock
        self._group = timedelta(seconds=group_seconds)
        self._soon: asyncio.Task[None] | None = None
        self._woken = False

    def now(self) -> datetime:
        """What time it is, UTC."""
        return to_datetime(self._clock.micros())

    async def take(self, signal: Signal) -> None:
        """Note what a rule says; the same event again changes nothing. Raises CatalogUnavailableError."""
        try:
            async with self._catalog.transaction() as transaction:
                await (_fire if signal.firing else _over)(_Within(transaction, self.now()), signal)
        except CatalogRefusedError as error:
            # Its project was deleted: there is nobody to tell.
            log.info("signal left out", signal=signal.event_id, detail=str(error))
            return
        self.wake()

    async def change(
        self, queries: Queries, incident_id: uuid.UUID, project_id: uuid.UUID, work: Callable[[Incident], Move | None]
    ) -> Incident | None:
        """An incident after `work`, in a transaction; None where there is none. None of `work` leaves it as it is."""
        incidents = Incidents(queries)
        held = await incidents.hold(incident_id, project_id)
        move = work(held) if held is not None else None
        if move is None:
            return held
        await incidents.save(move)
        return await incidents.find(incident_id, project_id)

    async def resolve(
        self, queries: Queries, incident_id: uuid.UUID, project_id: uuid.UUID, by: By, note: str
    ) -> Incident | None:
        """An incident that is over, in a transaction; all who were told of it are told that."""
        await Incidents(queries).lock_batches()
        held = await Incidents(queries).hold(incident_id, project_id)
        if held is None or held.state == "resolved":
            return held
        step = Step(id=uuid7(), at=self.now(), kind="resolved", actor=by.actor, who=by.who, note=note)
        await _resolve(queries, held, step)
        return await Incidents(queries).find(incident_id, project_id)

    async def recheck(self, queries: Queries, project_id: uuid.UUID) -> None:
        """Let the next tick look again at what is held back in a project."""
        await Incidents(queries).recheck(project_id, self.now())

    async def tick(self) -> int:
        """Do all that is due, then tell of it; returns how many incidents were moved on.

        Raises UnavailableError where the catalog is away, or the bus with something to tell. A fault of one incident
        keeps no other waiting, and is raised at the end.
        """
        incidents, moved = Incidents(self._catalog), 0
        for orphan in await incidents.orphans(_MOST_AT_ONCE):
            async with self._catalog.transaction() as transaction:
                await self.resolve(transaction, orphan.id, orphan.project_id, By(), "rule removed")
        due = await incidents.due(self.now(), _MOST_AT_ONCE)
        known, room = _Known(self._catalog, self.now()), asyncio.Semaphore(_SIDE_BY_SIDE)
        faults = list[BaseException]()
        for found in await asyncio.gather(*(self._escalate(one, known, room) for one in due), return_exceptions=True):
            if isinstance(found, BaseException):
                faults.append(found)
            else:
                moved += found
        await self.tell()
        if faults:
            raise min(faults, key=lambda one: isinstance(one, UnavailableError))
        return moved

    async def tell(self) -> None:
        """Form the batches that are ready, and tell of each that was not told."""
        now = self.now()
        async with self._catalog.transaction() as transaction:
            incidents = Incidents(transaction)
            await incidents.lock_batches()
            await incidents.form_batches(now, now - self._group, now - _APART)
        reach("incidents.after_batches")
        await self._teller.tell(Incidents(self._catalog))
        if await Incidents(self._catalog).waits(now, now - self._group):
            self.wake()

    def wake(self) -> None:
        """Tick soon, once what happens together has come together; where that fails the timer's tick does it."""
        self._woken = True
        if self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self._wait(), name="incidents-soon")

    async def close(self) -> None:
        """End what is under way."""
        if self._soon is not None:
            self._soon.cancel()
            await asyncio.gather(self._soon, return_exceptions=True)

    async def _wait(self) -> None:
        while self._woken:
            self._woken = False
            await asyncio.sleep(self._group.total_seconds() + 0.1)
            try:
                await self.tick()
            except UnavailableError as error:
                log.warning("told later", detail=str(error))

    async def _escalate(self, incident: Incident, known: "_Known", room: asyncio.Semaphore) -> int:
        async with room:
            incidents, moved = Incidents(self._catalog), 0
            for _ in range(_MOST_MOVES):
                policy = await known.policy(incident)
                move = escalated(incident, policy, known.now, await known.hold(incident, policy))
                if move is None or not await incidents.save(move):
                    break
                reach("incidents.after_step")
                moved = 1
                following = await incidents.find(incident.id)
                if following is None:
                    break
                incident = following
            return moved


class _Known:
    """The policies and maintenance windows that one tick needs, each read once."""

    def __init__(self, catalog: Queries, now: datetime) -> None:
        self.now = now
        self._policies = Policies(catalog)
        self._windows = Windows(catalog)
        self._policy: dict[uuid.UUID, Policy | None] = {}
        self._coming: dict[uuid.UUID, list[Window]] = {}

    async def policy(self, incident: Incident) -> Policy | None:
        if incident.policy_id is None:
            return None
        if incident.policy_id not in self._policy:
            found = await self._policies.find(incident.policy_id, incident.project_id)
            self._policy[incident.policy_id] = found.parsed if found else None
        return self._policy[incident.policy_id]

    async def hold(self, incident: Incident, policy: Policy | None) -> Hold | None:
        if incident.project_id not in self._coming:
            self._coming[incident.project_id] = await self._windows.coming(incident.project_id, self.now)
        return held(self._coming[incident.project_id], policy, incident, self.now)


def held(windows: list[Window], policy: Policy | None, incident: Incident, now: datetime) -> Hold | None:
    """Why nobody is told of an incident now, and until when; None where somebody is."""
    if until := maintained_until(windows, incident.rule_id, now):
        return Hold("maintenance", until)
    if policy is not None and (until := policy.quiet_until(incident.severity, now)):
        return Hold("quiet", until)
    return None


class _Within:
    """What a signal is taken with: the transaction and the time."""

    def __init__(self, queries: Queries, now: datetime) -> None:
        self.queries = queries
        self.incidents = Incidents(queries)
        self.policies = Policies(queries)
        self.windows = Windows(queries)
        self.now = now


async def _fire(within: _Within, signal: Signal) -> None:
    """Open an incident, or note that the one that is open fires again."""
    step_id = signal_step_id(signal.project_id, signal.event_id, signal.dedup_key)
    for _ in range(2):
        present = await within.incidents.hold_open(signal.project_id, signal.dedup_key)
        if await within.incidents.has_step(step_id):
            return
        if present is not None:
            step = Step(id=step_id, at=within.now, kind="fired_again")
            await within.incidents.save(fired_again(present, _incident(signal, within.now, None), step))
            return
        step = Step(id=step_id, at=within.now, kind="opened")
        if await within.incidents.open(await _new(within, signal), step) is not None:
            return  # where not, somebody opened one meanwhile, or it is over already


async def _new(within: _Within, signal: Signal) -> Incident:
    kept = await within.policies.find(signal.policy_id, signal.project_id) if signal.policy_id else None
    incident = _incident(signal, within.now, begins(kept.parsed if kept else None, within.now))
    windows = await within.windows.coming(signal.project_id, within.now)
    muted = maintained_until(windows, signal.rule_id, within.now) is not None
    return msgspec.structs.replace(incident, in_maintenance=muted)


def _incident(signal: Signal, now: datetime, next_at: datetime | None) -> Incident:
    return Incident(
        id=signal.source_id,
        project_id=signal.project_id,
        rule_id=signal.rule_id,
        dedup_key=signal.dedup_key,
        name=signal.name,
        group_name=signal.group,
        severity=signal.severity,
        policy_id=signal.policy_id,
        state="open" if signal.firing else "resolved",
        data=signal.data,
        source_id=signal.source_id,
        source_at=signal.at,
        next_at=next_at,
        opened_at=now,
        resolved_at=None if signal.firing else now,
    )


async def _over(within: _Within, signal: Signal) -> None:
    """Resolve the incident of a rule's own; one that nobody heard of is noted as over, lest it open afterwards."""
    await within.incidents.lock_batches()
    step_id = signal_step_id(signal.project_id, signal.event_id, signal.dedup_key)
    present = await within.incidents.hold_source(signal.project_id, signal.source_id, signal.dedup_key)
    if present is None:
        step = Step(id=step_id, at=within.now, kind="resolved")
        await within.incidents.open(_incident(signal, within.now, None), step)
    elif present.state != "resolved":
        await _resolve(within.queries, present, Step(id=step_id, at=within.now, kind="resolved"))


async def _resolve(queries: Queries, incident: Incident, step: Step) -> None:
    """Resolve an incident that is held; who was told of it is told, at hours at which people are."""
    incidents, known = Incidents(queries), _Known(queries, step.at)
    notice = await incidents.told_of(incident)
    hold = await known.hold(incident, await known.policy(incident)) if notice is not None else None
    await incidents.save(resolved(incident, step, notice, tell_at=hold.until if hold is not None else None))
