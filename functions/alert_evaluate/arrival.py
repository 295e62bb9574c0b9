"""Rules that events decide before their windows end: what is certain already need not wait for the minute.

While a window is under way its number can only grow. So a rule that fires above a mark may fire as soon as the number
is there, and one that fires below a mark, or on nothing, is over as soon as it is not: both will be so when the window
has ended, and the tick comes to the same step, under the same ids. Nothing else is decided here: that nothing happened
is not known before the window's end.

The live windows in the cache say cheaply whether it can be worth a question: they count what arrived, repeats and all,
so they are no answer. Where one is incomplete nobody knows, and the tick decides.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.alert_evaluate.conditions import Absence, Threshold
from functions.alert_evaluate.numbers import Found
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.states import WHOLE, Judged, after, change
from functions.alert_evaluate.store import Alert, Outcome
from shared.cache import Cache, CacheUnavailableError, Window

MINUTE = timedelta(minutes=1)


async def worth_asking(alerts: Sequence[Alert], project_id: uuid.UUID, now: datetime, cache: Cache) -> list[Alert]:
    """The rules whose window, the one under way, may have come to what decides it."""
    end = window_end(now)
    # The window before must have been judged: its step would come after ours.
    waiting = [(one, one.parsed) for one in alerts if one.evaluated_to == end - MINUTE and not one.problem_code]
    waiting = [(alert, rule) for alert, rule in waiting if _least(alert, rule) is not None]
    if not waiting:
        return []
    this, longest = _minute(now), max(span(rule.window) for _, rule in waiting)
    try:
        windows = await cache.windows(str(project_id), _minute(end - longest), this, this)
    except CacheUnavailableError:
        return []
    return [
        alert
        for alert, rule in waiting
        if _may_be(rule, _least(alert, rule), windows[-(span(rule.window) // MINUTE) :])
    ]


def window_end(now: datetime) -> datetime:
    """When the window under way ends."""
    return now.replace(second=0, microsecond=0) + MINUTE


def early(alert: Alert, rule: Rule, found: Found, end: datetime) -> Outcome | None:
    """The step that is certain before the window's end; None where nothing is."""
    firing = alert.state == "firing"
    verdict = rule.judge(found[WHOLE].values, firing=firing)
    if verdict.holds == firing or firing == _rises(rule):
        return None
    judged = Judged(verdict.holds, verdict.value)
    now = after(alert.standing, judged, alert.id, end, timedelta())
    step = change(alert.standing, now, alert.id, end)
    return Outcome(alert, {WHOLE: now}, None, now, [step] if step else [], None)


def _rises(rule: Rule) -> bool:
    """Whether more events make the rule fire; otherwise they make it be over."""
    return isinstance(rule.condition, Threshold) and rule.condition.op in {"gt", "gte"}


def _least(alert: Alert, rule: Rule) -> float | None:
    """How many events there must be at least for anything to be certain; None where nothing can be, as it stands."""
    firing, condition = alert.state == "firing", rule.condition
    if firing == _rises(rule):
        return None
    if isinstance(condition, Absence):
        return 1.0
    if not isinstance(condition, Threshold):
        return None
    return max(1.0, condition.value if not firing or condition.recover is None else condition.recover)


def _may_be(rule: Rule, least: float | None, windows: Sequence[Window | None]) -> bool:
    known = [one for one in windows if one is not None]
    if least is None or len(known) < len(windows):
        return False
    names = set(rule.query.events)
    return least <= sum(
        one.rest + sum(count for name, count in one.counts.items() if not names or name in names) for one in known
    )


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
