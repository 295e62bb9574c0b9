"""What the addresses of incidents take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from functions.incidents.kept import KeptPolicy
from functions.incidents.maintenance import Window
from functions.incidents.policies import Policy, Severity
from functions.incidents.states import Held, Incident, State, Step, StepKind
from shared.listing import Listed
from shared.query.durations import Duration

Note = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^[^\u0000]*$")]


class IncidentsQuery(Listed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which incidents, the newest first; `unresolved` are those that are open or acknowledged.

    `since`: opened then or later, ISO 8601 with its offset.
    """

    state: Literal["", "open", "acknowledged", "resolved", "unresolved"] = ""
    severity: Literal["", "info", "warning", "error", "critical"] = ""
    rule_id: uuid.UUID | None = None
    since: datetime | None = None


class IncidentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An incident. `held`: who is to be told is told at `next_at` only, because of maintenance or quiet hours.

    `condition`, `value`, `threshold`, `window` and `since` are what its rule said last; `step` is how many steps of its
    policy were taken. Without a policy it is recorded, and its rule has told whom it names.
    """

    id: uuid.UUID
    name: str
    group: str
    severity: Severity
    state: State
    rule_id: uuid.UUID | None
    policy_id: uuid.UUID | None
    dedup_key: str
    snoozed_until: datetime | None
    held: Held
    in_maintenance: bool
    step: int
    next_at: datetime | None
    condition: str
    value: float | None
    threshold: float | None
    window: str
    since: str | None
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None

    @classmethod
    def of(cls, incident: Incident) -> "IncidentAnswer":
        """An incident as people see it."""
        said = msgspec.json.decode(incident.data, type=dict[str, Any])
        same = {name: getattr(incident, name) for name in cls.__struct_fields__ if name in Incident.__struct_fields__}
        return cls(
            **same,
            group=incident.group_name,
            condition=_text(said.get("condition")) or "",
            value=_number(said.get("value")),
            threshold=_number(said.get("threshold")),
            window=_text(said.get("window")) or "",
            since=_text(said.get("since")),
        )


class IncidentsAnswer(msgspec.Struct, frozen=True):
    """Incidents, the newest first; `next_cursor` is null on the last page."""

    items: list[IncidentAnswer]
    next_cursor: str | None


class StepAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the timeline: who (`actor` as `user:<id>`, `key:<id>`, `link`, '' for Sluice itself) did what, why."""

    id: uuid.UUID
    at: datetime
    kind: StepKind
    actor: str
    who: str
    note: str
    data: dict[str, Any]

    @classmethod
    def of(cls, step: Step) -> "StepAnswer":
        """A step as people see it."""
        return cls(**{name: getattr(step, name) for name in cls.__struct_fields__})


class DetailAnswer(msgspec.Struct, frozen=True):
    """An incident with its timeline in the order of time."""

    incident: IncidentAnswer
    timeline: list[StepAnswer]


class NoteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why, if there is something to say."""

    note: Note = ""


class CommentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be said."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=r"^[^\u0000]*$")]


class SnoozeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"hold": "for"}):
    """For how long nobody is to be told, up to 7d, and why."""

    hold: Duration
    note: Note = ""


class PolicyAnswer(msgspec.Struct, frozen=True):
    """A policy as it was written."""

    id: uuid.UUID
    policy: Policy
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, kept: KeptPolicy) -> "PolicyAnswer":
        """A row as people see it."""
        return cls(kept.id, kept.parsed, kept.created_at, kept.updated_at)


class PoliciesAnswer(msgspec.Struct, frozen=True):
    """Policies, the newest first; `next_cursor` is null on the last page."""

    items: list[PolicyAnswer]
    next_cursor: str | None


class WindowAnswer(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from"}):
    """A maintenance window: its first span in UTC, and until when it is on now (`active_until`, null: it is not)."""

    id: uuid.UUID
    name: str
    start: datetime
    to: datetime
    timezone: str
    weekly: bool
    rules: list[uuid.UUID]
    active_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, window: Window, now: datetime) -> "WindowAnswer":
        """A row as people see it."""
        return cls(
            id=window.id,
            name=window.name,
            start=window.starts_at,
            to=window.ends_at,
            timezone=window.timezone,
            weekly=window.weekly,
            rules=window.rules,
            active_until=window.until(now),
            created_at=window.created_at,
            updated_at=window.updated_at,
        )


class WindowsAnswer(msgspec.Struct, frozen=True):
    """Maintenance windows, the newest first; `next_cursor` is null on the last page."""

    items: list[WindowAnswer]
    next_cursor: str | None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
