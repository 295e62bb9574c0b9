"""What callers ask of segments, and what they are answered."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from functions.segment.presets import PRESETS
from shared.query.buckets import Interval
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.query.segment_rules import Condition, check_size, refused
from shared.refusals import Refusal, Rejected

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Description = Annotated[str, msgspec.Meta(max_length=2_000)]
Kind = Literal["dynamic", "static"]
Format = Literal["json", "csv", "ndjson"]
MOST_EXPORTED = 100_000


class SegmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A segment to make or to write anew: a `definition`, or a `preset` to begin with."""

    name: Name
    description: Description = ""
    definition: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    preset: str | None = None

    def condition(self) -> Condition:
        """The definition; refuses none, both, or one that cannot be read (`bad_segment`)."""
        if self.preset is not None:
            if isinstance(self.definition, msgspec.Raw):
                raise refused("give `definition` or `preset`, not both")
            if self.preset not in PRESETS:
                raise refused(f"`preset` {self.preset!r} is none of {', '.join(PRESETS)}")
            return PRESETS[self.preset].definition
        if not isinstance(self.definition, msgspec.Raw):
            raise refused("give a `definition`, or the `preset` to begin with")
        return read_condition(bytes(self.definition))


class PreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition to try out."""

    definition: msgspec.Raw


_PLACE = re.compile(r" - at `\$(.*)`$")


def read_condition(text: bytes) -> Condition:
    """A definition; refuses what is none, with its place in it (`bad_segment`)."""
    try:
        found: Condition = msgspec.json.decode(text, type=Condition)
    except (msgspec.ValidationError, RecursionError) as error:
        place = _PLACE.search(str(error))
        where = f"`definition{place[1] if place else ''}`"
        raise refused(
            f"{where}: {_PLACE.sub('', str(error))}; docs/segments.md lists what a condition takes"
        ) from error
    check_size(found)
    return found


class UploadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands in the address of an upload: whose ids they are, and what becomes of lines that are none."""

    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    description: Description = ""
    ids: Literal["user_id", "anonymous_id"] = "user_id"
    on_error: Literal["refuse", "skip"] = "refuse"


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no id, counted from 1, and why."""

    line: int
    reason: str


class SegmentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A segment; `size` is how many were in it at `seen_at`, null before anybody looked or where they are too many."""

    id: uuid.UUID
    name: str
    description: str
    kind: Kind
    definition: Condition | None
    version: int
    size: int | None
    seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


class UploadedAnswer(msgspec.Struct, frozen=True):
    """A static segment after an upload: ids on its list, lines that were repeats, and the first that were none."""

    segment: SegmentAnswer
    listed: int
    repeated: int
    skipped: int
    lines: list[BadLine]


class SegmentsAnswer(msgspec.Struct, frozen=True):
    """Segments, the newest first; `next_cursor` is null on the last page."""

    items: list[SegmentAnswer]
    next_cursor: str | None


class SizeQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """How many are in it: now, or at the end of each interval of a range."""

    start: str | None = None
    end: str | None = None
    interval: Interval = "day"
    timezone: str | None = None

    def ranged(self) -> tuple[str, str] | None:
        """The range, None for now; refuses half of one (`bad_range`)."""
        if self.start is None and self.end is None:
            return None
        if self.start is None or self.end is None:
            raise Rejected(Refusal.BAD_RANGE, "give `from` and `to`, or neither for the size now")
        return self.start, self.end


class SizePoint(msgspec.Struct, frozen=True):
    """The size at the end of the interval that begins at `time`; it was asked `as_of` that moment."""

    time: str
    as_of: str
    size: int


class SizeAnswer(msgspec.Struct, frozen=True):
    """How many are in a segment at a moment, of how many people there are, and over time where that was asked."""

    size: int
    of_people: int
    share: float | None
    as_of: str
    points: list[SizePoint]
    exact: bool
    took_ms: float
    rows_read: int


class MembersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of members in the order of their ids; up to 100,000 as csv or ndjson."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_EXPORTED)] = DEFAULT_LIMIT
    cursor: str = ""
    format: Format = "json"


class Member(msgspec.Struct, frozen=True):
    """A person: `person` is what queries call them, with the id it is made of."""

    person: str
    user_id: str | None
    anonymous_id: str | None


class MembersAnswer(msgspec.Struct, frozen=True):
    """Members at a moment, which all pages share; `next_cursor` is null on the last page."""

    items: list[Member]
    next_cursor: str | None
    as_of: str


class OverlapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two to five segments to compare."""

    segments: Annotated[list[uuid.UUID], msgspec.Meta(min_length=2, max_length=5)]


class OverlapPart(msgspec.Struct, frozen=True):
    """How many people are in exactly these of the segments, and in none of the others."""

    segments: list[uuid.UUID]
    people: int


class OverlapAnswer(msgspec.Struct, frozen=True):
    """Each segment's size, how many are in any and in all of them, and in each combination that somebody is in."""

    sizes: dict[str, int]
    any: int
    all: int
    parts: list[OverlapPart]
    as_of: str


class ListedSegments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of segments, the newest first."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""
