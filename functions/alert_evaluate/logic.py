"""Evaluating rules: each minute's window of each rule once, and everybody told once of what it came to.

Rules are judged many at a time: what they ask of the warehouse together is asked together, and where they stand is
noted in one statement, each rule's state, its step and that somebody is to hear of it, or none of them. Telling comes
after: its event and its notification carry the step's id as key, so that a crash in between costs a repeat nobody sees.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog

from functions.alert_evaluate.arrival import early, window_end, worth_asking
from functions.alert_evaluate.deciding import judged, known_groups, outcome, replayed, unknown
from functions.alert_evaluate.late import Late, again, earliest, may_be_late
from functions.alert_evaluate.numbers import Finder, Found, Judging
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.states import WHOLE, Change, Judged, Standing, State, after, kept
from functions.alert_evaluate.store import Alert, Alerts, Outcome
from functions.alert_evaluate.telling import TOLD_AT_ONCE, Teller
from shared.bus import Bus
from shared.cache import Cache
from shared.catalog.client import CatalogRefusedError
from shared.clock import Clock, to_datetime
from shared.freshness import Freshness
from shared.query.ask import Asker, Warehouse
from shared.query.patterns import check_patterns
from shared.query.period import Period
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.timers import Timers, Window
from shared.warehouse.client import WarehouseError

log = structlog.get_logger()

TIMER = "alert_evaluate"
# Minutes that were missed and are judged later all the same, so that a short spike is not missed with its minute.
CATCH_UP = 10
# Rules that are judged together: a statement of the catalog has two seconds, also on a machine that is busy.
AT_ONCE = 500
RUN_SECONDS = 45.0
# Windows that a preview judges at most.
PREVIEWED = 200
# What arrives within such a while is looked at once.
ARRIVAL_SECONDS = 1.0
MINUTE = timedelta(minutes=1)
_NOBODY = uuid.UUID(int=0)
# Who is told of a step that is so old was forgotten by whoever noted it.
_UNTOLD_SECONDS = 10.0
_MOST_DETAIL = 2_000

Past = tuple[Standing, list[Change]]


class Previewed(msgspec.Struct, frozen=True):
    """A window of the past as a rule sees it: its end, its number, whether the condition held, where the rule stood.

    Of a rule with groups each has a point of its own; `group` is '' otherwise.
    """

    at: datetime
    value: float | None
    holds: bool
    state: State
    group: str = WHOLE


class Due(NamedTuple):
    """A rule to be judged for the window that ends there."""

    alert: Alert
    rule: Rule
    end: datetime


def ends_within(period: Period, window: timedelta) -> list[datetime]:
    """Ends of windows that cover a range, in whole minutes: each a window after the other, or further where many."""
    whole = period.end - period.start
    minutes = max(window // MINUTE, -(-whole // (PREVIEWED * MINUTE)))
    last = period.end.replace(second=0, microsecond=0)
    return [last - number * minutes * MINUTE for number in range(whole // (minutes * MINUTE))][::-1]


class Evaluator:
    """Judges rules and tells of what changes."""

    def __init__(
        self,
        *,
        alerts: Alerts,
        timers: Timers,
        warehouse: Warehouse,
        freshness: Freshness,
        bus: Bus,
        clock: Clock,
        public_url: str = "",
        cache: Cache | None = None,
        guarded: Warehouse | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`guarded` asks within what a project's questions may take: by it rules are tried before they are kept."""
        self._alerts = alerts
        self._timers = timers
        self._warehouse = warehouse
        self._guarded = guarded or warehouse
        self._freshness = freshness
        self._clock = clock
        self._cache = cache
        self._sleep = sleep
        self._teller = Teller(alerts, bus, public_url)

    async def tick(self) -> int:
        """Judge every window that is due; returns how many those were. Without rules it asks the catalog, nobody else.

        Raises UnavailableError where the catalog is away, or the bus with something to tell.
        """
        while noted := await self._alerts.untold(_UNTOLD_SECONDS, TOLD_AT_ONCE):
            await self._teller.tell_noted(noted)
            if len(noted) < TOLD_AT_ONCE:
                break
        return await self._timers.run_many(self._windows, seconds=RUN_SECONDS)

    async def arrived(self, project_id: uuid.UUID) -> int:
        """Events of a project arrived: take the steps that are certain already; returns how many those were.

        Where nobody can know, the next tick decides. Raises UnavailableError where the catalog is away.
        """
        if self._cache is None:
            return 0
        alerts = await self._alerts.quick(project_id)
        if not alerts:
            return 0
        await self._sleep(ARRIVAL_SECONDS)
        now = to_datetime(self._clock.micros())
        end = window_end(now)
        asking = [Due(one, one.parsed, end) for one in await worth_asking(alerts, project_id, now, self._cache)]
        if not asking:
            return 0
        try:
            await self._freshness.wait(now)
            found = await self._find(asking)
        except UnavailableError as error:
            log.info("left to the next tick", project=str(project_id), why=str(error))
            return 0
        steps = [
            step
            for due, numbers in zip(asking, found, strict=True)
            if not isinstance(numbers, BaseException) and (step := early(due.alert, due.rule, numbers, end))
        ]
        return len(await self._note(steps, {})) if steps else 0

    async def preview(self, rule: Rule, project_id: uuid.UUID, period: Period) -> list[Previewed]:
        """What the rule would have come to in a range of the past, window by window, at most PREVIEWED of them.

        Raises Rejected and UnavailableError, as every query does.
        """
        standings, steps = dict[str, Standing](), list[Previewed]()
        for end in ends_within(period, span(rule.window)):
            [found] = await self._finder(project_id).find([Judging(rule, project_id, end, list(standings))])
            if isinstance(found, BaseException):
                raise found
            for name, one in judged(rule, found, standings, end).items():
                standings[name] = after(standings.get(name, Standing()), one, _NOBODY, end, span(rule.hold), group=name)
                steps.append(Previewed(end, one.value, bool(one.holds), standings[name].state, name))
            if rule.query.group_by is not None:
                standings = kept(standings, (name for name, numbers in found.items() if numbers.top))
        return steps

    async def check(self, rule: Rule, project_id: uuid.UUID) -> None:
        """Refuse a rule that could not be judged now: its questions are asked once, within what the project's may take.

        Refuses a regular expression that is not RE2 (`bad_filter`), and what takes too much (`query_too_expensive`).
        Where nobody answers the rule is kept: it is `unknown` until somebody does.
        """
        for query in {id(need.query): need.query for need in rule.needs()}.values():
            await check_patterns(query.filters, self._warehouse, TIMER)
        end = to_datetime(self._clock.micros()).replace(second=0, microsecond=0)
        [found] = await self._finder(project_id).find([Judging(rule, project_id, end)])
        if isinstance(found, BaseException) and not isinstance(found, UnavailableError):
            raise found

    async def now(self, alert: Alert) -> tuple[datetime, dict[str, Judged]]:
        """A rule and its groups judged for the window that ended with the last full minute; nothing changes by it."""
        end = to_datetime(self._clock.micros()).replace(second=0, microsecond=0)
        due = Due(alert, alert.parsed, end)
        try:
            await self._freshness.wait(end)
            [found] = await self._find([due])
        except UnavailableError as error:
            found = error
        if isinstance(found, BaseException):
            return end, {WHOLE: _why(found, alert)}
        before = alert.standings if alert.grouped.by == due.rule.query.group_by else {}
        return end, judged(due.rule, found, before, end)

    async def _windows(self, windows: list[Window]) -> Mapping[str, Exception]:
        """Judge the windows of many rules, note what they come to and tell of it; which rules met a fault of ours."""
        alerts = await self._alerts.many([uuid.UUID(window.item) for window in windows])
        dues, faults = list[Due](), dict[str, Exception]()
        for window in windows:
            alert = alerts.get(uuid.UUID(window.item))
            if alert is None or alert.paused:
                await self._timers.remove(window.item)
            elif alert.evaluated_to is None or alert.evaluated_to < window.end:
                dues.append(Due(alert, alert.parsed, window.end))
        outcomes = []
        for due, found in zip(dues, await self._outcomes(dues), strict=True):
            if isinstance(found, Exception):
                faults[str(due.alert.id)] = found
            elif isinstance(found, BaseException):
                raise found
            else:
                outcomes.append(found)
        await self._note(outcomes, faults)
        return faults

    async def _outcomes(self, dues: Sequence[Due]) -> list[Outcome | BaseException]:
        behind: dict[datetime, UnavailableError] = {}
        for end in sorted({due.end for due in dues}):
            try:
                await self._freshness.wait(end)
            except UnavailableError as error:
                behind[end] = error
        fresh = [due for due in dues if due.end not in behind]
        past, found = await self._past(fresh), iter(await self._find(fresh))
        numbers = [behind[due.end] if due.end in behind else next(found) for due in dues]
        return await asyncio.gather(
            *(self._outcome(due, its, past.get(due.alert.id)) for due, its in zip(dues, numbers, strict=True)),
            return_exceptions=True,
        )

    async def _outcome(self, due: Due, found: Found | BaseException, past: Past | None) -> Outcome:
        """What one rule comes to; raises what is a fault of ours."""
        if isinstance(found, BaseException):
            return unknown(due.alert, _why(found, due.alert), due.end)
        if due.rule.heavy:
            return await asyncio.to_thread(outcome, due.alert, due.rule, found, due.end, past)
        return outcome(due.alert, due.rule, found, due.end, past)

    async def _past(self, dues: Sequence[Due]) -> dict[uuid.UUID, Past]:
        """What windows before come to for which late events arrived; where nobody can say, nothing is said."""
        pasts: dict[uuid.UUID, Past] = {}
        for end in {due.end for due in dues}:
            candidates = {due.alert.id: due for due in dues if due.end == end and may_be_late(due.alert, due.rule, end)}
            projects = {due.alert.project_id for due in candidates.values()}
            try:
                late = await earliest(projects, end, self._asker("count")) if projects else {}
            except (UnavailableError, Rejected, WarehouseError) as error:
                log.warning("late events not looked for", detail=str(error))
                continue
            found = again(((due.alert, due.rule) for due in candidates.values()), late, end)
            if not found:
                continue
            known = await self._alerts.fired_since([one.alert.id for one in found], min(one.ends[0] for one in found))
            pasts |= await self._judged_again([one for one in found if one.alert.id not in known])
        return pasts

    async def _judged_again(self, late: Sequence[Late]) -> dict[uuid.UUID, Past]:
        dues = [Due(one.alert, one.rule, end) for one in late for end in one.ends]
        numbers = dict(zip([(due.alert.id, due.end) for due in dues], await self._find(dues), strict=True))
        pasts = {}
        for one in late:
            windows = {end: numbers[one.alert.id, end] for end in one.ends}
            known = {end: found for end, found in windows.items() if not isinstance(found, BaseException)}
            past = replayed(one.alert, one.rule, known) if len(known) == len(windows) else None
            if past is not None:
                pasts[one.alert.id] = past
        return pasts

    async def _find(self, dues: Sequence[Due]) -> list[Found | BaseException]:
        judgings = [Judging(due.rule, due.alert.project_id, due.end, known_groups(due.alert, due.rule)) for due in dues]
        return await Finder(self._asker).find(judgings)

    def _asker(self, measure: str) -> Asker:
        return Asker(self._warehouse, function=TIMER, measure=measure)

    def _finder(self, project_id: uuid.UUID) -> Finder:
        """Asks for somebody who waits, within what their project may take."""
        return Finder(
            lambda measure: Asker(self._guarded, function=TIMER, measure=measure, project_id=project_id), at_once=2
        )

    async def _note(self, outcomes: Sequence[Outcome], faults: dict[str, Exception]) -> frozenset[uuid.UUID]:
        """Note outcomes and tell of their steps; returns the steps that were not noted before.

        One that the catalog refuses keeps no other waiting: it is a fault of that rule.
        """
        if not outcomes:
            return frozenset()
        try:
            noted = (await self._alerts.save(outcomes)).steps
        except CatalogRefusedError as error:
            if len(outcomes) == 1:
                faults[str(outcomes[0].alert.id)] = error
                return frozenset()
            halves = (outcomes[: len(outcomes) // 2], outcomes[len(outcomes) // 2 :])
            return frozenset().union(*[await self._note(half, faults) for half in halves])
        told = [step.id for one in outcomes for step in one.steps if step.told and step.id in noted]
        try:
            await self._teller.tell(told)
        except UnavailableError as error:
            log.warning("told later", steps=len(told), detail=str(error))
        return noted


def _why(error: BaseException, alert: Alert) -> Judged:
    """Why nobody knows; raises what is a fault of ours."""
    if isinstance(error, UnavailableError):
        return Judged(None, code=Refusal.UNAVAILABLE, detail=str(error))
    if isinstance(error, Rejected):
        return Judged(None, code=error.refusal, detail=error.detail[:_MOST_DETAIL])
    if isinstance(error, WarehouseError):
        log.warning("rule not answered", alert=str(alert.id), detail=str(error))
        return Judged(None, code=Refusal.INTERNAL, detail="the warehouse refused the rule's query")
    raise error
