"""What the workspace offers over HTTP, for the OpenAPI document."""

import re
from typing import Any

from functions.workspace.address import Address
from functions.workspace.logic import ADDRESSES
from shared.openapi import Operation

_NAMED = re.compile(r"\{(\w+)\}")
_TEXTS = {"token", "widget_id"}
_REPEATABLE = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
_VERSIONED = {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _parameters(address: Address) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _schema(name)} for name in _NAMED.findall(address.path)
    ]
    if address.repeatable:
        found.append(_REPEATABLE)
    if address.versioned:
        found.append(_VERSIONED)
    return found


def _schema(name: str) -> dict[str, str]:
    return {"type": "string"} if name in _TEXTS else {"type": "string", "format": "uuid"}


OPERATIONS = [
    Operation(
        address.method,
        address.path,
        address.summary,
        answer=address.answer,
        status=address.status,
        body=address.body,
        query=address.query,
        parameters=_parameters(address),
        alias_of=address.alias_of,
    )
    for address in ADDRESSES
]
