"""What auth offers over HTTP, for the OpenAPI document."""

import re
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from functions.auth.answering import PATH
from functions.auth.app import ADDRESSES, JWKS, OLDER, Address
from functions.auth.models import KeySet
from shared.openapi import Operation
from shared.query.pages import DEFAULT_LIMIT, MAX_LIMIT

_NAMED = re.compile(r"\{(\w+)\}")
_CSRF = {"name": "X-CSRF-Token", "in": "header", "required": False, "schema": {"type": "string"}}
_BY_COOKIE = {"/refresh", "/logout"}
_OF_PAGES: Mapping[str, Mapping[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "cursor": {"type": "string", "format": "uuid"},
}
_QUERY: Mapping[str, list[str]] = {
    "/sessions": ["limit", "cursor"],
    "/oidc/start": ["return_to"],
    "/oidc/callback": ["state", "code", "iss", "error"],
}


def _operation(address: Address, prefix: str) -> Operation:
    body = _body(address)
    return Operation(
        address.method,
        prefix + address.path,
        address.summary,
        answer=_schema(address.answer, "serialization") if address.answer else None,
        status=address.status,
        body={"application/json": _schema(body, "validation")} if body else None,
        parameters=_parameters(address),
        alias_of=PATH + address.path if prefix == OLDER else "",
    )


def _parameters(address: Address) -> list[Mapping[str, Any]]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in _NAMED.findall(address.path)
    ]
    asked = [
        {"name": name, "in": "query", "required": False, "schema": _OF_PAGES.get(name, {"type": "string"})}
        for name in (_QUERY.get(address.path, []) if address.method == "GET" else [])
    ]
    return [*named, *asked, *([_CSRF] if address.path in _BY_COOKIE else [])]


def _body(address: Address) -> type[BaseModel] | None:
    """The model among a handler's arguments."""
    for name, hint in typing.get_type_hints(address.handler).items():
        for one in typing.get_args(hint) or (hint,):
            if name == "body" and isinstance(one, type) and issubclass(one, BaseModel):
                return one
    return None


def _schema(model: type[BaseModel], mode: typing.Literal["validation", "serialization"]) -> dict[str, Any]:
    """The model's JSON schema in one piece."""
    schema = model.model_json_schema(mode=mode)
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(one, parts) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(parts[value["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(one, parts) for name, one in value.items()}


OPERATIONS = [
    *(_operation(address, prefix) for prefix in (PATH, OLDER) for address in ADDRESSES),
    Operation("GET", JWKS, "The public keys that access tokens are checked by", _schema(KeySet, "serialization")),
]
