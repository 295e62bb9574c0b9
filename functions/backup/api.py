"""What backup offers over HTTP, for the OpenAPI document."""

from functions.backup.answers import BACKUPS, ONE, Begun, CopiesAnswer, CopiesQuery
from shared.backups.records import Copy
from shared.openapi import Operation

_NAMED = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]

OPERATIONS = [
    Operation("GET", BACKUPS, "Copies of the instance, the newest first", answer=CopiesAnswer, query=CopiesQuery),
    Operation("POST", BACKUPS, "Make a copy of the instance", answer=Begun, status=202),
    Operation("GET", ONE, "One copy: state, until when it holds everything, how large", answer=Copy, parameters=_NAMED),
    Operation("DELETE", ONE, "Remove a copy", answer=Copy, parameters=_NAMED),
]
