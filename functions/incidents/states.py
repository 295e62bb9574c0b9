"""What becomes of an incident (open → acknowledged → resolved, snoozed for a while) as plain values.

A `Move` is one thing that happened: the incident after it, its step in the timeline, and who is to hear of it. The
store writes all of it or nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from functions.incidents.policies import Policy, Severity
from shared.ids import named, uuid7
from shared.notifications import Language

State = Literal["open", "acknowledged", "resolved"]
Held = Literal["", "maintenance", "quiet"]
NoticeKind = Literal["opened", "escalated", "resolved"]
StepKind = Literal[
    "opened", "fired_again", "notified", "held", "acknowledged", "snoozed", "snooze_ended", "resolved", "commented"
]
# Of one step; then it is said no more.
MOST_REPEATS = 100


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `incidents`. `step`: how many steps of the policy were taken, the last of them at `step_at`.

    `data` is the JSON of what the rule said last, of which `source_id` is the rule's own incident.
    """

    id: uuid.UUID
    project_id: uuid.UUID
    rule_id: uuid.UUID | None
    dedup_key: str
    name: str
    group_name: str
    severity: Severity
    policy_id: uuid.UUID | None
    state: State
    snoozed_until: datetime | None = None
    held: Held = ""
    in_maintenance: bool = False
    data: str
    source_id: uuid.UUID
    source_at: datetime
    step: int = 0
    step_at: datetime | None = None
    repeats: int = 0
    next_at: datetime | None = None
    version: int = 1
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None


class By(NamedTuple):
    """Who did something: `actor` as `user:<id>`, `key:<id>`, `link` or '' for ourselves, and how people call them."""

    actor: str = ""
    who: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the timeline: who did what, when and why."""

    id: uuid.UUID
    at: datetime
    kind: StepKind
    actor: str = ""
    who: str = ""
    note: str = ""
    data: Mapping[str, Any] = {}


class Notice(NamedTuple):
    """Who is to hear of it."""

    kind: NoticeKind
    emails: Sequence[str]
    channels: Sequence[uuid.UUID]
    language: Language


class Move(NamedTuple):
    """One thing that happened. `drops`: what waits to be told is of no interest any more.

    `tell_at`: since when the notice waits, or will, where that is another time than the step's.
    """

    incident: Incident
    step: Step | None = None
    notice: Notice | None = None
    drops: bool = False
    tell_at: datetime | None = None


class Hold(NamedTuple):
    """Nobody is told until then, and why."""

    why: Held
    until: datetime


def escalated(incident: Incident, policy: Policy | None, now: datetime, hold: Hold | None) -> Move | None:
    """What is due of an incident at `now`; None where nothing is."""
    if incident.next_at is None or incident.next_at > now:
        return None
    if incident.state == "resolved":
        return Move(_still(incident))
    if incident.snoozed_until is not None:
        return _snooze_ended(incident, now)
    if incident.state == "acknowledged" or policy is None:
        return Move(_still(incident))
    if hold is not None:
        kept = msgspec.structs.replace(incident, held=hold.why, next_at=hold.until)
        step = _step("held", now, data={"why": hold.why, "until": hold.until.isoformat()})
        return Move(kept, step if hold.why != incident.held else None)
    return _told(incident, policy, now)


def _told(incident: Incident, policy: Policy, now: datetime) -> Move:
    """The next step of the policy, or once more the one before."""
    taken = min(incident.step, len(policy.steps))
    following = policy.steps[taken] if taken < len(policy.steps) else None
    kind: NoticeKind = "escalated"
    due = incident.step_at is None or (following is not None and now >= incident.step_at + following.wait)
    if following is not None and (taken == 0 or due):
        after = msgspec.structs.replace(incident, held="", step=taken + 1, step_at=now, repeats=0)
        telling, kind = following, "opened" if taken == 0 else kind
    elif incident.repeats < MOST_REPEATS and policy.steps[taken - 1].repeat is not None:
        after = msgspec.structs.replace(incident, held="", step=taken, repeats=incident.repeats + 1)
        telling = policy.steps[taken - 1]
    else:
        return Move(_still(incident))
    after = msgspec.structs.replace(after, next_at=_next(after, policy, now))
    recipients = {"emails": list(telling.emails), "channels": [str(one) for one in telling.channels]}
    step = _step("notified", now, data={"step": after.step, "repeat": after.repeats, **recipients})
    notice = Notice(kind, telling.emails, telling.channels, policy.language)
    return Move(after, step, notice, tell_at=incident.next_at)


def _next(incident: Incident, policy: Policy, now: datetime) -> datetime | None:
    moments = []
    if incident.step < len(policy.steps) and incident.step_at is not None:
        moments.append(incident.step_at + policy.steps[incident.step].wait)
    pause = policy.steps[incident.step - 1].pause
    if pause is not None and incident.repeats < MOST_REPEATS:
        moments.append(now + pause)
    return min(moments, default=None)


def _snooze_ended(incident: Incident, now: datetime) -> Move:
    """Open again, and told from the first step on."""
    again = msgspec.structs.replace(
        incident,
        state="open",
        snoozed_until=None,
        acknowledged_at=None,
        acknowledged_by="",
        step=0,
        step_at=None,
        repeats=0,
        next_at=now if incident.policy_id is not None else None,
    )
    return Move(again, _step("snooze_ended", now))


def begins(policy: Policy | None, now: datetime) -> datetime | None:
    """When somebody is to be told first of an incident that opens now; None without a policy."""
    return now + policy.steps[0].wait if policy is not None else None


def acknowledged(incident: Incident, by: By, now: datetime, note: str = "") -> Move:
    """Somebody has taken it on: nobody else is told. A snooze is over by it."""
    after = msgspec.structs.replace(
        _still(incident),
        state="acknowledged",
        snoozed_until=None,
        acknowledged_at=now,
        acknowledged_by=by.who or by.actor,
    )
    return Move(after, _step("acknowledged", now, by, note), drops=True)


def snoozed(incident: Incident, until: datetime, by: By, now: datetime, note: str = "") -> Move:
    """Nobody is told until then; where it is still open then, everybody from the first step on."""
    after = msgspec.structs.replace(incident, snoozed_until=until, held="", next_at=until)
    step = _step("snoozed", now, by, note, data={"until": until.isoformat()})
    return Move(after, step, drops=True)


def resolved(incident: Incident, step: Step, notice: Notice | None, *, tell_at: datetime | None = None) -> Move:
    """It is over, as `step` says; `notice` is for all who were told of it, not before `tell_at`."""
    after = msgspec.structs.replace(_still(incident), state="resolved", snoozed_until=None, resolved_at=step.at)
    return Move(after, step, notice, drops=True, tell_at=tell_at)


def commented(incident: Incident, by: By, now: datetime, note: str) -> Move:
    """Somebody said something about it."""
    return Move(incident, _step("commented", now, by, note))


def fired_again(incident: Incident, now: Incident, step: Step) -> Move:
    """Its rule fires once more while it is open, as it would open `now`; what was said last counts."""
    if now.source_at < incident.source_at:
        return Move(incident, step)
    said = {name: getattr(now, name) for name in ("name", "severity", "data", "source_id", "source_at")}
    return Move(msgspec.structs.replace(incident, **said), step)


def _still(incident: Incident) -> Incident:
    return msgspec.structs.replace(incident, held="", next_at=None)


def _step(
    kind: StepKind,
    at: datetime,
    by: By | None = None,
    note: str = "",
    *,
    data: Mapping[str, Any] | None = None,
) -> Step:
    actor, who = by or By()
    return Step(id=uuid7(), at=at, kind=kind, actor=actor, who=who, note=note, data=data or {})


def signal_step_id(project_id: uuid.UUID, event_id: str, dedup_key: str) -> uuid.UUID:
    """The id of the step that an event makes: the same however often it comes."""
    return named(project_id, "signal", event_id, dedup_key)
