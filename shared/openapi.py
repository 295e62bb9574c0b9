"""The OpenAPI document, made from the wiring table and the types the functions decode and encode.

A function folder's api.py lists its `Operation`s; the schemas come from the msgspec types themselves, so the document
cannot say other fields than the code takes. A test holds the paths against the wiring table.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shared.refusals import Refusal
from shared.security.matrix import ROUTES, who
from shared.wiring import Wiring

FILE = Path("docs/openapi.json")
"""Where the document is, from the repository's root; `task docs` writes it."""

_REF = "#/components/schemas/{name}"
_LISTS_IN_ADDRESS = {"style": "form", "explode": False}


class Operation(NamedTuple):
    """One method of one path.

    `body` is the type of a JSON body, or by content type what is taken: a type, a schema, or a tuple of types any of
    which fits; `query` a type whose fields are the address's parameters; `answer` the type of the answer's JSON, or its
    schema, None where there is none. `parameters` are further ones as OpenAPI writes them, those of the path among
    them. `alias_of` names the path an old client's path stands for.
    """

    method: str
    path: str
    summary: str
    answer: Any = None
    status: int = 200
    body: Any = None
    query: Any = None
    parameters: Sequence[Mapping[str, Any]] = ()
    alias_of: str = ""


class Problem(msgspec.Struct):
    """What every error answers (RFC 9457): `code` is stable, `detail` says what to change."""

    type: str
    title: str
    status: int
    code: Refusal
    detail: str = ""
    request_id: str = ""


def operations(wiring: Wiring) -> list[Operation]:
    """What the functions offer over HTTP, in the order of the wiring table."""
    found: list[Operation] = []
    for row in wiring.functions:
        if row.http:
            found.extend(importlib.import_module(f"functions.{row.name}.api").OPERATIONS)
    return found


def document(found: Sequence[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations."""
    types = [Problem, *_types(found)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(map(_identity, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in found:
        described = _described(operation, schema_of, components)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sluice", "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],  # wherever the document was fetched
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"key": []}, {"bearer": []}, {"basic": []}],
    }


def _identity(wanted: Any) -> str:
    return repr(wanted)


def _types(found: Sequence[Operation]) -> list[Any]:
    wanted: dict[str, Any] = {}
    for operation in found:
        for one in (operation.answer, operation.query, *_alternatives(operation.body)):
            if one is not None and not isinstance(one, Mapping):
                wanted[_identity(one)] = one
    return list(wanted.values())


def _alternatives(body: Any) -> Iterator[Any]:
    """The types in a body, however they were given."""
    for given in body.values() if isinstance(body, Mapping) else [body]:
        if isinstance(given, tuple):
            yield from given
        elif not isinstance(given, Mapping):
            yield given


def _described(operation: Operation, schema_of: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "done"}
    if operation.answer is not None:
        answer["content"] = {"application/json": {"schema": _taken(operation.answer, schema_of)}}
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()} {operation.path}",
        "summary": operation.summary,
        "parameters": [*operation.parameters, *_in_address(operation.query, schema_of, components)],
        "responses": {
            str(operation.status): answer,
            "default": {
                "description": "refused; `code` says why",
                "content": {"application/problem+json": {"schema": schema_of[_identity(Problem)]}},
            },
        },
    }
    described.update(_guarded(operation))
    if operation.alias_of:
        described["description"] = f"The same as {operation.alias_of}, for older clients."
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _contents(operation.body, schema_of)}
    return described


def _guarded(operation: Operation) -> dict[str, Any]:
    """What the operation asks of whoever calls it, by the authorisation matrix; `x-roles` and `x-scopes` are enough."""
    guard = ROUTES.get((operation.method, operation.path))
    if guard is None:
        return {}
    roles, scopes = who(guard)
    if not roles and not scopes:
        return {"security": []}
    asked: dict[str, Any] = {"x-roles": roles, "x-scopes": scopes}
    return asked if scopes else {"security": [{"bearer": []}], **asked}


def _contents(body: Any, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    by_type = body if isinstance(body, Mapping) else {"application/json": body}
    return {content_type: {"schema": _taken(given, schema_of)} for content_type, given in by_type.items()}


def _taken(given: Any, schema_of: Mapping[str, Any]) -> Any:
    if isinstance(given, Mapping):
        return given
    if isinstance(given, tuple):
        return {"anyOf": [schema_of[_identity(one)] for one in given]}
    return schema_of[_identity(given)]


def _in_address(query: Any, schema_of: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of a type as parameters of an address: lists comma-separated, objects as JSON texts."""
    if query is None:
        return []
    schema = components[schema_of[_identity(query)]["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, **_written(name, wanted)}
        for name, wanted in schema["properties"].items()
    ]


def _written(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    if name == "filters":
        return {"content": {"application/json": {"schema": wanted}}}
    kinds = [kind for kind in wanted.get("anyOf", [wanted]) if kind != {"type": "null"}]
    schema = {**wanted, "anyOf": kinds} if "anyOf" in wanted else dict(wanted)
    if schema.get("default", "") is None:  # absent: an address has no null
        del schema["default"]
    if len(kinds) == 1:
        schema = {**kinds[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
    if any(kind.get("type") == "array" for kind in kinds):
        return {"schema": schema, **_LISTS_IN_ADDRESS}
    return {"schema": schema}
