"""What callers ask about sessions, and what they are answered."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from shared.query.acts import bad
from shared.query.buckets import Interval
from shared.query.durations import Duration, seconds
from shared.query.filters import Filter
from shared.query.groups import DEFAULT_GROUPS, MAX_GROUPS
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.query.sessions import SessionPlan
from shared.refusals import Refusal, Rejected

PATH = "/api/v1/query/sessions"
PEOPLE = f"{PATH}/people"
LIST = "/api/v1/sessions"
SETTINGS = "/api/v1/sessions/settings"
MAX_FIELDS = 3
LEAST_GAP, LONGEST_GAP = 60, 86_400
# Lower ends of the steps in which durations are counted, in seconds.
STEPS = (0, 1, 10, 30, 60, 180, 600, 1_800, 3_600)


class SessionFiguresQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """What a caller asks of the sessions that begin within a range; `gap` is the project's where it is not given."""

    start: str
    end: str
    by: str | list[str] | None = None
    group_by: str | list[str] | None = None
    interval: Interval | None = None
    events: list[str] = []
    filters: list[Filter] = []
    gap: Duration | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)] = DEFAULT_GROUPS
    timezone: str | None = None
    explain: bool = False

    def fields(self) -> list[str]:
        """The names to break down by; refuses too many, or both spellings at once (`bad_request`)."""
        if self.by is not None and self.group_by is not None:
            raise Rejected(Refusal.BAD_REQUEST, "give `by` or its other name `group_by`, not both")
        given = self.group_by if self.by is None else self.by
        names = [given] if isinstance(given, str) else given or []
        if len(names) > MAX_FIELDS or (given is not None and not names):
            raise Rejected(Refusal.BAD_REQUEST, f"`by` names one field or a list of 1 to {MAX_FIELDS}")
        return names

    @property
    def by_one(self) -> bool:
        return isinstance(self.group_by if self.by is None else self.by, str)


class SessionPeopleQuery(
    SessionFiguresQuery,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """Whose sessions a number counts: of those that begin in the range, only those that all of these name.

    `group`: a text or null for each field of `by`. `time`: the begin of one of the `points`. `took`: sessions that last
    at least so many seconds and fewer than so many, null for any number. `bounced`: those of one event, or of several.
    """

    group: list[str | None] = []
    time: str | None = None
    took: tuple[Annotated[int, msgspec.Meta(ge=0)], int | None] | None = None
    bounced: bool | None = None
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def check(self) -> None:
        """Refuse what names no number (`bad_question`)."""
        if self.group and len(self.group) != len(self.fields()):
            raise bad(f"`group` has {len(self.group)}: give a text or null for each field of `by`")
        if self.time is not None and self.interval is None:
            raise bad("`time` is the begin of one of the `points`: give their `interval`, too")


class SessionListQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """A page of sessions, the newest first; without `from` those of the last 30 days, without `to` up to now."""

    start: str = ""
    end: str = ""
    events: list[str] = []
    filters: list[Filter] = []
    gap: Duration | None = None
    timezone: str | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of sessions; durations in seconds, null where there is no session."""

    sessions: int = 0
    people: int = 0
    events: int = 0
    bounced: int = 0
    bounce_rate: float | None = None
    events_per_session: float | None = None
    duration_mean: float | None = None
    duration_p50: float | None = None
    duration_p90: float | None = None
    duration_p95: float | None = None
    active_mean: float | None = None


class SessionsRow(msgspec.Struct, frozen=True):
    """One group; its key as in a breakdown."""

    key: str | list[str | None] | None
    summary: Summary


class SessionsPoint(msgspec.Struct, frozen=True):
    """The sessions that begin in one interval, which begins at `time`."""

    time: str
    summary: Summary


class Step(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """How many sessions last from so many seconds to fewer than so many; the last step has no end."""

    start: int
    end: int | None
    sessions: int


class SessionsAnswer(msgspec.Struct, frozen=True):
    """Sessions that begin within the range, each whole; `other` is how many are in no row."""

    total: Summary
    durations: list[Step]
    rows: list[SessionsRow]
    other: int
    points: list[SessionsPoint]
    incomplete_from: str | None
    gap_seconds: int
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: SessionPlan


class SessionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A session; `id` is that of its first event, `open` says that another event could still go on with it."""

    id: str
    person: str | None
    session_id: str | None
    started: str
    ended: str
    open: bool
    duration: float
    active: int
    events: int
    bounced: bool
    entry_page: str | None
    exit_page: str | None
    channel: str | None
    referrer_domain: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    country: str | None
    device: str | None
    browser: str | None
    os: str | None


SHOWN: Sequence[str] = SessionItem.__struct_fields__[-9:]


class SessionListAnswer(msgspec.Struct, frozen=True):
    """A page of sessions, the newest first; `next_cursor` is null on the last page."""

    items: list[SessionItem]
    next_cursor: str | None
    gap_seconds: int
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: SessionPlan


def gap_of(given: Duration | None, own: int) -> int:
    """The gap in seconds; refuses one that is shorter than a minute or longer than a day (`bad_request`)."""
    gap = own if given is None else seconds(given)
    if not LEAST_GAP <= gap <= LONGEST_GAP:
        raise Rejected(Refusal.BAD_REQUEST, f"`gap` {given} is not from 1m to 24h")
    return gap
