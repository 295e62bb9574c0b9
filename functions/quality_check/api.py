"""What quality_check offers over HTTP, for the OpenAPI document."""

from functions.quality_check.answers import ACKNOWLEDGE, DICTIONARY, FINDING, FINDINGS, HISTORY, LOOK, QUALITY
from functions.quality_check.asked import (
    Acknowledgement,
    CheckAnswer,
    CheckRequest,
    DraftAnswer,
    DraftRequest,
    EventSchemaAnswer,
    FindingsAnswer,
    FindingsQuery,
    HistoryQuery,
    LookAnswer,
    NewSchema,
    NextVersion,
    QualityAnswer,
    SchemasAnswer,
    SchemasQuery,
    ScoresAnswer,
    TriedAnswer,
    VersionsAnswer,
)
from functions.quality_check.dictionary import DictionaryAnswer, DictionaryEntry, DictionaryQuery, EntryChange
from functions.quality_check.findings import QualityFinding
from functions.quality_check.registry import QualitySettings
from functions.quality_check.schema_answers import CHECK, DRAFT, ONE, SCHEMAS, SETTINGS, TRY, VERSIONS
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]

OPERATIONS = [
    Operation("GET", SCHEMAS, "The schemas of events", answer=SchemasAnswer, query=SchemasQuery),
    Operation("POST", SCHEMAS, "Give an event a schema", answer=EventSchemaAnswer, status=201, body=NewSchema),
    Operation("POST", DRAFT, "A schema that describes what is stored", answer=DraftAnswer, body=DraftRequest),
    Operation("POST", CHECK, "Hold properties against a schema", answer=CheckAnswer, body=CheckRequest),
    Operation("GET", SETTINGS, "What becomes of events that break their schema", answer=QualitySettings),
    Operation("PUT", SETTINGS, "Observe, warn or reject", answer=QualitySettings, body=QualitySettings),
    Operation("GET", ONE, "The schema of an event", answer=EventSchemaAnswer, parameters=_ID),
    Operation(
        "PUT", ONE, "Write the next version of a schema", answer=EventSchemaAnswer, body=NextVersion, parameters=_ID
    ),
    Operation("POST", TRY, "What a next version would break", answer=TriedAnswer, body=NextVersion, parameters=_ID),
    Operation("DELETE", ONE, "Remove a schema with its versions", status=204, parameters=_ID),
    Operation("GET", VERSIONS, "The versions of a schema", answer=VersionsAnswer, parameters=_ID),
    Operation("GET", QUALITY, "The scores of the project's events", answer=QualityAnswer),
    Operation("GET", HISTORY, "Scores day by day", answer=ScoresAnswer, query=HistoryQuery),
    Operation("POST", LOOK, "Check now", answer=LookAnswer),
    Operation("GET", FINDINGS, "What is wrong with what arrives", answer=FindingsAnswer, query=FindingsQuery),
    Operation("GET", FINDING, "One finding", answer=QualityFinding, parameters=_ID),
    Operation(
        "POST", ACKNOWLEDGE, "Say that a finding is known", answer=QualityFinding, body=Acknowledgement, parameters=_ID
    ),
    Operation("GET", DICTIONARY, "Events, or the properties of one", answer=DictionaryAnswer, query=DictionaryQuery),
    Operation("PATCH", DICTIONARY, "Describe an event or property", answer=DictionaryEntry, body=EntryChange),
]
