"""The states a rule goes through: ok → pending → firing → resolved, as plain values.

Whether a condition holds may be unknown: the warehouse lags or is away, or the rule itself cannot be asked. Then
nothing is decided: what fires goes on firing, what waits goes on waiting, and nobody is told of anything.
"""

import uuid
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.ids import named

State = Literal["ok", "pending", "firing", "resolved"]
Shown = Literal["ok", "pending", "firing", "resolved", "unknown"]


class Judged(msgspec.Struct, frozen=True):
    """One evaluation: the number and whether the condition holds; None where `code` says why nobody knows."""

    holds: bool | None
    value: float | None = None
    code: str | None = None
    detail: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Where a rule stands. `pending_since` is the first end of a window for which the condition has held since."""

    state: State = "ok"
    pending_since: datetime | None = None
    incident_id: uuid.UUID | None = None
    value: float | None = None
    problem_code: str | None = None
    problem_detail: str | None = None

    @property
    def shown(self) -> Shown:
        """The state for people: `unknown` where nobody knows, unless it fires."""
        return "unknown" if self.problem_code and self.state != "firing" else self.state


class Change(msgspec.Struct, frozen=True):
    """A step from one shown state to another; `told`: whether anybody is to hear of it."""

    id: uuid.UUID
    before: Shown
    after: Shown
    told: bool


def after(standing: Standing, judged: Judged, alert_id: uuid.UUID, end: datetime, hold: timedelta) -> Standing:
    """Where a rule stands after it was judged for the window that ends at `end`."""
    if judged.holds is None:
        return msgspec.structs.replace(standing, problem_code=judged.code, problem_detail=judged.detail)
    if not judged.holds:
        ended = standing.state == "firing"
        return Standing("resolved" if ended else "ok", None, standing.incident_id if ended else None, judged.value)
    if standing.state == "firing":
        return Standing("firing", standing.pending_since, standing.incident_id, judged.value)
    since = standing.pending_since or end
    if end - since < hold:
        return Standing("pending", since, None, judged.value)
    return Standing("firing", since, named(alert_id, "incident", end.isoformat()), judged.value)


def change(before: Standing, now: Standing, alert_id: uuid.UUID, end: datetime) -> Change | None:
    """What there is to note of a step; its id is the same whoever takes it."""
    if before.shown == now.shown and before.problem_code == now.problem_code:
        return None
    if (before.shown, now.shown) == ("resolved", "ok"):
        return None
    told = (before.state == "firing") != (now.state == "firing")
    return Change(named(alert_id, "change", end.isoformat()), before.shown, now.shown, told)
