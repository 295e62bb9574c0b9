"""Late events: windows that were judged before all of their events had come are judged again.

A late event that is still in a rule's window is counted with the next one anyway. One that is older makes the windows
that held it be judged again, as far back as LATE. What they come to is told where nobody was told of anything since: a
spike that came late is a spike. What has fired is left alone, it was told when it was so for all that was known.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from functions.alert_evaluate.conditions import Funnel
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.store import Alert
from shared.query.ask import Asker
from shared.query.parameters import Parameters
from shared.query.scope import read_sql

MINUTE = timedelta(minutes=1)
# How far back.
LATE = timedelta(minutes=15)
_AT_ONCE = 200
_FOLDER = Path(__file__).parent


class Late(NamedTuple):
    """A rule whose windows with these ends are to be judged again, in order."""

    alert: Alert
    rule: Rule
    ends: Sequence[datetime]


def may_be_late(alert: Alert, rule: Rule, end: datetime) -> bool:
    """Whether late events could make a rule fire for a window before this one: it was judged for that, and was ok.

    A window that is as long as we look back holds them still.
    """
    judged_before = alert.evaluated_to == end - MINUTE and alert.state in {"ok", "resolved"}
    simple = rule.query.group_by is None and not isinstance(rule.condition, Funnel)
    return judged_before and simple and span(rule.window) < LATE


async def earliest(project_ids: Iterable[uuid.UUID], end: datetime, asker: Asker) -> dict[uuid.UUID, datetime]:
    """Of which projects late events came in the minute that ended there, and when the earliest of them happened.

    Raises as Asker.ask does.
    """
    ids = sorted(str(one) for one in project_ids)
    found: dict[uuid.UUID, datetime] = {}
    for first in range(0, len(ids), _AT_ONCE):
        parameters = Parameters()
        sql = read_sql(
            _FOLDER,
            "late",
            projects=parameters.bind("Array(UUID)", ids[first : first + _AT_ONCE]),
            start=parameters.bind("DateTime64(6, 'UTC')", _text(end - LATE)),
            last=parameters.bind("DateTime64(6, 'UTC')", _text(end - MINUTE)),
        )
        for project_id, moment in (await asker.ask(sql, parameters.values)).rows:
            found[uuid.UUID(str(project_id))] = moment.replace(tzinfo=UTC)
    return found


def again(candidates: Iterable[tuple[Alert, Rule]], late: Mapping[uuid.UUID, datetime], end: datetime) -> list[Late]:
    """Which windows of which rules are to be judged again."""
    found = []
    for alert, rule in candidates:
        moment = late.get(alert.project_id)
        if moment is None or moment >= end - span(rule.window):
            continue
        first = moment.replace(second=0, microsecond=0) + MINUTE
        ends = [first + number * MINUTE for number in range((end - first) // MINUTE)]
        found.append(Late(alert, rule, ends))
    return found


def _text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))
