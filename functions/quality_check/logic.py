"""The hourly check: days whose events changed are read anew, judged with the days before, and what is wrong is kept.

A day that did not change is not read again: its profile stays in the catalog with the ledger's number it was made of.
Everything follows from the profiles, so a check that ends halfway, comes late or runs twice comes to the same.
"""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import structlog

from functions.quality_check import findings
from functions.quality_check.drift import DAY, LOOK_BACK, Judge
from functions.quality_check.kinds import WEIGHTS, Found, Score, score
from functions.quality_check.profiles import HERE, Profile, Reader, Warehouse
from functions.quality_check.registry import of_project
from shared.bus import Bus
from shared.catalog.client import Catalog
from shared.clock import Clock, to_datetime
from shared.query.scope import read_sql
from shared.schemas import Compiled

log = structlog.get_logger()

KEPT_DAYS = 400
# The clocks of events may be ahead by a day.
_AHEAD = DAY
_WEEK = 7 * DAY
_RUN_SECONDS = 240.0
_HOUR = 3_600_000_000
# Of one project, the gravest first.
MOST_FINDINGS = 500

_decode_profile = msgspec.json.Decoder(Profile).decode


class Check:
    """Looks at projects; `one` project at a time, and one after the other."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, bus: Bus, clock: Clock, *, public_url: str = "") -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._bus = bus
        self._clock = clock
        self._public_url = public_url

    async def run(self) -> int:
        """Look at the projects with events of the last weeks or open findings; how many that were.

        After `_RUN_SECONDS` no further one is begun; each hour begins with another. Raises UnavailableError where an
        engine is away.
        """
        started, done = self._clock.monotonic(), 0
        ledger = await self._ledger()
        rows = await self._catalog.rows("quality/projects", {"projects": list(ledger)})
        first = self._clock.micros() // _HOUR % max(1, len(rows))
        due = [row["id"] for row in (*rows[first:], *rows[:first])]
        for project_id in due:
            if done and self._clock.monotonic() - started > _RUN_SECONDS:
                log.warning("quality_check is late", left=len(due) - done)
                break
            await self.project(project_id, ledger.get(project_id, {}))
            done += 1
        return done

    async def project(self, project_id: uuid.UUID, ledger: Mapping[date, int] | None = None) -> int:
        """Look at one project; how many of its days were read. Raises UnavailableError where an engine is away."""
        at = to_datetime(self._clock.micros())
        known = (await self._ledger(project_id)).get(project_id, {}) if ledger is None else ledger
        schemas = await of_project(self._catalog, project_id).all()
        changed = await self._read(project_id, known, schemas)
        days = await self._days(project_id, at.date())
        hidden = await self._hidden(project_id)
        judge = Judge(days, frozenset(schemas), hidden)
        await self._score(project_id, judge, days, {*changed, at.date(), at.date() - DAY}, at.date())
        found = sorted(await asyncio.to_thread(judge.now, at.date()), key=lambda one: -WEIGHTS[one.kind] * one.share)
        async with self._catalog.transaction() as transaction:
            await findings.keep(transaction, project_id, found[:MOST_FINDINGS], at)
        await self._forget(project_id, at)
        await findings.tell(self._catalog, self._bus, project_id, self._public_url)
        return len(changed)

    async def _ledger(self, project_id: uuid.UUID | None = None) -> dict[uuid.UUID, dict[date, int]]:
        """By project, the days with events and how often each changed."""
        today = to_datetime(self._clock.micros()).date()
        values = {
            "since": today - LOOK_BACK,
            "until": today + _AHEAD + DAY,
            "project": str(project_id) if project_id else "",
        }
        found: dict[uuid.UUID, dict[date, int]] = {}
        for project, day, number in (await self._warehouse.query(read_sql(HERE, "ledger"), values)).rows:
            found.setdefault(uuid.UUID(project), {})[date.fromisoformat(day)] = int(number)
        return found

    async def _read(
        self, project_id: uuid.UUID, ledger: Mapping[date, int], schemas: Mapping[str, Compiled]
    ) -> list[date]:
        """Read the days that changed since they were read last."""
        today = to_datetime(self._clock.micros()).date()
        which = {"since": today - LOOK_BACK, "project_id": project_id}
        seen = {row["day"]: int(row["ledger"]) for row in await self._catalog.rows("quality/looks", which)}
        # What was read and has nothing any more was erased, or is over its retention.
        now = {**dict.fromkeys(seen, 0), **ledger}
        changed = [day for day in sorted(now, reverse=True) if seen.get(day) != now[day]]
        reader = Reader(self._warehouse, project_id)
        for day in changed:
            found = await reader.day(day, schemas)
            values = {"project_id": project_id, "day": day}
            async with self._catalog.transaction() as transaction:
                await transaction.rows("quality/forget_day", values)
                await transaction.rows("quality/keep_day", {**values, **_written(found)})
                await transaction.rows("quality/keep_look", {**values, "ledger": now[day]})
        return changed

    async def _days(self, project_id: uuid.UUID, today: date) -> dict[date, dict[str, Profile]]:
        days: dict[date, dict[str, Profile]] = {}
        since = today - LOOK_BACK
        while since <= today + _AHEAD:  # a week at a time: the catalog has two seconds for an answer
            which = {"project_id": project_id, "since": since, "until": since + _WEEK}
            for row in await self._catalog.rows("quality/days", which):
                days.setdefault(row["day"], {})[row["event"]] = _decode_profile(row["profile"])
            since += _WEEK
        return days

    async def _hidden(self, project_id: uuid.UUID) -> frozenset[str]:
        rows = await self._catalog.rows("quality/entries", {"project_id": project_id, "event": None})
        return frozenset(row["event"] for row in rows if row["hidden"])

    async def _score(
        self,
        project_id: uuid.UUID,
        judge: Judge,
        days: Mapping[date, Mapping[str, Profile]],
        wanted: Collection[date],
        today: date,
    ) -> None:
        """Keep the scores of these days; one on which an event was missing gets a row of its own."""
        for day in sorted(wanted):
            found = await asyncio.to_thread(judge.day, day, over=day < today)
            scores = scored(found, [name for name, one in days.get(day, {}).items() if one.volume or one.refused])
            missing = [event for event in scores if event not in days.get(day, {})]
            values = {"project_id": project_id, "day": day}
            if missing:
                empty = msgspec.json.encode(Profile()).decode()
                await self._catalog.rows("quality/add_silent", {**values, "events": missing, "profile": empty})
            if scores:
                await self._catalog.rows("quality/keep_scores", {**values, **_listed(scores)})

    async def _forget(self, project_id: uuid.UUID, at: datetime) -> None:
        before = {"days_before": at.date() - KEPT_DAYS * DAY, "findings_before": at - KEPT_DAYS * DAY}
        await self._catalog.rows("quality/forget_old", {"project_id": project_id, **before})


def scored(found: Sequence[Found], events: Sequence[str]) -> dict[str, Score]:
    """The score of each of these events, and of those something was found of."""
    names = dict.fromkeys([*events, *(one.event for one in found if one.event)])
    return {name: score([one for one in found if one.event == name]) for name in names}


def _listed(scores: Mapping[str, Score]) -> dict[str, list[Any]]:
    return {
        "events": list(scores),
        "scores": [one.score for one in scores.values()],
        "penalties": [msgspec.json.encode(one.penalties).decode() for one in scores.values()],
    }


def _written(found: Mapping[str, Profile]) -> dict[str, list[str]]:
    return {"events": list(found), "profiles": [msgspec.json.encode(one).decode() for one in found.values()]}
