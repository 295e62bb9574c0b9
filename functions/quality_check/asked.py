"""What the addresses of schemas and quality take and give; those of the dictionary are in dictionary.py."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from functions.quality_check.compatibility import Compatibility, SchemaBreak
from functions.quality_check.findings import QualityFinding
from functions.quality_check.registry import EventName, KeptVersion, Note, SchemaVersion
from shared.listing import Listed
from shared.query.pages import DEFAULT_LIMIT, MAX_LIMIT
from shared.schemas import Mode


class NewSchema(SchemaVersion, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first schema of an event; without `compatibility` it promises `backward`."""

    event: EventName


class NextVersion(SchemaVersion, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The next version of a schema."""


class SchemasQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of schemas by the names of their events, or the one of `event`; `cursor` as in every list."""

    event: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: str = ""


class EventSchemaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The schema of an event: its newest version, and what the next ones promise."""

    id: uuid.UUID
    event: str
    version: int
    compatibility: Compatibility
    schema: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class SchemasAnswer(msgspec.Struct, frozen=True):
    """Schemas by the names of their events; `next_cursor` is null on the last page."""

    items: list[EventSchemaAnswer]
    next_cursor: str | None
    mode: Mode


class VersionsAnswer(msgspec.Struct, frozen=True):
    """The versions of a schema, the newest first."""

    items: list[KeptVersion]


class TriedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a next version would be: `breaks` is what keeps it from being written."""

    compatible: bool
    breaks: list[SchemaBreak]
    compatibility: Compatibility


class DraftRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of which event a schema is wanted, and of what: so many events at most of the last days."""

    event: EventName
    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7
    rows: Annotated[int, msgspec.Meta(ge=1, le=5_000)] = 1_000


class DraftAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A schema that describes what is stored, of how many events; nothing is kept."""

    event: str
    schema: dict[str, Any]
    rows: int


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Properties, and what they are to be held against: the event's own schema, or one that is given."""

    event: EventName
    properties: dict[str, Any]
    schema: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class SchemaViolation(msgspec.Struct, frozen=True):
    """What of the properties is not as the schema says: where, by which keyword of it, and how."""

    path: str
    keyword: str
    detail: str


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the properties are as the schema says; `version` is null for one that was given."""

    valid: bool
    violations: list[SchemaViolation]
    version: int | None


class EventScore(msgspec.Struct, frozen=True, kw_only=True):
    """An event on a day: its score of 100, what each kind of finding took off, and how many there were."""

    event: str
    day: date
    score: float
    volume: int
    penalties: dict[str, float]
    findings: int


class QualityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the project stands: the mean of its events' scores, and each of them on its last day, the worst first.

    `score` is null where nothing was checked yet, `checked` the day it is of.
    """

    score: float | None
    checked: date | None
    items: list[EventScore]
    open: int
    unacknowledged: int
    mode: Mode


class FindingsQuery(Listed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of findings, the newest first."""

    state: Literal["open", "closed", "all"] = "open"
    event: str = ""


class FindingsAnswer(msgspec.Struct, frozen=True):
    """Findings, the newest first; `next_cursor` is null on the last page."""

    items: list[QualityFinding]
    next_cursor: str | None


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody has to say of a finding they know of."""

    note: Note = ""


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The scores of the last days, of all events or one."""

    event: str = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 30


class DayScore(msgspec.Struct, frozen=True):
    """A day: the mean score of its events, or that of the one asked for, and how many events there were."""

    day: date
    score: float
    volume: int
    penalties: dict[str, float]


class ScoresAnswer(msgspec.Struct, frozen=True):
    """Scores by day, the oldest first; days without any are left out."""

    event: str
    items: list[DayScore]


class LookAnswer(msgspec.Struct, frozen=True):
    """A check is done: so many days had changed and were read anew."""

    days: int
