"""What the gateway offers over HTTP itself, for the OpenAPI document."""

from shared.edge.reference import PAGE, STYLE
from shared.openapi import Operation

OPERATIONS = [
    Operation("GET", PAGE, "This reference as a page for people"),
    Operation("GET", STYLE, "The style of that page"),
]
