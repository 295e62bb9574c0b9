"""What notify offers over HTTP, for the OpenAPI document."""

from functions.notify.pages import MAIL, MAILS
from shared.openapi import Operation

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}

OPERATIONS = [
    Operation("GET", MAILS, "The mails that were kept instead of sent; only on a laptop, a page for people"),
    Operation("GET", MAIL, "One of them", parameters=[_ID]),
]
