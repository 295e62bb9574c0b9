"""What segment offers over HTTP, for the OpenAPI document."""

import msgspec

from functions.segment.answers import (
    LIST,
    LISTS,
    MEMBERS,
    ONE,
    OVERLAP,
    PRESETS_PATH,
    PREVIEW,
    SEGMENTS,
    SIZE,
)
from functions.segment.asked import (
    Description,
    ListedSegments,
    MembersAnswer,
    MembersQuery,
    Name,
    OverlapAnswer,
    OverlapBody,
    SegmentAnswer,
    SegmentsAnswer,
    SizeAnswer,
    SizeQuery,
    UploadedAnswer,
    UploadQuery,
)
from functions.segment.presets import Preset
from shared.openapi import Operation
from shared.query.segment_rules import Condition

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]
_LINES = {"text/plain": {"type": "string", "description": "One id a line, UTF-8."}}


class SegmentDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A segment to make or to write anew: a `definition`, or a `preset` to begin with."""

    name: Name
    description: Description = ""
    definition: Condition | None = None
    preset: str | None = None


class Tried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition to try out."""

    definition: Condition


OPERATIONS = [
    Operation("POST", SEGMENTS, "Make a segment", answer=SegmentAnswer, status=201, body=SegmentDefinition),
    Operation("GET", SEGMENTS, "The segments", answer=SegmentsAnswer, query=ListedSegments),
    Operation(
        "POST", LISTS, "Make a segment of an uploaded list", answer=UploadedAnswer, status=201, query=UploadQuery
    ),
    Operation("POST", PREVIEW, "How many people a definition holds of", answer=SizeAnswer, body=Tried),
    Operation("GET", PRESETS_PATH, "Definitions to begin with", answer=list[Preset]),
    Operation("POST", OVERLAP, "What segments have in common", answer=OverlapAnswer, body=OverlapBody),
    Operation("GET", ONE, "One segment", answer=SegmentAnswer, parameters=_ID),
    Operation("PUT", ONE, "Write a segment anew", answer=SegmentAnswer, body=SegmentDefinition, parameters=_ID),
    Operation("DELETE", ONE, "Remove a segment", status=204, parameters=_ID),
    Operation("PUT", LIST, "Its list anew", answer=UploadedAnswer, body=_LINES, query=UploadQuery, parameters=_ID),
    Operation("GET", SIZE, "How many are in it, now or over time", answer=SizeAnswer, query=SizeQuery, parameters=_ID),
    Operation("GET", MEMBERS, "Who is in it", answer=MembersAnswer, query=MembersQuery, parameters=_ID),
]
