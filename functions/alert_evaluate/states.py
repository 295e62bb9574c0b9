"""The states a rule goes through: ok → pending → firing → resolved, as plain values.

Whether a condition holds may be unknown: the warehouse lags or is away, or the rule itself cannot be asked. Then
nothing is decided: what fires goes on firing, what waits goes on waiting, and nobody is told of anything. Each group
of a rule goes through them by itself; a rule without groups is one group, whose name is ''.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.ids import named

State = Literal["ok", "pending", "firing", "resolved"]
Shown = Literal["ok", "pending", "firing", "resolved", "unknown"]
WHOLE = ""
# A group that fires and of which nothing was seen for so long is over: nobody waits for it any more.
SILENT = timedelta(days=7)
_WORST: tuple[State, ...] = ("firing", "pending", "resolved", "ok")


class Judged(msgspec.Struct, frozen=True):
    """One evaluation: the number and whether the condition holds; None where `code` says why nobody knows.

    `seen`: a group has events in the window.
    """

    holds: bool | None
    value: float | None = None
    code: str | None = None
    detail: str | None = None
    seen: bool = True


class Standing(msgspec.Struct, frozen=True):
    """Where a rule or one of its groups stands.

    `pending_since` is the first end of a window for which the condition has held since, `seen` the end of the last
    window that a group had events in.
    """

    state: State = "ok"
    pending_since: datetime | None = None
    incident_id: uuid.UUID | None = None
    value: float | None = None
    problem_code: str | None = None
    problem_detail: str | None = None
    seen: datetime | None = None

    @property
    def shown(self) -> Shown:
        """The state for people: `unknown` where nobody knows, unless it fires."""
        return "unknown" if self.problem_code and self.state != "firing" else self.state


Standings = dict[str, Standing]


class Change(msgspec.Struct, frozen=True):
    """A step from one shown state to another, at the end of a window; `told`: whether anybody is to hear of it."""

    id: uuid.UUID
    group: str
    at: datetime
    before: Shown
    after: Shown
    told: bool
    standing: Standing
    since: datetime | None


def after(
    standing: Standing, judged: Judged, alert_id: uuid.UUID, end: datetime, hold: timedelta, *, group: str = WHOLE
) -> Standing:
    """Where a rule or a group stands after it was judged for the window that ends at `end`."""
    if judged.holds is None:
        return msgspec.structs.replace(standing, problem_code=judged.code, problem_detail=judged.detail)
    seen = end if judged.seen else standing.seen
    if not judged.holds:
        ended = standing.state == "firing"
        incident = standing.incident_id if ended else None
        return Standing("resolved" if ended else "ok", None, incident, judged.value, seen=seen)
    if standing.state == "firing":
        return Standing("firing", standing.pending_since, standing.incident_id, judged.value, seen=seen)
    since = standing.pending_since or end
    if end - since < hold:
        return Standing("pending", since, None, judged.value, seen=seen)
    return Standing("firing", since, _named(alert_id, "incident", end, group), judged.value, seen=seen)


def change(
    before: Standing, now: Standing, alert_id: uuid.UUID, end: datetime, *, group: str = WHOLE, late: bool = False
) -> Change | None:
    """What there is to note of a step; its id is the same whoever takes it.

    `late`: it was found when late events had the window judged again.
    """
    if before.shown == now.shown and before.problem_code == now.problem_code:
        return None
    if (before.shown, now.shown) == ("resolved", "ok"):
        return None
    told = (before.state == "firing") != (now.state == "firing")
    step_id = _named(alert_id, "late change" if late else "change", end, group)
    since = now.pending_since or before.pending_since
    return Change(step_id, group, end, before.shown, now.shown, told, now, since)


def kept(standings: Mapping[str, Standing], top: Iterable[str]) -> Standings:
    """The groups to go on with: those that are the largest, and those that are not ok."""
    largest = set(top)
    return {name: one for name, one in standings.items() if name in largest or one.state != "ok"}


def whole(standings: Mapping[str, Standing]) -> Standing:
    """Where a rule stands whose groups stand so: as the worst of them; its number is how many fire."""
    if not standings:
        return Standing()
    worst = min(standings.values(), key=lambda one: _WORST.index(one.state))
    firing = sum(one.state == "firing" for one in standings.values())
    return Standing(
        worst.state,
        worst.pending_since,
        worst.incident_id,
        float(firing),
        worst.problem_code,
        worst.problem_detail,
    )


def dedup_key(alert_id: uuid.UUID, group: str) -> str:
    """What names the incidents of a rule, or of one of its groups: at most one of them is open at a time."""
    return str(alert_id) if group == WHOLE else f"{alert_id}:{named(alert_id, 'group', group)}"


def _named(alert_id: uuid.UUID, what: str, end: datetime, group: str) -> uuid.UUID:
    parts = [what, end.isoformat(), *([group] if group != WHOLE else [])]
    return named(alert_id, *parts)
