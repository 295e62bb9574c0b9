"""What query_schema offers over HTTP, for the OpenAPI document."""

from functions.query_schema.logic import (
    EventName,
    NamesQuery,
    PropertiesQuery,
    Property,
    SchemaAnswer,
    Value,
    ValuesQuery,
)
from shared.openapi import Operation

OPERATIONS = [
    Operation(
        "GET",
        "/api/v1/schema/events",
        "Which events there are, and how many",
        answer=SchemaAnswer[EventName],
        query=NamesQuery,
    ),
    Operation(
        "GET",
        "/api/v1/schema/properties",
        "Which properties events have, of which types, with examples",
        answer=SchemaAnswer[Property],
        query=PropertiesQuery,
    ),
    Operation(
        "GET",
        "/api/v1/schema/values",
        "Which values a property or column has, and how often",
        answer=SchemaAnswer[Value],
        query=ValuesQuery,
    ),
]
