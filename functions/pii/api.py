"""What pii offers over HTTP, for the OpenAPI document."""

from functions.pii.answers import PREVIEW, RULE, RULES, SCANS, RulesAnswer
from functions.pii.logic import ScanRequest
from functions.pii.rules import KeptRule, RuleRequest, Tried, TryRequest
from shared.jobs import api
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]

OPERATIONS = [
    Operation("GET", RULES, "What is hashed, dropped or cut at ingest", answer=RulesAnswer),
    Operation("POST", RULES, "Hash, drop or cut a property from now on", answer=KeptRule, status=201, body=RuleRequest),
    Operation("GET", RULE, "One PII rule", answer=KeptRule, parameters=_ID),
    Operation("PUT", RULE, "Change a PII rule", answer=KeptRule, body=RuleRequest, parameters=_ID),
    Operation("DELETE", RULE, "Remove a PII rule", status=204, parameters=_ID),
    Operation("POST", PREVIEW, "What the rules make of a sample, before they hold", answer=Tried, body=TryRequest),
    *api.operations(SCANS, "examination for personal data", ScanRequest),
]
